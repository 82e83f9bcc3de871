import { type Document, EDITION, type ObservationsFact, type Position, position } from '@paceline/domain';
import { encodeFact, factsTopic } from '@paceline/events';
import type { EventLog, LogMessage } from '@paceline/log';
import { dayLabels, metricName } from '../shape.ts';

/** What one run of ingest reads: values of each metric, region and day, in records of some days of one metric. */
export interface IngestLoad {
  readonly name: 'batched' | 'single';
  readonly workspaces: number;
  readonly metrics: number;
  readonly regions: number;
  readonly days: number;
  /** Points of one record; a multiple or a divisor of the regions. */
  readonly recordPoints: number;
}

export interface WorkspaceLoad {
  readonly workspace: string;
  readonly topic: string;
  readonly points: number;
  /** Of its last record, a tick. */
  readonly end: Position;
}

/** Of one append. */
const MESSAGES = 500;

export function pointsOfLoad({ metrics, regions, days }: IngestLoad): number {
  return metrics * regions * days;
}

/** A metric and a KPI on its quarter to date, as most are. */
function definitions(names: readonly string[], from: string): Document[] {
  return names.flatMap((name): Document[] => [
    {
      apiVersion: 'paceline/v1',
      kind: 'Metric',
      metadata: { name },
      spec: { aggregation: 'sum', grain: 'day', unit: 'EUR', dimensions: ['region'] },
    },
    {
      apiVersion: 'paceline/v1',
      kind: 'Kpi',
      metadata: { name },
      spec: {
        metric: name,
        direction: 'higher',
        period: { toDate: 'quarter' },
        targets: [{ effectiveFrom: from, value: '900000' }],
        pace: 'linear',
      },
    },
  ]);
}

/** The facts of one workspace in the order in which days pass: definitions, values, and a tick that judges them. */
function* messagesOf(load: IngestLoad, workspace: string, names: readonly string[]): Generator<LogMessage> {
  const labels = dayLabels(load.days, Date.now());
  let id = 0;
  const envelope = () => ({ id: `bench-${id++}`, source: 'bench' });
  const put = definitions(names, labels[0] ?? '');
  yield encodeFact(workspace, { type: 'definitions', command: 'bench', expects: null, put, remove: [] }, envelope());
  const days = Math.max(1, load.recordPoints / load.regions);
  for (let from = 0; from < labels.length; from += days) {
    for (const [index, metric] of names.entries()) {
      const points = labels.slice(from, from + days).flatMap((period) => regions(load, period, index));
      for (let at = 0; at < points.length; at += load.recordPoints) {
        const fact: ObservationsFact = {
          type: 'observations',
          metric,
          feeder: 'push',
          points: points.slice(at, at + load.recordPoints),
        };
        yield encodeFact(workspace, fact, envelope());
      }
    }
  }
  yield encodeFact(workspace, { type: 'tick', edition: EDITION }, envelope());
}

function regions(load: IngestLoad, period: string, metric: number): ObservationsFact['points'] {
  return Array.from({ length: load.regions }, (_, region) => ({
    period,
    value: `${(metric * 7 + region * 3) % 1000}.${region + 10}`,
    dimensions: { region: `r${region}` },
  }));
}

/** Writes the load into one topic a workspace. */
export async function produce(log: EventLog, load: IngestLoad): Promise<WorkspaceLoad[]> {
  const share = load.metrics / load.workspaces;
  return Promise.all(
    Array.from({ length: load.workspaces }, async (_, index) => {
      const workspace = `${load.name}-${index}`;
      const topic = factsTopic(workspace);
      await log.ensureTopic(topic);
      const names = Array.from({ length: share }, (_, metric) => metricName(index * share + metric));
      let waiting: LogMessage[] = [];
      let last = -1;
      for (const message of messagesOf(load, workspace, names)) {
        waiting.push(message);
        if (waiting.length < MESSAGES) continue;
        last = (await log.append(topic, waiting)).lastOffset;
        waiting = [];
      }
      if (waiting.length > 0) last = (await log.append(topic, waiting)).lastOffset;
      return { workspace, topic, points: pointsOfLoad(load) / load.workspaces, end: position(last) };
    }),
  );
}
