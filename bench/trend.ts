/**
 * Trends of a year of daily points over HTTP, beside the same numbers asked of the bare engine in the same process and run: asked for the
 * first time, after news of another metric and of its own, for a range within and beyond what was asked before, again, and by one who has it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Document } from '@paceline/domain';
import { requireConfig, silentLogger } from '@paceline/runtime';
import { openPaceline, type Paceline } from '@paceline/standalone/open';
import { type Measure, quantile } from './report.ts';

export interface TrendShape {
  readonly metrics: number;
  readonly regions: number;
  readonly days: number;
}

export const TREND_SHAPE: TrendShape = { metrics: 100, regions: 5, days: 365 };

const DAY_MS = 86_400_000;
const START = Date.UTC(2025, 0, 1);
/** The engine's answer that holds the same rows, as someone would write it who knows how statements stand. */
const BARE = `SELECT at, sum(v) FROM (
  SELECT at, argMax(tuple(value), tuple(read_at, pos)).1 AS v FROM observation
  WHERE workspace = 'main' AND metric = {metric:String} AND pos < {bound:UInt64} AND at >= {from:Instant} AND at < {to:Instant}
  GROUP BY series, at, period, id
) WHERE v IS NOT NULL GROUP BY at ORDER BY at`;

const label = (day: number): string => new Date(START + day * DAY_MS).toISOString().slice(0, 10);
const metricName = (index: number): string => `m${index}`;

export async function measureTrends(shape: TrendShape, rounds: number): Promise<Measure[]> {
  const dir = mkdtempSync(join(tmpdir(), 'paceline-bench-trend-'));
  const http = { port: 0 };
  const config = requireConfig({
    dir,
    env: {},
    overrides: { http, limits: { requestsPerMinute: 1_000_000 }, ticks: 'manual' },
  });
  const paceline = await openPaceline({ config, logger: silentLogger, env: {}, background: false, ticks: 'manual' });
  try {
    await paceline.start();
    const url = await paceline.listen();
    await fill(paceline, shape);
    return await measure(paceline, url, shape, rounds);
  } finally {
    await paceline.stop('measured');
    rmSync(dir, { recursive: true, force: true });
  }
}

async function fill(paceline: Paceline, { metrics, regions, days }: TrendShape): Promise<void> {
  const documents = Array.from(
    { length: metrics },
    (_, index): Document => ({
      apiVersion: 'paceline/v1',
      kind: 'Metric',
      metadata: { name: metricName(index) },
      spec: { aggregation: 'sum', grain: 'day', dimensions: ['region'] },
    }),
  );
  await post(paceline, '/v1/definitions/apply', { documents });
  for (let index = 0; index < metrics; index += 1) {
    const observations = Array.from({ length: regions * days }, (_, at) => ({
      metric: metricName(index),
      period: label(Math.floor(at / regions)),
      value: String((at * 7919) % 10_007),
      dimensions: { region: `r${at % regions}` },
    }));
    await post(paceline, '/v1/observations', observations);
  }
  await paceline.settle();
}

async function post(paceline: Paceline, url: string, payload: object): Promise<void> {
  const { statusCode, body } = await paceline.app.inject({ method: 'POST', url, payload });
  if (statusCode >= 300) throw new Error(`${url} answered ${statusCode}: ${body.slice(0, 300)}`);
}

async function measure(paceline: Paceline, url: string, { metrics, days }: TrendShape, rounds: number) {
  const names = ['bare', 'elsewhere', 'range', 'beyond', 'again', 'unchanged', 'own'] as const;
  const times: Record<string, number[]> = Object.fromEntries(
    [...names, 'first', 'bareAtFirst'].map((name) => [name, []]),
  );
  const timed = async (name: string, work: () => Promise<void>): Promise<void> => {
    const began = performance.now();
    await work();
    times[name]?.push(performance.now() - began);
  };
  const get = async (path: string, status: number, etag?: string): Promise<string> => {
    const headers = etag === undefined ? {} : { 'if-none-match': etag };
    const answer = await fetch(`${url}${path}`, { headers });
    const rows = answer.status === 200 ? ((await answer.json()) as { data: unknown[] }).data.length : 0;
    if (answer.status !== status || (status === 200 && rows < days - 40))
      throw new Error(`${path} answered ${answer.status} with ${rows} rows`);
    return answer.headers.get('etag') ?? '';
  };
  const news = async (name: string, round: number): Promise<void> => {
    await post(paceline, '/v1/observations', {
      metric: name,
      period: label(3),
      value: String(round),
      dimensions: { region: 'r0' },
    });
    await paceline.settle();
  };
  // The last metric is nobody's but the news'.
  const asked = metrics - 1;
  for (let round = -asked; round < rounds; round += 1) {
    // Half of the metrics warm it up; the others are what nobody has asked for yet.
    if (round === -Math.ceil(asked / 2)) for (const list of Object.values(times)) list.length = 0;
    if (round === 0) for (const name of names) times[name]!.length = 0;
    const metric = metricName((round + asked) % asked);
    const path = `/v1/trend?metric=${metric}&from=${label(0)}&to=${label(days)}`;
    const params = { metric, bound: Number.MAX_SAFE_INTEGER, from: START, to: START + days * DAY_MS };
    await news(metricName(asked), round);
    await timed(round < 0 ? 'bareAtFirst' : 'bare', async () => {
      const bytes = await paceline.store.bytes({ sql: BARE, params }, 'JSONEachRow');
      if (bytes.length < days * 10) throw new Error(`the engine answered ${bytes.length} bytes`);
    });
    await timed(round < 0 ? 'first' : 'elsewhere', async () => void (await get(path, 200)));
    const other = path.replace(label(0), label(1 + ((round + asked) % 30)));
    await timed('range', async () => void (await get(other, 200)));
    let etag = '';
    await timed('again', async () => {
      etag = await get(path, 200);
    });
    await timed('unchanged', async () => void (await get(path, 304, etag)));
    await news(metric, round);
    await timed('own', async () => void (await get(path, 200)));
    const wider = path.replace(label(0), label(-1 - Math.floor((round + asked) / asked)));
    await timed('beyond', async () => void (await get(wider, 200)));
  }
  return lines(times);
}

function lines(times: Readonly<Record<string, readonly number[]>>): Measure[] {
  const at = (name: string, share: number): number => quantile(times[name] ?? [], share);
  const line = (name: string, what: string, floor?: number, bare = 'bare'): Measure => ({
    measure: `trend of a year, ${what}`,
    ours: at(name, 0.5),
    engine: at(bare, 0.5),
    unit: 'ms',
    ratio: at(name, 0.5) / at(bare, 0.5),
    ...(floor === undefined ? {} : { floor }),
    better: 'less',
    note: `p99 ${at(name, 0.99).toFixed(1)} ms, the engine's ${at(bare, 0.99).toFixed(1)} ms`,
  });
  return [
    line('first', 'asked for the first time', undefined, 'bareAtFirst'),
    line('beyond', 'a range beyond what was asked', 1.5),
    line('range', 'a range within it', 1.5),
    line('elsewhere', 'after news of another metric', 1.5),
    line('own', 'after its own news', 1.5),
    line('again', 'asked again'),
    line('unchanged', 'unchanged (304)'),
  ];
}
