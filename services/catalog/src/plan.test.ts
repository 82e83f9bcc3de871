import { DefinitionFold, type Document, type WorkspaceDefaults } from '@paceline/domain';
import { loadDocuments } from '@paceline/events';
import { describe, expect, it } from 'vitest';
import { planDefinitions } from './plan.ts';

const METRIC = 'kind: Metric\nmetadata: {name: revenue}\nspec: {aggregation: sum, grain: day, dimensions: [region]}';
const CALENDAR = 'kind: Calendar\nmetadata: {name: retail}\nspec: {timezone: America/New_York, weekStart: sunday}';
const KPI =
  'kind: Kpi\nmetadata: {name: k}\nspec: {metric: revenue, direction: higher, period: {toDate: month}, targets: [{effectiveFrom: 2026-01-01, value: 10}]}';
const SOURCE =
  'kind: Source\nmetadata: {name: shop}\nspec: {connector: csv, config: {path: a.csv}, window: {start: 2026-01-01}, map: {metric: revenue, time: day, value: revenue}}';

function read(...texts: string[]): Document[] {
  const loaded = loadDocuments(
    [{ file: 't', text: texts.map((text) => `apiVersion: paceline/v1\n${text}\n`).join('---\n') }],
    {},
  );
  expect(loaded.faults).toEqual([]);
  return loaded.documents.map(({ document }) => document);
}

function foldOf(...texts: string[]): DefinitionFold {
  const fold = new DefinitionFold();
  const put = read(...texts);
  fold.apply(
    { type: 'definitions', command: 'c', expects: null, put, remove: [] },
    { position: 0, appendedAt: 1, id: 'c' },
  );
  return fold;
}

function plan(fold: DefinitionFold, texts: readonly string[], prune = false) {
  const planned = planDefinitions(
    fold,
    read(...texts).map((document) => ({ document })),
    { prune },
  );
  return planned.ok ? planned.plan : planned.faults;
}

const POLICY =
  'kind: Policy\nmetadata: {name: strict}\nspec: {kind: ratio, onTrack: {atLeast: 0.95}, atRisk: {above: 0.75}}';

describe('the policy and pace of subjects that name none', () => {
  const fold = foldOf(METRIC, KPI, POLICY);
  const planned = (defaults: WorkspaceDefaults | undefined, texts = [METRIC, KPI, POLICY], of = fold) => {
    const given = read(...texts).map((document) => ({ document }));
    const found = planDefinitions(of, given, { prune: true, defaults });
    return found.ok ? found.plan : found.faults;
  };

  it('are part of a plan when they are to change, and of no plan when they are what they were', () => {
    expect(planned({ policy: 'strict', pace: 'linear' })).toMatchObject({
      changes: [
        {
          id: 'workspace/defaults',
          change: 'changed',
          fields: [{ field: 'policy', before: 'paceline', after: 'strict' }],
        },
      ],
      defaults: { policy: 'strict' },
      put: [],
    });
    for (const same of [undefined, {}, { policy: 'paceline' }, { policy: 'paceline', pace: 'linear' as const }]) {
      expect(planned(same)).toMatchObject({ changes: [], defaults: null });
    }
  });

  it('must be there, and must not be removed', () => {
    const fault = { code: 'unknown_reference', document: 'workspace/defaults', pointer: '/policy' };
    expect(planned({ policy: 'strickt' })).toMatchObject([fault]);
    const strict = foldOf(METRIC, POLICY);
    strict.apply(
      { type: 'definitions', command: 'd', expects: 0, put: [], remove: [], defaults: { policy: 'strict' } },
      { position: 1024, appendedAt: 2, id: 'd' },
    );
    expect(planned(undefined, [METRIC], strict)).toMatchObject([fault]);
    expect(planned({}, [METRIC], strict)).toMatchObject({ defaults: {}, remove: ['policy/strict'] });
  });
});

describe('a plan says what an apply would change', () => {
  it('the first time everything is added', () => {
    expect(plan(new DefinitionFold(), [METRIC, KPI])).toMatchObject({
      expects: null,
      unchanged: 0,
      changes: [
        { id: 'metric/revenue', change: 'added' },
        { id: 'kpi/k', change: 'added' },
      ],
      consequences: [],
      remove: [],
    });
  });
  it('the same documents change nothing, however they are written', () => {
    const other = KPI.replace('value: 10', 'value: "10.0"');
    expect(plan(foldOf(METRIC, KPI), [other, METRIC], true)).toMatchObject({
      expects: 0,
      changes: [],
      unchanged: 2,
      put: [],
    });
  });
  it('a changed document names its fields', () => {
    expect(plan(foldOf(METRIC, KPI), [KPI.replace('value: 10', 'value: 12')])).toMatchObject({
      unchanged: 1,
      changes: [
        {
          id: 'kpi/k',
          change: 'changed',
          fields: [{ field: 'spec.targets[2026-01-01].value', before: '10', after: '12' }],
        },
      ],
    });
  });
  it('what is not given stays, unless pruned', () => {
    expect(plan(foldOf(METRIC, KPI), [METRIC])).toMatchObject({ changes: [], unchanged: 2, remove: [] });
    expect(plan(foldOf(METRIC, KPI), [METRIC], true)).toMatchObject({
      changes: [{ id: 'kpi/k', change: 'removed' }],
      unchanged: 1,
      remove: ['kpi/k'],
    });
  });
  it('documents that stay are checked against those that go', () => {
    const fold = foldOf(METRIC, KPI);
    expect(plan(fold, [KPI], true)).toMatchObject([
      { code: 'unknown_reference', document: 'kpi/k', pointer: '/spec/metric' },
    ]);
  });
  it('a document may name one that is there already', () => {
    expect(plan(foldOf(METRIC), [KPI])).toMatchObject({ changes: [{ id: 'kpi/k', change: 'added' }] });
  });
  it('a workspace has room for so many documents', () => {
    const given = read(METRIC, KPI).map((document) => ({ document }));
    expect(planDefinitions(new DefinitionFold(), given, { prune: false, documentsMax: 1 })).toMatchObject({
      ok: false,
      faults: [{ code: 'too_many_documents', message: 'the workspace would have 2 documents, at most 1 are allowed' }],
    });
  });
  it('a retroactive entry needs a reason', () => {
    const retroactive = KPI.replace('value: 10}', 'value: 10, mode: retroactive}');
    expect(plan(foldOf(METRIC), [retroactive])).toMatchObject([{ code: 'missing_reason' }]);
    const reasoned = KPI.replace('value: 10}', 'value: 10, mode: retroactive, reason: typed wrongly}');
    expect(plan(foldOf(METRIC), [reasoned])).toMatchObject({ changes: [{ id: 'kpi/k' }] });
  });
});

describe('a plan says what follows', () => {
  const codes = (fold: DefinitionFold, texts: readonly string[], prune = false) => {
    const planned = plan(fold, texts, prune);
    return 'consequences' in planned ? planned.consequences.map(({ document, code }) => [document, code]) : planned;
  };
  it.each([
    [
      'another zone moves the buckets',
      METRIC.replace('grain: day', 'grain: day, timezone: Asia/Tokyo'),
      'buckets_move',
    ],
    ['another aggregation moves the buckets', METRIC.replace('sum', 'avg'), 'buckets_move'],
  ])('%s', (_title, text, code) => {
    expect(codes(foldOf(METRIC), [text])).toEqual([['metric/revenue', code]]);
  });
  it('another title moves nothing', () => {
    expect(codes(foldOf(METRIC), [METRIC.replace('name: revenue', 'name: revenue, title: Revenue')])).toEqual([]);
  });
  it('a calendar moves the buckets of its metrics', () => {
    const metric = METRIC.replace('grain: day', 'grain: week, calendar: retail');
    const monday = CALENDAR.replace('sunday', 'monday');
    expect(codes(foldOf(CALENDAR, metric), [monday])).toEqual([['metric/revenue', 'buckets_move']]);
  });
  it('a removed metric keeps its points', () => {
    expect(codes(foldOf(METRIC), [CALENDAR], true)).toEqual([['metric/revenue', 'points_unread']]);
  });
  it('a new source starts, an old one stops', () => {
    expect(codes(foldOf(METRIC), [SOURCE])).toEqual([['source/shop', 'source_starts']]);
    expect(codes(foldOf(METRIC, SOURCE), [METRIC], true)).toEqual([['source/shop', 'source_stops']]);
  });
  it('a changed source goes on from where it is', () => {
    expect(codes(foldOf(METRIC, SOURCE), [SOURCE.replace('a.csv', 'b.csv')])).toEqual([
      ['source/shop', 'source_continues'],
    ]);
  });
  it('a source of another connector begins without a state', () => {
    const other = SOURCE.replace('connector: csv', 'connector: http-json');
    expect(codes(foldOf(METRIC, SOURCE), [other])).toEqual([['source/shop', 'source_connector_changes']]);
  });
  it('a second source changes what complete means', () => {
    expect(codes(foldOf(METRIC, SOURCE), [SOURCE.replace('name: shop', 'name: web')])).toEqual([
      ['source/web', 'source_starts'],
      ['metric/revenue', 'feeders_change'],
    ]);
  });
});
