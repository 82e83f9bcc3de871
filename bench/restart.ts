/**
 * `npm run bench:restart [-- --metrics 500 --regions 20 --days 100]`: how long a server that was killed takes until it is ready again,
 * with everything in its tables, by how much it had taken before. Ticks come by themselves, as they do for users. JSON on standard output.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Serving, serve } from '../test/support/serve.ts';
import type { PushDone, PushOrder } from './push-client.ts';
import { dayLabels, definitionsOf, pointsOf, SHAPE, type Shape } from './shape.ts';

const POLL_MS = 20;
const READY_MS_MAX = 300_000;

async function push(order: PushOrder): Promise<PushDone> {
  const client = fork(join(import.meta.dirname, 'push-client.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  client.send(order);
  const [done]: PushDone[] = await Promise.race([
    once(client, 'message'),
    once(client, 'exit').then(([code]) => Promise.reject(new Error(`the pushing process ended with ${code}`))),
  ]);
  if (done === undefined) throw new Error('the pushing process said nothing');
  return done;
}

async function untilReady(url: string): Promise<void> {
  const deadline = performance.now() + READY_MS_MAX;
  for (;;) {
    const answer = await fetch(`${url}/health/ready`);
    const text = await answer.text();
    if (answer.ok) return;
    if (performance.now() > deadline) throw new Error(`not ready: ${text}`);
    await sleep(POLL_MS);
  }
}

async function untilSeen(url: string, position: string): Promise<void> {
  for (;;) {
    const answer = await fetch(`${url}/v1/metrics?min_position=${position}`);
    const text = await answer.text();
    if (answer.ok) return;
    if (!text.includes('position_unreached')) throw new Error(text);
  }
}

const { values } = parseArgs({
  options: {
    metrics: { type: 'string', default: String(SHAPE.metrics) },
    regions: { type: 'string', default: String(SHAPE.regions) },
    days: { type: 'string', default: String(SHAPE.days) },
    rounds: { type: 'string', default: '2' },
  },
});
const shape: Shape = {
  ...SHAPE,
  metrics: Number(values.metrics),
  regions: Number(values.regions),
  days: Number(values.days),
};
const rounds = Number(values.rounds);
const labels = dayLabels(shape.days, Date.now());
const dir = mkdtempSync(join(tmpdir(), 'paceline-bench-restart-'));
writeFileSync(join(dir, 'paceline.yaml'), 'workspace: bench\n');
let serving: Serving = await serve({ dir });
const rows: Record<string, unknown>[] = [];
try {
  const apply = await fetch(`${serving.url}/v1/definitions/apply`, {
    method: 'POST',
    headers: { 'content-type': 'application/yaml' },
    body: definitionsOf(shape, labels[0] ?? ''),
  });
  if (!apply.ok) throw new Error(`the definitions were answered ${apply.status}: ${await apply.text()}`);
  for (let round = 0; round < rounds; round++) {
    const part = labels.slice(
      Math.floor((round * labels.length) / rounds),
      Math.floor(((round + 1) * labels.length) / rounds),
    );
    const pushed = await push({ url: serving.url, shape, labels: part });
    // Half of the rounds are killed at once, behind; the others with all in the tables.
    if (round % 2 === 1) await untilSeen(serving.url, pushed.position);
    await serving.kill();
    const began = performance.now();
    serving = await serve({ dir });
    const listens = performance.now() - began;
    await untilReady(serving.url);
    const ready = performance.now() - began;
    await untilSeen(serving.url, pushed.position);
    const row = {
      points: pointsOf({ ...shape, days: labels.indexOf(part.at(-1) ?? '') + 1 }),
      killed: round % 2 === 1 ? 'with all in the tables' : 'at the last answer',
      listensSeconds: Number((listens / 1000).toFixed(2)),
      readySeconds: Number((ready / 1000).toFixed(2)),
      seenSeconds: Number(((performance.now() - began) / 1000).toFixed(2)),
    };
    console.error(JSON.stringify(row));
    rows.push(row);
  }
} finally {
  await serving.kill();
  rmSync(dir, { recursive: true, force: true });
}
console.log(JSON.stringify({ shape, rows }, null, 2));
