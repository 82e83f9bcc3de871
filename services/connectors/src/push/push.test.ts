import { gzipSync } from 'node:zlib';
import { type Fact, parsePosition } from '@paceline/domain';
import { openMemoryLog } from '@paceline/log/memory';
import { createHttp, createMetrics, type HttpServer, ManualClock, silentLogger, systemClock } from '@paceline/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bench, metric, openBench, source, WORKSPACE } from '../fixture.ts';

let bench: Bench;
let app: HttpServer;

async function serve(next: Bench): Promise<void> {
  bench = next;
  app = await createHttp({
    logger: silentLogger,
    metrics: createMetrics({ defaults: false }),
    health: () => ({ live: true, ready: true, parts: [] }),
    title: 'test',
    version: '0',
    bodyBytesMax: 16 * 1024 * 1024,
  });
  await app.register(bench.connectors.routes);
  await app.ready();
  await bench.define(
    metric('revenue', { aggregation: 'sum', grain: 'day', dimensions: ['region'] }),
    metric('orders', { aggregation: 'sum', grain: 'day', points: 'time' }),
    metric('rate', { aggregation: 'ratio', grain: 'day' }),
    metric('closed', { aggregation: 'sum', grain: 'day', push: false }),
    metric('both', { derived: 'revenue + revenue', grain: 'day' }),
    metric('weekly', { aggregation: 'last', grain: 'week' }),
  );
}
beforeEach(async () => serve(await openBench({ clock: new ManualClock(Date.parse('2026-11-22T12:00:00Z')) })));
afterEach(async () => {
  await app.close();
  await bench.stop();
});

const post = (payload: string | Buffer | object, headers: Record<string, string> = {}, query = '') =>
  app.inject({
    method: 'POST',
    url: `/v1/observations${query}`,
    payload,
    headers: { 'content-type': 'application/json', ...headers },
  });
const observations = async () =>
  (await bench.facts()).filter((fact): fact is Extract<Fact, { type: 'observations' }> => fact.type === 'observations');
const one = { metric: 'revenue', period: '2026-11-21', value: '12.50', dimensions: { region: 'emea' } };

describe('a push to what sources feed', () => {
  it('is taken, and told that completeness now waits for pushes too', async () => {
    await bench.define(
      source('shop', {
        connector: 'csv',
        config: { path: 'sales.csv' },
        schedule: { every: 'PT1H' },
        window: { period: 'P1D', start: '2026-01-01' },
        map: { metric: 'weekly', time: 'day', value: 'amount' },
      }),
    );
    const answer = await post([{ metric: 'weekly', period: '2026-W46', value: '1' }, one]);
    expect(answer.json()).toMatchObject({
      accepted: 2,
      meta: { warnings: [{ code: 'push_feeds_with_sources', metric: 'weekly' }] },
    });
    expect(answer.json().meta.warnings[0].message).toContain('source/shop');
  });
});

describe('a push', () => {
  it('of one observation is in the log when it is answered, at the position it names', async () => {
    const answer = await post(one);
    expect(answer.statusCode).toBe(202);
    expect(answer.json()).toEqual({ accepted: 1, rejected: [], rejectedCount: 0, position: '1:0' });
    expect(await observations()).toEqual([
      {
        type: 'observations',
        metric: 'revenue',
        feeder: 'push',
        points: [{ period: '2026-11-21', value: '12.5', dimensions: { region: 'emea' } }],
      },
    ]);
  });
  it.each([
    ['a list', JSON.stringify([one, { ...one, period: '2026-11-20' }]), 'application/json'],
    ['an object', JSON.stringify({ observations: [one, { ...one, period: '2026-11-20' }] }), 'application/json'],
    [
      'NDJSON',
      `${JSON.stringify(one)}\n\n${JSON.stringify({ ...one, period: '2026-11-20' })}\n`,
      'application/x-ndjson',
    ],
    [
      'CSV',
      'metric,period,value,region\r\nrevenue,2026-11-21,12.50,emea\r\nrevenue,2026-11-20,"12.50",emea\r\n',
      'text/csv; charset=utf-8',
    ],
    [
      'CSV with a byte order mark',
      '\uFEFFmetric,period,value,dimensions.region\nrevenue,2026-11-21,12.50,emea\nrevenue,2026-11-20,12.5,emea\n',
      'text/csv',
    ],
  ])('as %s', async (_name, payload, type) => {
    const answer = await post(payload, { 'content-type': type });
    expect(answer.json()).toMatchObject({ accepted: 2, rejected: [] });
    expect(
      (await observations())[0]?.points.map((point) => [point.period, point.value, point.dimensions?.region]),
    ).toEqual([
      ['2026-11-21', '12.5', 'emea'],
      ['2026-11-20', '12.5', 'emea'],
    ]);
  });
  it('as gzip, and refuses what is none or expands beyond the limit', async () => {
    expect((await post(gzipSync(JSON.stringify(one)), { 'content-encoding': 'gzip' })).statusCode).toBe(202);
    expect((await post(Buffer.from('no gzip'), { 'content-encoding': 'gzip' })).json()).toMatchObject({
      code: 'invalid_encoding',
    });
    const bomb = gzipSync(Buffer.alloc(17 * 1024 * 1024, 0x20));
    expect((await post(bomb, { 'content-encoding': 'gzip' })).statusCode).toBe(413);
  });
  it('takes good lines beside bad ones and names each bad one', async () => {
    const lines: [object, string | null, string?][] = [
      [one, null],
      [{ ...one, metric: 'revenu' }, 'unknown_metric', '/metric'],
      [{ ...one, dimensions: { regio: 'emea' } }, 'unknown_dimension', '/dimensions/regio'],
      [{ ...one, value: 'NaN' }, 'not_a_number', '/value'],
      [{ ...one, value: '1'.repeat(40) }, 'too_many_digits', '/value'],
      [{ ...one, period: '2026-W47' }, 'wrong_grain', '/period'],
      [{ ...one, period: '2027-11-21' }, 'in_future', '/period'],
      [{ ...one, period: '2026-02-30' }, 'invalid_time', '/period'],
      [{ metric: 'orders', time: '2026-11-21T10:00:00Z', value: 1 }, 'missing_id', '/id'],
      [{ metric: 'orders', time: '2026-11-21T10:00:00', value: 1, id: 'a' }, 'invalid_time', '/time'],
      [{ metric: 'rate', period: '2026-11-21', numerator: '1' }, 'missing_parts', '/denominator'],
      [{ metric: 'closed', period: '2026-11-21', value: 1 }, 'push_refused', '/metric'],
      [{ metric: 'both', period: '2026-11-21', value: 1 }, 'unknown_metric', '/metric'],
      [{ ...one, dimension: { region: 'emea' } }, 'unknown_key', '/dimension'],
      [{ ...one, period: '2026-11-20', value: null }, null],
    ];
    const answer = await post(lines.map(([line]) => line));
    expect(answer.statusCode).toBe(202);
    const { accepted, rejected } = answer.json();
    expect(accepted).toBe(2);
    expect(
      rejected.map((line: { index: number; code: string; pointer: string }) => [line.index, line.code, line.pointer]),
    ).toEqual(lines.flatMap(([, code, pointer], index) => (code === null ? [] : [[index, code, pointer]])));
    expect(rejected[0].message).toContain('did you mean "revenue"?');
  });
  it('of which nothing can be taken is 422 and writes nothing', async () => {
    const answer = await post([{ ...one, value: 'x' }]);
    expect(answer.statusCode).toBe(422);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.json()).toMatchObject({
      code: 'all_rejected',
      accepted: 0,
      rejected: [{ index: 0, code: 'not_a_number', pointer: '/value' }],
    });
    expect(await observations()).toEqual([]);
  });
  it('keeps values of metrics not defined yet only when asked', async () => {
    const later = { metric: 'not-yet', period: '2026-11-21', value: 1, dimensions: { any: 'x' } };
    expect((await post(later)).statusCode).toBe(422);
    expect((await post(later, {}, '?allow_unknown=true')).statusCode).toBe(202);
    expect((await observations())[0]).toMatchObject({
      metric: 'not-yet',
      points: [{ period: '2026-11-21', value: '1', dimensions: { any: 'x' } }],
    });
    expect((await post({ ...later, metric: 'No Name' }, {}, '?allow_unknown=true')).statusCode).toBe(422);
  });
  it('keeps every digit of JSON numbers, CSV cells and texts', async () => {
    const big = '9007199254740993.123456789';
    await post(`{"metric":"revenue","period":"2026-11-21","value":${big}}`);
    await post(`metric,period,value\nrevenue,2026-11-20,${big}\n`, { 'content-type': 'text/csv' });
    await post({ metric: 'revenue', period: '2026-11-19', value: 0.1 });
    expect((await observations()).flatMap((fact) => fact.points.map((point) => point.value))).toEqual([
      big,
      big,
      '0.1',
    ]);
  });
  it('of many points is cut into records of at most a thousand, and the position is that of the last', async () => {
    const lines = Array.from({ length: 2_500 }, (_, index) => ({
      metric: 'orders',
      time: '2026-11-21T10:00:00.000001Z',
      id: `o${index}`,
      value: index,
    }));
    const answer = await post(lines);
    expect((await observations()).map((fact) => fact.points.length)).toEqual([1000, 1000, 500]);
    expect(answer.json().position).toBe('3:499');
    expect(parsePosition(answer.json().position)).toBe(3 * 1024 + 499);
  });
  it('names the metric of CSV lines by the query', async () => {
    await post('period,value\n2026-11-21,5\n', { 'content-type': 'text/csv' }, '?metric=revenue');
    expect((await observations())[0]).toMatchObject({ metric: 'revenue', points: [{ value: '5' }] });
  });
  it.each([
    ['{"metric":', 'application/json', 400, 'invalid_json'],
    ['"text"', 'application/json', 400, 'invalid_request'],
    ['a,a\n1,2\n', 'text/csv', 400, 'invalid_csv'],
    ['', 'text/csv', 400, undefined],
    ['<x/>', 'application/xml', 415, 'unsupported_media_type'],
    ['metric=revenue', 'application/x-www-form-urlencoded', 415, 'unsupported_media_type'],
  ])('refuses %s as %s', async (payload, type, status, code) => {
    const answer = await post(payload, { 'content-type': type });
    expect(answer.statusCode).toBe(status);
    if (code !== undefined) expect(answer.json().code).toBe(code);
  });
  it('refuses single NDJSON and CSV lines that cannot be read', async () => {
    const ndjson = await post(`${JSON.stringify(one)}\n{"metric"\n`, { 'content-type': 'application/x-ndjson' });
    expect(ndjson.json()).toMatchObject({ accepted: 1, rejected: [{ index: 1, code: 'invalid_line' }] });
    const csv = await post('metric,period,value\nrevenue,2026-11-21,1\nrevenue,2026-11-21\n', {
      'content-type': 'text/csv',
    });
    expect(csv.json()).toMatchObject({ accepted: 1, rejected: [{ index: 1, code: 'invalid_line' }] });
  });
  it('does not let a line reach into the server', async () => {
    const answer = await post(
      '[{"metric":"revenue","period":"2026-11-21","value":1,"dimensions":{"__proto__":"x"}},{"metric":"__proto__","period":"2026-11-21","value":1},{"__proto__":{"metric":"revenue"}}]',
    );
    expect(answer.statusCode).toBe(422);
    expect(Reflect.get({}, 'metric')).toBeUndefined();
  });
  it('to a workspace that does not exist is 404', async () => {
    expect((await post(one, {}, '?workspace=other')).json()).toMatchObject({ code: 'unknown_workspace', status: 404 });
  });
});

describe('an idempotency key', () => {
  const headers = { 'idempotency-key': 'k1' };
  it('gives the same answer again and writes once', async () => {
    const first = await post(one, headers);
    const [second, third] = await Promise.all([post(one, headers), post(one, headers)]);
    expect(second.json()).toEqual(first.json());
    expect(third.json()).toEqual(first.json());
    expect(await observations()).toHaveLength(1);
  });
  it('refuses another body', async () => {
    await post(one, headers);
    expect((await post({ ...one, value: 9 }, headers)).json()).toMatchObject({
      code: 'idempotency_conflict',
      status: 409,
    });
  });
  it('does not keep a refusal: the next try may be right', async () => {
    expect((await post([{ ...one, value: 'x' }], headers)).statusCode).toBe(422);
    expect((await post(one, headers)).statusCode).toBe(202);
  });
});

describe('covered', () => {
  const covered = (payload: object) => app.inject({ method: 'POST', url: '/v1/covered', payload });
  it('is written with its open beginning', async () => {
    const answer = await covered({ metric: 'revenue', to: '2026-11-22' });
    expect(answer.statusCode).toBe(202);
    expect((await bench.facts()).at(-1)).toEqual({
      type: 'covered',
      metric: 'revenue',
      feeder: 'push',
      to: Date.parse('2026-11-22T00:00:00Z'),
    });
    expect(answer.json()).toEqual({ position: '1:0' });
  });
  it.each([
    [{ metric: 'revenue', from: '2026-11-22', to: '2026-11-21' }, 'invalid_covered'],
    [{ metric: 'revenue', to: '2027-11-21' }, 'invalid_covered'],
    [{ metric: 'revenue', to: 'yesterday' }, 'invalid_time'],
    [{ metric: 'revenu', to: '2026-11-21' }, 'unknown_metric'],
    [{ metric: 'closed', to: '2026-11-21' }, 'push_refused'],
    [{ metric: 'revenue', until: '2026-11-21' }, 'invalid_request'],
  ])('refuses %j as %s', async (payload, code) => {
    expect((await covered(payload)).json()).toMatchObject({ code });
  });
});

describe('trouble', () => {
  it('of the log is 503 with Retry-After, and the lines are taken when it is over', async () => {
    await app.close();
    await bench.stop();
    let broken = false;
    const clock = new ManualClock(Date.parse('2026-11-22T12:00:00Z'));
    const log = openMemoryLog({ now: () => clock.now(), faults: { append: () => (broken ? 'failed' : 'done') } });
    await serve(await openBench({ clock, log }));
    broken = true;
    const answer = await post(one);
    expect(answer.statusCode).toBe(503);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(answer.json().code).toBe('log_unavailable');
    broken = false;
    expect((await post(one)).statusCode).toBe(202);
  });
  it('of the processor is 429 with Retry-After once two million points wait', async () => {
    await app.close();
    await bench.stop();
    await serve(await openBench({ clock: systemClock }));
    const log = bench.log;
    const real = log.lag.bind(log);
    log.lag = async (group, topic) =>
      group === 'processor' && topic === `facts.${WORKSPACE}` ? 2_000_000 : real(group, topic);
    const answer = await post({ ...one, period: '2020-01-01' });
    expect(answer.statusCode).toBe(429);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(answer.json().code).toBe('backlogged');
  });
});
