import type { Document } from '@paceline/domain';
import type { Store } from '@paceline/store';
import { temporaryStore } from '@paceline/store/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorld, positionText, type World } from './world.ts';

const DEFINITIONS: readonly Document[] = [
  {
    apiVersion: 'paceline/v1',
    kind: 'Metric',
    metadata: { name: 'revenue', title: 'Revenue' },
    spec: {
      aggregation: 'sum',
      grain: 'day',
      settle: 'PT6H',
      timezone: 'Europe/Berlin',
      dimensions: ['region'],
      unit: 'EUR',
    },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Metric',
    metadata: { name: 'seats' },
    spec: { aggregation: 'last', across: 'sum', grain: 'day', dimensions: ['region'] },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Metric',
    metadata: { name: 'load' },
    spec: { aggregation: 'avg', points: 'time', grain: 'day' },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Metric',
    metadata: { name: 'per_seat' },
    spec: { derived: 'revenue / orders', grain: 'day' },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Metric',
    metadata: { name: 'orders' },
    spec: { aggregation: 'sum', grain: 'day', settle: 'PT6H', timezone: 'Europe/Berlin', dimensions: ['region'] },
  },
  { apiVersion: 'paceline/v1', kind: 'Unit', metadata: { name: 'company' }, spec: { type: 'company' } },
  {
    apiVersion: 'paceline/v1',
    kind: 'Unit',
    metadata: { name: 'sales', title: 'Sales' },
    spec: { type: 'department', parent: 'company' },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Kpi',
    metadata: {
      name: 'revenue-month',
      title: '=cmd()',
      owner: [
        { effectiveFrom: '2026-01-01', value: 'ada' },
        { effectiveFrom: '2026-11-05', value: 'bob' },
      ],
    },
    spec: {
      unit: 'sales',
      metric: 'revenue',
      direction: 'higher',
      period: { toDate: 'month' },
      targets: [{ effectiveFrom: '2026-01-01', value: '600' }],
      policy: 'viva',
    },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Cycle',
    metadata: { name: 'q4' },
    spec: { firstDay: '2026-10-01', lastDay: '2026-12-31', timezone: 'Europe/Berlin' },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Objective',
    metadata: { name: 'grow', title: 'Grow', owner: 'eve' },
    spec: {
      unit: 'sales',
      cycle: 'q4',
      keyResults: [
        { name: 'sell', metric: 'revenue', type: 'reach', baseline: '0', target: '900', weight: 2 },
        { name: 'nps', type: 'reach', baseline: '20', target: '50', owner: 'kim' },
      ],
    },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Metric',
    metadata: { name: 'visits' },
    spec: { aggregation: 'sum', grain: 'day' },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'Source',
    metadata: { name: 'web' },
    spec: {
      connector: 'csv',
      config: { path: 'visits.csv' },
      schedule: { every: 'PT1H' },
      window: { period: 'P1D', start: '2026-10-01' },
      map: { metric: 'visits', time: 'day', value: 'visits' },
    },
  },
  {
    apiVersion: 'paceline/v1',
    kind: 'AlertRule',
    metadata: { name: 'behind' },
    spec: { watch: ['kpi/*'], when: 'off_track', for: 1, recover: 1, severity: 'page' },
  },
];

let store: Store;
let stopStore: () => Promise<void>;
let world: World;
/** Before the correction of the third of November. */
let early: { position: string; at: string };

beforeAll(async () => {
  ({ store, stop: stopStore } = await temporaryStore());
  world = await openWorld(store, { now: '2026-11-01T08:00:00Z', definitions: DEFINITIONS });
  const { log } = world;
  for (let day = 1; day <= 10; day++) {
    const label = `2026-11-${String(day).padStart(2, '0')}`;
    log.at(`2026-11-${String(day + 1).padStart(2, '0')}T00:30:00Z`);
    const points = (value: number) => [
      { period: label, value: String(value), dimensions: { region: 'emea' } },
      { period: label, value: String(value * 2), dimensions: { region: 'apac' } },
    ];
    await log.append({ type: 'observations', metric: 'revenue', feeder: 'push', points: points(10) });
    await log.append({ type: 'observations', metric: 'orders', feeder: 'push', points: points(day) });
    if (day !== 4) {
      await log.append({ type: 'observations', metric: 'seats', feeder: 'push', points: points(100 + day) });
    }
    await log.append({
      type: 'observations',
      metric: 'load',
      feeder: 'push',
      points: [
        { time: `${label}T10:10:00Z`, value: String(40 + day), id: `a${day}` },
        { time: `${label}T23:30:00Z`, value: String(day), id: `b${day}` },
      ],
    });
  }
  const visits = Object.fromEntries(Array.from({ length: 9 }, (_, day) => [`2026-11-0${day + 1}`, '5']));
  await log.state('visits', visits, 'source/web');
  const covered = { type: 'covered', metric: 'visits', feeder: 'source/web', readAt: log.now } as const;
  await log.append({ ...covered, from: Date.parse('2026-11-01'), to: Date.parse('2026-11-10') });
  log.at('2026-11-11T12:00:00Z');
  early = { position: await world.tick(), at: '2026-11-11T12:00:00.000Z' };
  log.at('2026-11-11T15:00:00Z');
  await log.append({
    type: 'observations',
    metric: 'revenue',
    feeder: 'push',
    points: [{ period: '2026-11-03', value: '1000', dimensions: { region: 'emea' } }],
  });
  await world.tick();
});
afterAll(async () => {
  await world?.stop();
  await stopStore();
});

const values = (answer: { body: { data: { bucket: string; value: string | null }[] } }) =>
  Object.fromEntries(answer.body.data.map(({ bucket, value }) => [bucket, value]));

describe('the trend of a metric', () => {
  it('adds up days of its own zone, says what is final, and names what it stands on', async () => {
    const { status, body } = await world.get('/v1/trend?metric=revenue&from=2026-11-01&to=2026-11-13');
    expect(status).toBe(200);
    expect(body.data).toHaveLength(11);
    expect(body.data[0]).toEqual({
      bucket: '2026-11-01',
      from: '2026-10-31T23:00:00Z',
      to: '2026-11-01T23:00:00Z',
      value: '30',
      count: 2,
      final: true,
    });
    expect(body.data[2].value).toBe('1020');
    expect(body.data[10]).toMatchObject({ bucket: '2026-11-11', value: null, count: 0, final: false });
    expect(body.meta).toMatchObject({
      workspace: world.log.workspace,
      metric: 'revenue',
      window: 'day',
      timezone: 'Europe/Berlin',
      granularity: 'day',
      unit: 'EUR',
      definitionVersion: '0:0',
      truncated: false,
    });
    expect(body.meta.completeness).toBeCloseTo(10 / 11);
  });

  it('shows what was known then, and only what is valid as of then', async () => {
    const path = '/v1/trend?metric=revenue&window=month&from=2026-11-01&to=2026-12-01';
    expect(values(await world.get(`${path}&known_at=${early.at}`))).toEqual({ '2026-11': '300' });
    expect(values(await world.get(path))).toEqual({ '2026-11': '1290' });
    expect(values(await world.get(`${path}&as_of=2026-11-04T00:00:00Z`))).toEqual({ '2026-11': '1080' });
  });

  it('keeps series apart and filters them', async () => {
    const path = '/v1/trend?metric=revenue&window=month&from=2026-11-01&to=2026-12-01';
    const grouped = await world.get(`${path}&group_by=region`);
    expect(grouped.body.data.map((row: { dimensions: object; value: string }) => [row.dimensions, row.value])).toEqual([
      [{ region: 'apac' }, '200'],
      [{ region: 'emea' }, '1090'],
    ]);
    expect(values(await world.get(`${path}&where.region=apac`))).toEqual({ '2026-11': '200' });
    expect(values(await world.get(`${path}&where.region=`))).toEqual({ '2026-11': null });
  });

  it('computes formulas on the aggregates of each window', async () => {
    const { body } = await world.get('/v1/trend?metric=per_seat&from=2026-11-02&to=2026-11-04');
    expect(body.data.map(({ value }: { value: string }) => value)).toEqual(['5', '113.333333333']);
    const grouped = await world.get('/v1/trend?metric=per_seat&from=2026-11-02&to=2026-11-03&group_by=region');
    expect(grouped.body.data.map(({ value }: { value: string }) => value)).toEqual(['5', '5']);
  });

  it('puts the period before beside each window', async () => {
    const { body } = await world.get('/v1/trend?metric=revenue&from=2026-11-06&to=2026-11-11&compare=previous');
    expect(body.data[0]).toMatchObject({
      bucket: '2026-11-06',
      value: '30',
      previous: { bucket: '2026-11-01', value: '30', final: true },
    });
    expect(body.data[2].previous).toMatchObject({ bucket: '2026-11-03', value: '1020' });
    const month = await world.get('/v1/trend?metric=revenue&from=2026-11-01&to=2026-12-01&compare=previous');
    expect(month.body.data[0].previous).toMatchObject({ bucket: '2026-10-01', value: null, final: false });
  });

  it('leaves gaps of levels open unless asked, and never fills what adds up', async () => {
    const path = '/v1/trend?metric=seats&from=2026-11-03&to=2026-11-06';
    expect(values(await world.get(path))).toEqual({ '2026-11-03': '309', '2026-11-04': null, '2026-11-05': '315' });
    const filled = await world.get(`${path}&fill=previous`);
    expect(filled.body.data[1]).toMatchObject({ value: '309', filled: true, count: 2 });
    const refused = await world.get('/v1/trend?metric=revenue&fill=previous');
    expect([refused.status, refused.body.code, refused.body.errors[0].parameter]).toEqual([
      400,
      'invalid_request',
      'fill',
    ]);
  });

  it('cuts samples in any zone and by the hour, and refuses to cut whole values', async () => {
    const hours = await world.get(
      '/v1/trend?metric=load&window=hour&from=2026-11-02T09:00:00Z&to=2026-11-02T12:00:00Z',
    );
    expect(values(hours)).toEqual({
      '2026-11-02T09+00:00': null,
      '2026-11-02T10+00:00': '42',
      '2026-11-02T11+00:00': null,
    });
    const moved = await world.get('/v1/trend?metric=load&timezone=Europe/Berlin&from=2026-11-02&to=2026-11-04');
    expect(values(moved)).toEqual({ '2026-11-02': '21.5', '2026-11-03': '22.5' });
    for (const [query, parameter] of [
      ['timezone=UTC', 'timezone'],
      ['window=hour', 'window'],
      ['window=period', 'window'],
      ['from=2026-11-03&to=2026-11-01', 'from'],
    ]) {
      const { status, body } = await world.get(`/v1/trend?metric=revenue&${query}`);
      expect([status, body.code, body.errors[0].parameter]).toEqual([400, 'invalid_window', parameter]);
    }
  });

  it('cuts a long answer short and says where to go on', async () => {
    const first = await world.get('/v1/trend?metric=revenue&from=2026-11-01&to=2026-11-11&group_by=region&limit=7');
    expect(first.body.data).toHaveLength(6);
    expect(first.body.meta.truncated).toBe(true);
    const second = await world.get(first.body.links.next);
    expect(second.body.data[0]).toMatchObject({ bucket: '2026-11-04', dimensions: { region: 'apac' } });
  });

  it('ends by itself with the latest day of which something is known, however little a second feeder covers', async () => {
    const days = async (): Promise<unknown[]> => {
      const { body } = await world.get('/v1/trend?metric=visits');
      return body.data.map(({ bucket, final }: { bucket: string; final: boolean }) => `${bucket} ${final}`);
    };
    const before = await days();
    expect(before).toHaveLength(9);
    expect(before.at(-1)).toBe('2026-11-09 true');
    await world.log.state('visits', { '2026-11-04': '6' });
    await world.tick();
    const after = await days();
    expect(after).toHaveLength(9);
    expect(after.filter((day) => String(day).endsWith('true'))).toEqual(['2026-11-04 true']);
  });

  it('begins by itself where the data does', async () => {
    const { body } = await world.get('/v1/trend?metric=revenue');
    expect(body.data[0].bucket).toBe('2026-11-01');
    const years = await world.get('/v1/trend?metric=revenue&window=year');
    expect(years.body.data.map(({ bucket }: { bucket: string }) => bucket)).toEqual(['2026']);
  });

  it('answers CSV and NDJSON by parameter or by Accept', async () => {
    const csv = await world.get('/v1/trend?metric=revenue&from=2026-11-03&to=2026-11-04&group_by=region&format=csv');
    expect(csv.headers['content-type']).toContain('text/csv');
    expect(csv.text).toBe(
      'bucket,from,to,value,count,final,region\r\n2026-11-03,2026-11-02T23:00:00Z,2026-11-03T23:00:00Z,20,1,true,apac\r\n2026-11-03,2026-11-02T23:00:00Z,2026-11-03T23:00:00Z,1000,1,true,emea\r\n',
    );
    const lines = await world.get('/v1/trend?metric=revenue&from=2026-11-03&to=2026-11-05', {
      accept: 'application/x-ndjson',
    });
    expect(
      lines.text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).value),
    ).toEqual(['1020', '30']);
  });

  it('names what it does not know, with a suggestion', async () => {
    const metric = await world.get('/v1/trend?metric=revenu');
    expect([metric.status, metric.body.code]).toEqual([422, 'unknown_metric']);
    expect(metric.body.detail).toContain('did you mean "revenue"?');
    const dimension = await world.get('/v1/trend?metric=revenue&group_by=regin');
    expect([dimension.body.code, dimension.body.errors[0].parameter]).toEqual(['unknown_dimension', 'group_by']);
    const zone = await world.get('/v1/trend?metric=load&timezone=Europe/Berln');
    expect(zone.body.code).toBe('invalid_timezone');
    const misspelt = await world.get('/v1/trend?metric=revenue&knownat=2026-01-01');
    expect([misspelt.status, misspelt.body.errors[0]]).toMatchObject([
      400,
      { code: 'unknown_key', parameter: 'knownat' },
    ]);
    expect((await world.get('/v1/trend')).body.code).toBe('invalid_request');
    expect((await world.get('/v1/trend?metric=load&from=tomorrow')).body.code).toBe('invalid_time');
  });
});

describe('the trend of a subject', () => {
  it('shows the judgement whose measured bucket lies in each window', async () => {
    const { body } = await world.get('/v1/trend?subject=kpi/revenue-month&from=2026-11-01&to=2026-11-12');
    expect(body.data[1]).toMatchObject({
      bucket: '2026-11-02',
      value: '60',
      target: '600',
      expectedValue: '40',
      verdict: 'on_track',
      final: true,
      count: 1,
      asOf: '2026-11-03T05:00:00Z',
      measuredAt: '2026-11-02T23:00:00Z',
    });
    expect(body.data[2]).toMatchObject({ bucket: '2026-11-03', value: '1080' });
    expect(body.data[10]).toMatchObject({ bucket: '2026-11-11', value: null, verdict: null, final: false });
    expect(body.meta).toMatchObject({ subject: 'kpi/revenue-month', window: 'day', timezone: 'Europe/Berlin' });
    const weeks = await world.get('/v1/trend?subject=kpi/revenue-month&window=week&from=2026-11-02&to=2026-11-09');
    expect(weeks.body.data).toMatchObject([{ bucket: '2026-W45', value: '1230', count: 7 }]);
  });

  it('shows what was judged before a correction', async () => {
    const path = '/v1/trend?subject=kpi/revenue-month&from=2026-11-03&to=2026-11-04';
    expect(values(await world.get(`${path}&known_at=${early.at}`))).toEqual({ '2026-11-03': '90' });
    expect(values(await world.get(path))).toEqual({ '2026-11-03': '1080' });
  });

  it('refuses what is only for metrics, and unknown subjects', async () => {
    const grouped = await world.get('/v1/trend?subject=kpi/revenue-month&group_by=region');
    expect([grouped.status, grouped.body.errors[0].parameter]).toEqual([400, 'group_by']);
    const unknown = await world.get('/v1/trend?subject=kpi/revenue-moth');
    expect([unknown.status, unknown.body.code]).toEqual([404, 'unknown_subject']);
    expect(unknown.body.detail).toContain('did you mean "kpi/revenue-month"?');
  });
});

describe('the status', () => {
  it('lists what the processor wrote, with titles and owners in force', async () => {
    const { body } = await world.get('/v1/status');
    const subjects = body.data.map(({ subject }: { subject: string }) => subject);
    expect(subjects).toContain('kpi/revenue-month');
    expect(subjects).toContain('unit/sales@q4');
    expect(body.meta.subjects['kpi/revenue-month']).toMatchObject({ owner: 'bob', unit: 'sales', measure: 'EUR' });
    expect(body.meta.subjects['key_result/grow/nps']).toMatchObject({ owner: 'kim', cycle: 'q4' });
    const filtered = await world.get('/v1/status?kind=kpi&owner=bob&unit=sales');
    expect(filtered.body.data.map(({ subject }: { subject: string }) => subject)).toEqual([
      'kpi/revenue-month',
      'kpi/revenue-month@2026-10',
    ]);
    expect((await world.get('/v1/status?verdict=missed')).body.data).toEqual([]);
  });

  it('equals a computation at the same position', async () => {
    const stored = await world.get('/v1/status');
    const computed = await world.get(`/v1/status?as_of=${stored.body.meta.asOf}`);
    const bare = (rows: { freshness: unknown }[]) => rows.map((row) => ({ ...row, freshness: null }));
    expect(bare(computed.body.data)).toEqual(bare(stored.body.data));
  });

  it('answers as of an earlier instant, and as known then', async () => {
    const path = '/v1/status/kpi/revenue-month';
    expect((await world.get(path)).body.data).toMatchObject({ value: '1290', verdict: 'on_track' });
    expect((await world.get(`${path}?as_of=2026-11-03T06:00:00Z`)).body.data).toMatchObject({
      value: '60',
      asOf: '2026-11-03T06:00:00Z',
    });
    expect((await world.get(`${path}?known_at=${early.at}`)).body.data).toMatchObject({ value: '300' });
  });

  it('turns stale by the clock of the reader', async () => {
    // The log's time is 2026-11-11; the machine's is later or earlier, so only the instant asked about is certain.
    const late = await world.get('/v1/status/kpi/revenue-month?as_of=2026-12-20T00:00:00Z');
    expect(late.body.data.freshness).toBe('stale');
    const then = await world.get('/v1/status/kpi/revenue-month?as_of=2026-11-11T12:00:00Z');
    expect(then.body.data.freshness).toBe('fresh');
  });

  it('waits for a position, and says so when it does not come', async () => {
    const position = positionText(await world.log.state('orders', { '2026-11-10': '7' }));
    const answer = await world.get(`/v1/status/kpi/revenue-month?min_position=${position}`);
    expect(answer.status).toBe(200);
    expect(answer.body.meta.position).toBe(position);
    const never = await world.get('/v1/status?min_position=999999:0');
    expect([never.status, never.body.code, never.headers['retry-after']]).toEqual([409, 'position_unreached', '1']);
    expect((await world.get('/v1/status?min_position=x')).body.code).toBe('invalid_position');
  });

  it('is not sent again while nothing changed', async () => {
    const first = await world.get('/v1/status/kpi/revenue-month');
    const tag = String(first.headers.etag);
    const again = await world.get('/v1/status/kpi/revenue-month', { 'if-none-match': tag });
    expect([again.status, again.text]).toEqual([304, '']);
    const trend = await world.get('/v1/trend?metric=revenue');
    const same = await world.get('/v1/trend?metric=revenue', { 'if-none-match': String(trend.headers.etag) });
    expect(same.status).toBe(304);
    const other = await world.get('/v1/trend?metric=orders', { 'if-none-match': String(trend.headers.etag) });
    expect(other.status).toBe(200);
  });

  it('is safe to open in a spreadsheet', async () => {
    const { text } = await world.get('/v1/status?kind=kpi&format=csv');
    const [header, row] = text.split('\r\n');
    expect(header?.split(',').slice(0, 2)).toEqual(['subject', 'asOf']);
    expect(row).toContain('kpi/revenue-month');
  });

  it('refuses an unknown workspace', async () => {
    const { status, body } = await world.get('/v1/status?workspace=elsewhere');
    expect([status, body.code]).toEqual([404, 'unknown_workspace']);
  });
});
