import { startKafka } from '@paceline/local-servers/kafka';
import { openKafkaLog } from '@paceline/log/kafka';
import { inChild } from '../children.ts';
import { type Measure, quantile, rate } from '../report.ts';
import type { KafkaEngineDone, KafkaEngineOrder } from './kafka-engine.ts';
import { type IngestLoad, pointsOfLoad, produce } from './load.ts';
import type { ProcessorDone, ProcessorOrder } from './processor.ts';

export const BATCHED: IngestLoad = {
  name: 'batched',
  workspaces: 4,
  metrics: 500,
  regions: 20,
  days: 100,
  recordPoints: 200,
};
export const SINGLE: IngestLoad = { ...BATCHED, name: 'single', days: 20, recordPoints: 1 };
const FLOORS = { batched: 0.5, single: 1.5 } as const;

export interface IngestOptions {
  /** Each side runs this often, in turn, so that both meet the machine's moods. */
  readonly rounds: number;
  readonly say: (line: string) => void;
  readonly sides?: readonly ('ours' | 'engine')[];
}

/** Both sides on the same topics of a broker of their own. The median round of each counts. */
export async function measureIngest(load: IngestLoad, { rounds, say, sides }: IngestOptions): Promise<Measure> {
  const points = pointsOfLoad(load);
  const kafka = await startKafka();
  try {
    const log = await openKafkaLog({ brokers: [kafka.brokers] });
    const loads = await produce(log, load).finally(() => log.close());
    say(`${load.name}: ${points.toLocaleString('en')} points in ${loads.length} topics`);
    const ours: ProcessorDone[] = [];
    const engine: KafkaEngineDone[] = [];
    for (let round = 0; round < rounds; round++) {
      const order: ProcessorOrder = { brokers: kafka.brokers, group: `ours-${round}`, loads };
      const done = await inChild<ProcessorOrder, ProcessorDone>('ingest/processor.ts', order);
      check(load, done);
      ours.push(done);
      say(`${load.name}: ours ${rate(points, done.ms).toLocaleString('en')} points/s, ${JSON.stringify(done)}`);
      if (sides?.includes('engine') === false) continue;
      const topics = loads.map(({ topic }) => topic);
      const bare: KafkaEngineOrder = { brokers: kafka.brokers, group: `engine-${round}`, topics, points };
      const bareDone = await inChild<KafkaEngineOrder, KafkaEngineDone>('ingest/kafka-engine.ts', bare);
      if (bareDone.rows !== points) throw new Error(`the Kafka engine wrote ${bareDone.rows} of ${points} points`);
      engine.push(bareDone);
      say(
        `${load.name}: engine ${rate(points, bareDone.ms).toLocaleString('en')} points/s, ${JSON.stringify(bareDone)}`,
      );
    }
    return measureOf(load, ours, engine);
  } finally {
    await kafka.stop();
  }
}

/** A fast answer that is not whole is no answer. */
function check(load: IngestLoad, done: ProcessorDone): void {
  const points = pointsOfLoad(load);
  if (done.rows !== points) throw new Error(`${done.rows} of ${points} points are in the table`);
  if (done.deadLetters !== 0) throw new Error(`${done.deadLetters} records were put aside`);
  // Every day of every KPI is due and was touched.
  if (done.judgements < load.metrics * (load.days - 1)) throw new Error(`only ${done.judgements} judgements were made`);
  if (done.statuses < load.metrics) throw new Error(`only ${done.statuses} subjects have a status`);
}

function measureOf(load: IngestLoad, ours: readonly ProcessorDone[], engine: readonly KafkaEngineDone[]): Measure {
  const points = pointsOfLoad(load);
  const median = rate(
    points,
    quantile(
      ours.map(({ ms }) => ms),
      0.5,
    ),
  );
  const last = ours.at(-1);
  const base: Measure = {
    measure: `ingest, ${load.name}${load.recordPoints === 1 ? '' : ` by ${load.recordPoints}`}`,
    ours: median,
    unit: 'points/s',
    better: 'more',
    note: `${points.toLocaleString('en')} points, ${load.metrics} KPIs, ${last?.judgements.toLocaleString('en')} judgements, ${load.workspaces} workspaces, median of ${ours.length}`,
    details: { load, ours, engine },
  };
  if (engine.length === 0) return base;
  const bare = rate(
    points,
    quantile(
      engine.map(({ ms }) => ms),
      0.5,
    ),
  );
  return { ...base, engine: bare, ratio: median / bare, floor: FLOORS[load.name] };
}
