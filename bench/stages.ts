/**
 * What each stage of the path costs alone, in seconds of a core for a million observations (or judgements): the least of some
 * rounds, as a shared machine only ever adds to it. The thread of JavaScript and the engine's threads are told apart.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  EDITION,
  evaluator,
  gridPoints,
  needsOf,
  position,
  type Recorded,
  type View,
  WorkspaceFold,
} from '@paceline/domain';
import { type Decoded, decodeInColumns } from '@paceline/events';
import type { LogRecord } from '@paceline/log';
import { openMemoryLog } from '@paceline/log/memory';
import { judgementRow, print } from '@paceline/processor/evaluation-rows';
import { ObservationBatch, openStore, type Row, readCells, type Store } from '@paceline/store';
import { type IngestLoad, pointsOfLoad, produce } from './ingest/load.ts';
import type { Measure } from './report.ts';

export interface StagesOptions {
  readonly batched: IngestLoad;
  readonly single: IngestLoad;
  readonly rounds: number;
}

interface Cost {
  /** Of the thread that runs JavaScript. */
  readonly main: number;
  /** Of all others: the engine's, and the collector's helpers. */
  readonly others: number;
}

type Costs = Map<string, Cost>;

async function timed<T>(costs: Costs, stage: string, count: number, work: () => T | Promise<T>): Promise<T> {
  const [thread, all] = [process.threadCpuUsage(), process.cpuUsage()];
  const done = await work();
  const own = process.threadCpuUsage(thread);
  const whole = process.cpuUsage(all);
  const main = (own.user + own.system) / count;
  const others = Math.max(0, (whole.user + whole.system) / count - main);
  const known = costs.get(stage);
  costs.set(stage, { main: Math.min(main, known?.main ?? main), others: Math.min(others, known?.others ?? others) });
  return done;
}

interface Folded {
  readonly fold: WorkspaceFold;
  readonly batch: ObservationBatch;
}

/** Reads, folds and encodes the records of a log that is in memory already. */
async function takeAll(costs: Costs, kind: string, points: number, records: readonly LogRecord[]): Promise<Folded> {
  const decoded = await timed(costs, `${kind}: parse and check`, points, () => records.map(decodeInColumns));
  const fold = new WorkspaceFold();
  const facts = await timed(costs, `${kind}: fold`, points, () =>
    decoded.map((one, offset) => foldOne(fold, one, offset)),
  );
  const batch = new ObservationBatch('stages');
  await timed(costs, `${kind}: encode rows`, points, () => {
    for (const record of facts) {
      if (record?.fact.type === 'observations') batch.add({ ...record, fact: record.fact });
    }
  });
  if (batch.rows !== points) throw new Error(`${batch.rows} of ${points} points were encoded`);
  return { fold, batch };
}

function foldOne(fold: WorkspaceFold, decoded: Decoded, offset: number): Recorded | undefined {
  if (!decoded.ok) throw new Error(decoded.message);
  if (decoded.fact.type === 'tick') return undefined;
  const record = { position: position(offset), recordedAt: decoded.recordedAt, id: decoded.id, fact: decoded.fact };
  fold.apply(record);
  return { ...record, recordedAt: fold.recordedAt };
}

/** Cells of all metrics from the engine, every grid point evaluated on them, and the judgements written. */
async function judgeAll(costs: Costs, store: Store, { fold }: Folded, points: number): Promise<number> {
  const { catalog } = fold;
  const subjects = [...catalog.kpis.values()].map(({ subject }) => subject);
  const first = Math.min(...[...catalog.metrics.keys()].map((name) => fold.statedFrom(name) ?? fold.recordedAt));
  const due = gridPoints(catalog, { after: first, upTo: fold.recordedAt }, subjects);
  const coverage = (metric: string) => fold.coverage(metric);
  const needs = needsOf(
    catalog,
    subjects,
    [...new Set(due.map(({ at }) => at))].sort((a, b) => a - b),
    coverage,
  );
  const wanted = needs.flatMap((need) => {
    const metric = catalog.metrics.get(need.metric);
    return metric === undefined ? [] : [{ metric, need }];
  });
  const cells = await timed(costs, 'read back as cells', points, () =>
    readCells(store, 'stages', wanted, fold.position),
  );
  const view: View = {
    position: fold.position,
    knownAt: fold.recordedAt,
    edition: EDITION,
    catalog,
    cells: (metric) => cells.get(metric) ?? { series: [] },
    coverage,
    checkIns: (subject) => fold.checkIns.of(subject),
  };
  const { evaluate } = evaluator(view);
  const evaluations = await timed(costs, 'a judgement: evaluate', due.length, () =>
    due.flatMap(({ subject, at }) => evaluate(subject, at) ?? []),
  );
  const tick = { position: fold.position, recordedAt: fold.recordedAt };
  const rows = await timed(costs, 'a judgement: print and hash', due.length, () =>
    evaluations.map((evaluation): Row<'judgement'> => judgementRow('stages', print(evaluation), tick, false)),
  );
  await timed(costs, 'a judgement: insert', due.length, () => store.insert('judgement', rows));
  return due.length;
}

export async function measureStages({ batched, single, rounds }: StagesOptions): Promise<Measure[]> {
  const dir = mkdtempSync(join(tmpdir(), 'paceline-bench-stages-'));
  const store = openStore({ path: dir });
  const costs: Costs = new Map();
  let judgements = 0;
  try {
    await store.migrate();
    const [many, few] = [await recordsOf(batched), await recordsOf(single)];
    for (let round = 0; round < rounds; round++) {
      await takeAll(costs, 'single', pointsOfLoad(single), few);
      const folded = await takeAll(costs, 'batched', pointsOfLoad(batched), many);
      await store.command({ sql: 'TRUNCATE TABLE observation' });
      await timed(costs, 'insert rows', pointsOfLoad(batched), () => store.insertObservations(folded.batch));
      judgements = await judgeAll(costs, store, folded, pointsOfLoad(batched));
    }
  } finally {
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  }
  return [...costs].map(
    ([stage, { main, others }]): Measure => ({
      measure: `stage ${stage}`,
      ours: main + others,
      unit: 's of a core per million',
      better: 'less',
      note: `${main.toFixed(2)} of it JavaScript${stage.startsWith('a judgement') ? `; ${judgements} judgements` : ''}`,
      details: { main, others },
    }),
  );
}

async function recordsOf(load: IngestLoad): Promise<LogRecord[]> {
  const log = openMemoryLog({ now: () => Date.now() });
  try {
    const [made] = await produce(log, { ...load, workspaces: 1 });
    if (made === undefined) throw new Error('no workspace was made');
    const records: LogRecord[] = [];
    for await (const some of log.read(made.topic, { from: 0 })) records.push(...some);
    return records;
  } finally {
    await log.close();
  }
}
