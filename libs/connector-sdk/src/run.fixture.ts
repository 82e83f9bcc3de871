import type { Fact, JsonValue, MetricDocument, PointStatement, SourceDocument } from '@paceline/domain';
import { compileMetrics, type Metric } from '@paceline/domain/metric/metric';
import { pointKey } from '@paceline/domain/metric/statement';
import { z } from 'zod';
import { createBudgets } from './budget.ts';
import type { Connector, Row } from './connector.ts';
import type { Logger } from './context.ts';
import { createEgress } from './egress.ts';
import { projectFiles } from './files.ts';
import type { LiveInput, Sink } from './run.ts';
import { defineConnector } from './spec.ts';

/** Source, clock and log of a test, all in memory, with the rule by which a point's statements stand. */
export const DAY = 86_400_000;
export const at = (text: string): number => Date.parse(text);

export function metricsOf(...documents: readonly MetricDocument[]): ReadonlyMap<string, Metric> {
  const { metrics, faults } = compileMetrics(documents, new Map());
  if (faults.size > 0) throw new Error(JSON.stringify([...faults]));
  return metrics;
}

export function metric(name: string, spec: MetricDocument['spec']): MetricDocument {
  return { apiVersion: 'paceline/v1', kind: 'Metric', metadata: { name }, spec };
}

export function source(
  name: string,
  spec: Partial<SourceDocument['spec']> & Pick<SourceDocument['spec'], 'map'>,
): SourceDocument {
  return { apiVersion: 'paceline/v1', kind: 'Source', metadata: { name }, spec: { connector: 'rows', ...spec } };
}

/** A connector over a list that a test changes between runs. */
export function rowsConnector(
  rows: () => Iterable<Row>,
  options: { readonly whole?: boolean; readonly fingerprint?: () => string; onRow?(): void | Promise<void> } = {},
): Connector {
  return defineConnector({
    spec: {
      id: 'rows',
      version: '1.0.0',
      title: 'Rows of a test',
      config: z.strictObject({}),
      state: z.strictObject({}),
      stateVersion: 1,
      modes: ['window'],
      extent: () => (options.whole === true ? 'whole' : 'window'),
      egress: () => [],
    },
    async *check() {
      yield { stage: 'sample', ok: true, message: 'rows' };
    },
    ...(options.fingerprint === undefined ? {} : { fingerprint: async () => options.fingerprint?.() ?? '' }),
    async *read() {
      let line = 1;
      for (const row of rows()) {
        await options.onRow?.();
        yield { row, at: `rows:${line++}` };
      }
    },
  });
}

/** The log as far as a run sees it. `crashAfter` lets so many appends happen and then fails, with the last one done or not. */
export class MemorySink implements Sink {
  readonly facts: Fact[] = [];
  readonly appends: (readonly Fact[])[] = [];
  crashAfter = Number.POSITIVE_INFINITY;
  roomAsked: number[] = [];

  async append(facts: readonly Fact[]): Promise<number> {
    if (this.appends.length >= this.crashAfter)
      throw Object.assign(new Error('the log is gone'), { code: 'ECONNRESET' });
    this.appends.push(facts);
    this.facts.push(...facts);
    return (this.facts.length - 1) * 1024;
  }

  async room(pointsMax: number): Promise<void> {
    this.roomAsked.push(pointsMax);
  }

  state(key: string): { readonly stateVersion: number; readonly state: JsonValue } | undefined {
    const fact = this.facts.findLast((one) => one.type === 'source_state' && one.source === key);
    return fact?.type === 'source_state' ? fact : undefined;
  }

  /** `period or time [dimensions] [id]` → value of what stands: greatest (revision, readAt, position), retracted points left out. */
  standing(metricName: string): Record<string, string> {
    const best = new Map<string, { rank: readonly number[]; point: PointStatement }>();
    for (const [offset, fact] of this.facts.entries()) {
      if (fact.type !== 'observations' || fact.metric !== metricName) continue;
      for (const [index, point] of fact.points.entries()) {
        const rank = [point.revision ?? 0, fact.readAt ?? 0, offset * 1024 + index];
        const key = pointKey(point);
        const before = best.get(key);
        if (before === undefined || compare(rank, before.rank) > 0) best.set(key, { rank, point });
      }
    }
    const entries = [...best.values()]
      .filter(({ point }) => point.value !== null)
      .map(({ point }) => {
        const dimensions = Object.values(point.dimensions ?? {}).join(',');
        const name = [point.period ?? point.time, dimensions, point.id]
          .filter((part) => part !== undefined && part !== '')
          .join(' ');
        return [name, point.value ?? `${point.numerator}/${point.denominator}`] as const;
      });
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  covered(metricName: string): string[] {
    return this.facts.flatMap((fact) => {
      if (fact.type !== 'covered' || fact.metric !== metricName) return [];
      const from = fact.from === undefined ? '' : new Date(fact.from).toISOString();
      return [`${from}/${new Date(fact.to).toISOString()}`];
    });
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export class TestClock {
  time: number;
  constructor(time: number) {
    this.time = time;
  }
  now(): number {
    return this.time;
  }
  async sleep(delayMs: number): Promise<void> {
    this.time += delayMs;
  }
}

const silent: Logger = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined };

export function inputOf(
  fixture: {
    readonly source: SourceDocument;
    readonly connector: Connector;
    readonly metrics: ReadonlyMap<string, Metric>;
    readonly sink: MemorySink;
    readonly clock: TestClock;
  },
  more: Partial<LiveInput> = {},
): LiveInput {
  const { clock } = fixture;
  return {
    ...fixture,
    egress: createEgress(),
    files: projectFiles('.'),
    secrets: { env: {} },
    budgets: createBudgets(clock),
    logger: silent,
    signal: new AbortController().signal,
    run: `run-${clock.now()}`,
    state: fixture.sink.state(fixture.source.metadata.name),
    ...more,
  };
}
