/**
 * `npm run bench:ingest [-- --metrics 500 --regions 20 --days 100]`: what one process takes in, from a push over HTTP to a judgement.
 * A table on standard error, JSON on standard output.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type ObservationsFact, type PointStatement, parsePosition } from '@paceline/domain';
import { encodeFact, factsTopic, observationFacts } from '@paceline/events';
import { openSqliteLog } from '@paceline/log/sqlite';
import { requireConfig, silentLogger } from '@paceline/runtime';
import { openPaceline, type Paceline } from '@paceline/standalone';
import { knownPosition } from '@paceline/store';
import type { PushDone, PushOrder } from './push-client.ts';
import { dayLabels, definitionsOf, metricName, pointsOf, SHAPE, type Shape } from './shape.ts';

const WORKSPACE = 'bench';
const POLL_MS = 20;

interface Measured {
  readonly stage: string;
  readonly points: number;
  readonly seconds: number;
  readonly pointsPerSecond: number;
  readonly note?: string;
}

function measured(stage: string, points: number, ms: number, note?: string): Measured {
  const seconds = ms / 1000;
  const row = { stage, points, seconds: Number(seconds.toFixed(3)), pointsPerSecond: Math.round(points / seconds) };
  return note === undefined ? row : { ...row, note };
}

/** Records of 1,000 points of one metric, encoded and appended: what the log alone takes. */
async function measureLog(shape: Shape, labels: readonly string[]): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'paceline-bench-log-'));
  const log = await openSqliteLog({ folder, now: () => Date.now() });
  const topic = factsTopic(WORKSPACE);
  await log.ensureTopic(topic);
  try {
    const facts = Array.from({ length: shape.metrics }, (_, metric) => factsOf(metric, shape, labels)).flat();
    const began = performance.now();
    for (let from = 0; from < facts.length; from += 10) {
      const messages = facts
        .slice(from, from + 10)
        .map((fact, index) => encodeFact(WORKSPACE, fact, { id: `${from + index}`, source: 'bench' }));
      await log.append(topic, messages);
    }
    return measured('encoded and appended to the log alone', pointsOf(shape), performance.now() - began);
  } finally {
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function factsOf(metric: number, { regions }: Shape, labels: readonly string[]): ObservationsFact[] {
  const points: PointStatement[] = labels.flatMap((period) =>
    Array.from({ length: regions }, (_, region) => ({ period, value: '12.5', dimensions: { region: `r${region}` } })),
  );
  return observationFacts({ metric: metricName(metric), feeder: 'push' }, points);
}

async function pushFromOutside(order: PushOrder): Promise<PushDone> {
  const client = fork(join(import.meta.dirname, 'push-client.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  client.send(order);
  const [done]: PushDone[] = await Promise.race([
    once(client, 'message'),
    once(client, 'exit').then(([code]) => Promise.reject(new Error(`the pushing process ended with ${code}`))),
  ]);
  if (done === undefined) throw new Error('the pushing process said nothing');
  return done;
}

async function untilVisible(paceline: Paceline, at: string): Promise<void> {
  const position = parsePosition(at);
  if (position === undefined) throw new Error(`${at} is no position`);
  while (((await knownPosition(paceline.store, WORKSPACE, undefined))?.position ?? -1) < position) await sleep(POLL_MS);
}

function quantile(ascending: readonly number[], share: number): string {
  return `${Math.round(ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? 0)} ms`;
}

/** A push of everything, then of one more day, each to the judgement; ticks are told, so that one judges all. */
async function measurePath(
  paceline: Paceline,
  url: string,
  shape: Shape,
  labels: readonly string[],
): Promise<Measured[]> {
  const apply = await fetch(`${url}/v1/definitions/apply`, {
    method: 'POST',
    headers: { 'content-type': 'application/yaml' },
    body: definitionsOf(shape, labels[0] ?? ''),
  });
  if (!apply.ok) throw new Error(`the definitions were answered ${apply.status}: ${await apply.text()}`);
  await paceline.settle();
  const rows: Measured[] = [];
  const [before, last] = [labels.slice(0, -1), labels.slice(-1)];
  for (const [name, days] of [
    [`${before.length} days`, before],
    ['one more day', last],
  ] as const) {
    const points = pointsOf({ ...shape, days: days.length });
    const began = performance.now();
    const pushed = await pushFromOutside({ url, shape, labels: days });
    if (pushed.accepted !== points) throw new Error(`${pushed.accepted} of ${points} points were taken`);
    const { latencies, waits } = pushed;
    const note = `request p50 ${quantile(latencies, 0.5)}, p99 ${quantile(latencies, 0.99)}${waits > 0 ? `, ${waits} waits` : ''}`;
    rows.push(measured(`${name}: acknowledged by push`, points, pushed.ms, note));
    await untilVisible(paceline, pushed.position);
    const visible = performance.now();
    rows.push(measured(`${name}: visible in the tables`, points, visible - began));
    await paceline.processor.tick(WORKSPACE);
    const judged = performance.now();
    const [counted] = await paceline.store.query<{ rows: string }>({
      sql: 'SELECT toString(count()) AS rows FROM judgement WHERE position = (SELECT max(position) FROM judgement)',
    });
    const tickMs = judged - visible;
    const judgements = Number(counted?.rows);
    rows.push(
      measured(
        `${name}: judged`,
        points,
        judged - began,
        `tick ${(tickMs / 1000).toFixed(2)} s, ${judgements} judgements, ${Math.round(judgements / (tickMs / 1000))}/s`,
      ),
    );
  }
  return rows;
}

function table(rows: readonly Measured[]): string {
  const cells = rows.map(({ stage, points, seconds, pointsPerSecond, note }) => [
    stage,
    points.toLocaleString('en'),
    seconds.toFixed(2),
    pointsPerSecond.toLocaleString('en'),
    note ?? '',
  ]);
  const lines = [['stage', 'points', 'seconds', 'points/s', ''], ...cells];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const pad = (text: string, column: number): string =>
    column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}

const { values } = parseArgs({
  options: {
    metrics: { type: 'string', default: String(SHAPE.metrics) },
    regions: { type: 'string', default: String(SHAPE.regions) },
    days: { type: 'string', default: String(SHAPE.days) },
    batch: { type: 'string', default: String(SHAPE.batch) },
    concurrency: { type: 'string', default: String(SHAPE.concurrency) },
  },
});
const shape: Shape = {
  metrics: Number(values.metrics),
  regions: Number(values.regions),
  days: Number(values.days),
  batch: Number(values.batch),
  concurrency: Number(values.concurrency),
};
const labels = dayLabels(shape.days, Date.now());
const dir = mkdtempSync(join(tmpdir(), 'paceline-bench-'));
writeFileSync(join(dir, 'paceline.yaml'), `workspace: ${WORKSPACE}\n`);
const rows = [await measureLog(shape, labels)];
const paceline = await openPaceline({
  config: requireConfig({ dir, env: {}, overrides: { http: { port: 0 } } }),
  logger: silentLogger,
  env: {},
  background: false,
  ticks: 'manual',
  tickAtStop: false,
});
try {
  await paceline.start();
  rows.push(...(await measurePath(paceline, await paceline.listen(), shape, labels)));
} finally {
  await paceline.stop('measured');
  rmSync(dir, { recursive: true, force: true });
}
const machine = {
  cores: cpus().length,
  cpu: cpus()[0]?.model ?? 'unknown',
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
};
console.error(table(rows));
console.log(JSON.stringify({ machine, shape, rows }, null, 2));
