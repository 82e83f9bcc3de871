import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changeKeys, mintKey, requireConfig, type Scope, silentLogger, systemClock } from '@paceline/runtime';
import { openPaceline, type Paceline } from '@paceline/standalone';
import { StoryClock } from '../support/clock.ts';

/** A served company, played from the first of October to the 22nd of November 2026. */
export interface World {
  readonly url: string;
  readonly paceline: Paceline;
  /** Tells the value of a day of a metric, and judges it. */
  push(lines: readonly Line[]): Promise<void>;
  /** Defines many KPIs of no unit and without values. */
  addKpis(count: number): Promise<void>;
  /** From now on a key is needed; the text of one that may read, and the text of one that may not. */
  needKeys(): { readonly reader: string; readonly pusher: string };
  stop(): Promise<void>;
}

export interface Line {
  readonly metric: string;
  readonly period: string;
  readonly value: string;
  readonly dimensions?: Readonly<Record<string, string>>;
}

export const LAST_DAY = '2026-11-21';
const FIRST = Date.UTC(2026, 8, 24);
const DAY = 86_400_000;
/** After this one the bank's feed is silent. */
const CASH_ENDS = '2026-11-09';

export async function openWorld(): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), 'paceline-dashboard-'));
  const clock = new StoryClock('2026-09-24T06:00:00Z');
  const config = requireConfig({ dir, env: {}, overrides: { workspace: 'nordlicht', http: { port: 0 } } });
  const paceline = await openPaceline({
    config,
    logger: silentLogger,
    env: {},
    clock,
    background: false,
    ticks: 'manual',
    tickAtStop: false,
  });
  await paceline.start();
  const definitions = await readFile(new URL('definitions.yaml', import.meta.url), 'utf8');
  await apply(paceline, definitions);
  let from = FIRST;
  for (const day of ['2026-10-12', '2026-11-02', LAST_DAY]) {
    const to = Date.parse(day) + DAY;
    clock.go(new Date(to + 5 * 3_600_000).toISOString());
    await send(paceline, '/v1/observations', { observations: linesOf(from, to) });
    await say(paceline, day);
    await paceline.processor.tick('nordlicht');
    if (day === '2026-11-02') await apply(paceline, raised(definitions));
    from = to;
  }
  await paceline.settle();
  return {
    url: await paceline.listen(),
    paceline,
    async push(lines) {
      await send(paceline, '/v1/observations', { observations: lines });
      await paceline.settle();
    },
    async addKpis(count) {
      const documents = Array.from({ length: count }, (_, index) => kpi(String(index).padStart(4, '0')));
      await apply(paceline, documents.join('---\n'));
      await paceline.settle();
    },
    needKeys() {
      const mint = (scope: Scope) =>
        mintKey({ name: scope, scopes: [scope], workspace: 'nordlicht', expiresAt: null }, systemClock.now());
      const [reader, pusher] = [mint('read'), mint('push')];
      changeKeys(config.keysFile, (keys) => [...keys, reader.stored, pusher.stored]);
      return { reader: reader.text, pusher: pusher.text };
    },
    async stop() {
      await paceline.stop('the test has ended');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** In November the quarter's target was found too easy. */
function raised(definitions: string): string {
  const from = 'targets: [{effectiveFrom: 2026-01-01, value: "1200000"}]';
  const to = 'targets: [{effectiveFrom: 2026-01-01, value: "1200000"}, {effectiveFrom: 2026-11-01, value: "1300000"}]';
  return definitions.replace(from, to);
}

function kpi(number: string): string {
  return [
    'apiVersion: paceline/v1',
    'kind: Kpi',
    `metadata: {name: kpi-${number}, title: KPI ${number}}`,
    'spec: {metric: cash, direction: higher, period: {each: day}, targets: [{effectiveFrom: 2026-01-01, value: "1"}]}',
    '',
  ].join('\n');
}

async function say(paceline: Paceline, day: string): Promise<void> {
  const nps: Readonly<Record<string, string>> = { '2026-10-12': '30', '2026-11-02': '34', [LAST_DAY]: '37' };
  await send(paceline, '/v1/check-ins', { subject: 'key_result/first-choice/nps', value: nps[day] });
  if (day === '2026-10-12') return;
  await send(paceline, '/v1/check-ins', { subject: 'key_result/activation/launch', milestones: { beta: true } });
}

/** Smooth courses with a little unrest that is the same in every play. */
function linesOf(from: number, to: number): Line[] {
  const lines: Line[] = [];
  for (let at = from; at < to; at += DAY) {
    const period = new Date(at).toISOString().slice(0, 10);
    const day = Math.round((at - Date.UTC(2026, 9, 1)) / DAY);
    const weekday = new Date(at).getUTCDay();
    const unrest = Math.sin(day * 12.9898) * 0.5 + Math.sin(day * 4.1) * 0.5;
    const put = (metric: string, value: number, places = 0, dimensions?: Line['dimensions']): void => {
      lines.push({ metric, period, value: value.toFixed(places), ...(dimensions === undefined ? {} : { dimensions }) });
    };
    const work = weekday === 0 || weekday === 6 ? 0.35 : 1.2;
    put('revenue', 13_600 * work * (1 + unrest * 0.25));
    put('mrr', 800_000 + Math.max(0, day) * 2_130 + unrest * 2_500, 0, { region: 'emea' });
    put('mrr', 1_400_000 + day * 900, 0, { region: 'amer' });
    put('pipeline', 1_650_000 + Math.max(0, day) * 11_800 + unrest * 40_000);
    put('activation', 31 + Math.max(0, day) * 0.075 + unrest * 0.3, 1);
    put('first-reply', 3.1 + (day > 28 ? (day - 28) * 0.06 : 0) + unrest * 0.4, 2);
    put('backlog', 96 + Math.max(0, day - 20) * 1.25 + unrest * 8);
    put('signups', (weekday === 0 || weekday === 6 ? 44 : 92) * (1 + unrest * 0.16));
    put('uptime', Math.min(100, 99.96 + unrest * 0.05), 3);
    put('margin', 71.5 + unrest * 1.4 + Math.sin(day / 9) * 2, 1);
    if (period <= CASH_ENDS) put('cash', 3_150_000 - Math.max(0, day) * 9_000 + unrest * 30_000);
  }
  return lines;
}

async function apply(paceline: Paceline, definitions: string): Promise<void> {
  await send(paceline, '/v1/definitions/apply', definitions, 'application/yaml');
}

async function send(paceline: Paceline, url: string, body: unknown, type = 'application/json'): Promise<void> {
  const payload = typeof body === 'string' ? body : JSON.stringify(body);
  const headers = { host: '127.0.0.1', 'content-type': type };
  const answer = await paceline.app.inject({ method: 'POST', url, headers, payload });
  if (answer.statusCode >= 300) throw new Error(`${url} answered ${answer.statusCode}: ${answer.body.slice(0, 2_000)}`);
}
