import { type Document, evaluator, type Position, subjectsOf } from '@paceline/domain';
import { knownPosition, loadView, readCatalog, type Store } from '@paceline/store';
import { temporaryStore } from '@paceline/store/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Processor } from './processor.ts';
import { TestLog, testProcessor } from './testing/log.ts';

const DEFINITIONS: readonly Document[] = [
  {
    apiVersion: 'paceline/v1',
    kind: 'Metric',
    metadata: { name: 'revenue' },
    spec: { aggregation: 'sum', grain: 'day' },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Kpi',
    metadata: { name: 'month' },
    spec: {
      metric: 'revenue',
      direction: 'higher',
      period: { toDate: 'month' },
      targets: [{ effectiveFrom: '2026-01-01', value: '300' }],
    },
  },
];

let store: Store;
let stopStore: () => Promise<void>;
let log: TestLog;
let processor: Processor;
let before: Position;
let after: Position;

beforeAll(async () => {
  ({ store, stop: stopStore } = await temporaryStore());
  log = new TestLog('defaults', '2026-11-01T08:00:00Z');
  await log.define(DEFINITIONS);
  for (let day = 1; day <= 20; day++) {
    log.at(`2026-11-${String(day + 1).padStart(2, '0')}T01:00:00Z`);
    await log.state('revenue', { [`2026-11-${String(day).padStart(2, '0')}`]: '8.5' });
  }
  processor = testProcessor(log.open(), store);
  await processor.start();
  before = await processor.tick(log.workspace);
  log.at('2026-11-22T12:00:00Z');
  await log.define([], [], { policy: 'oboard' });
  after = await processor.tick(log.workspace);
  await processor.settle(log.workspace, after);
});
afterAll(async () => {
  await processor.stop();
  await stopStore();
});

async function verdictAt(position: Position): Promise<string> {
  const catalog = await readCatalog(store, log.workspace, position);
  const asOf = Date.parse('2026-11-21T12:00:00Z');
  const subjects = subjectsOf(catalog, asOf);
  const wanted = { position, knownAt: asOf, edition: 1, catalog, subjects, instants: [asOf] };
  const view = await loadView(store, log.workspace, wanted);
  const evaluation = evaluator(view).evaluate('kpi/month', asOf);
  return `${evaluation?.policy} ${evaluation?.verdict}`;
}

describe('a changed default of the workspace', () => {
  it('judges again what had been judged, and the tables say both', async () => {
    const rows = await store.query<{ position: string; policies: string; verdicts: string }>({
      sql: `SELECT toString(position) AS position, arrayStringConcat(arraySort(groupUniqArray(JSONExtractString(evaluation, 'policy')))) AS policies,
arrayStringConcat(arraySort(groupUniqArray(toString(verdict))), ' ') AS verdicts
FROM judgement WHERE workspace = 'defaults' AND position IN ({before:UInt64}, {after:UInt64}) AND subject = 'kpi/month' AND as_of >= '2026-11-10 00:00:00'
GROUP BY position ORDER BY toUInt64(position)`,
      params: { before, after },
    });
    expect(rows).toEqual([
      { position: String(before), policies: 'paceline@1', verdicts: expect.stringContaining('at_risk') },
      { position: String(after), policies: 'oboard@1', verdicts: expect.stringContaining('on_track') },
    ]);
  });

  it('is seen by whoever asks with what was known from then on, and the one before by whoever asks for earlier', async () => {
    const known = await knownPosition(store, log.workspace, Date.parse('2026-11-22T11:59:00Z'));
    expect(known?.position).toBe(before);
    expect((await readCatalog(store, log.workspace, known?.position ?? 0)).defaults).toEqual({});
    expect((await readCatalog(store, log.workspace, after)).defaults).toEqual({ policy: 'oboard' });
    expect([await verdictAt(before), await verdictAt(after)]).toEqual(['paceline@1 at_risk', 'oboard@1 on_track']);
  });

  it('is known after a restart, from the snapshot of the fold', async () => {
    await processor.stop();
    processor = testProcessor(log.open(), store);
    await processor.start();
    log.at('2026-11-23T12:00:00Z');
    const next = await processor.tick(log.workspace);
    const rows = await store.query<{ policy: string }>({
      sql: `SELECT DISTINCT JSONExtractString(evaluation, 'policy') AS policy FROM judgement WHERE workspace = 'defaults' AND position = {next:UInt64}`,
      params: { next },
    });
    expect(rows).toEqual([{ policy: 'oboard@1' }]);
  });
});
