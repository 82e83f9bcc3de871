/** What `paceline serve` takes: from its start until it is ready, at rest, under a push, and from a push to the status that it changes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from '../test/support/serve.ts';
import { inChild } from './children.ts';
import type { FreshnessDone, FreshnessOrder } from './freshness-client.ts';
import type { PushDone, PushOrder } from './push-client.ts';
import { type Measure, quantile, rate } from './report.ts';
import { dayLabels, definitionsOf, pointsOf, type Shape } from './shape.ts';

export interface OneProcessOptions {
  readonly starts: number;
  /** How long it is watched while nothing comes. */
  readonly idleMs: number;
  readonly shape: Shape;
  readonly freshness: { readonly seconds: number; readonly pointsPerSecond: number };
  readonly say: (line: string) => void;
}

const READY_MS_MAX = 60_000;
const POLL_MS = 10;
/** Of start, the engine's own settling and the first look at what is due. */
const SETTLE_MS = 3_000;
const TICKS_PER_SECOND = 100;

interface Running {
  readonly url: string;
  readonly pid: number;
  readonly readyMs: number;
  stop(): Promise<number>;
}

async function start(dir: string): Promise<Running> {
  const began = performance.now();
  const serving = await serve({ dir, env: { PACELINE_LOG_LEVEL: 'error' } });
  while (!(await isReady(serving.url))) {
    if (performance.now() - began > READY_MS_MAX) throw new Error(`not ready after ${READY_MS_MAX} ms`);
    await sleep(POLL_MS);
  }
  const readyMs = performance.now() - began;
  const { pid }: { pid: number } = JSON.parse(readFileSync(join(dir, '.paceline/server.json'), 'utf8'));
  return { url: serving.url, pid, readyMs, stop: () => serving.stop() };
}

async function isReady(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/health/ready`);
  await answer.arrayBuffer();
  return answer.ok;
}

/** Seconds of processor time so far, and MiB of memory now and at most. Linux only, as the other numbers of this page. */
function usage(pid: number): {
  readonly cpuSeconds: number;
  readonly memoryMiB: number;
  readonly memoryMiBMax: number;
} {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mib = (name: string): number =>
    Math.round(Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024);
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    memoryMiB: mib('VmRSS'),
    memoryMiBMax: mib('VmHWM'),
  };
}

export async function measureOneProcess(options: OneProcessOptions): Promise<Measure[]> {
  const { shape, say } = options;
  const dir = mkdtempSync(join(tmpdir(), 'paceline-bench-serve-'));
  writeFileSync(join(dir, 'paceline.yaml'), 'workspace: bench\n');
  const labels = dayLabels(shape.days, Date.now());
  const ready: number[] = [];
  // The first start makes the tables and fills the compile cache.
  let running = await start(dir);
  say(`one process: first start ${Math.round(running.readyMs)} ms`);
  try {
    await apply(running.url, definitionsOf(shape, labels[0] ?? ''));
    for (let one = 0; one < options.starts; one++) {
      await running.stop();
      running = await start(dir);
      ready.push(running.readyMs);
    }
    await sleep(SETTLE_MS);
    const before = usage(running.pid);
    await sleep(options.idleMs);
    const idle = usage(running.pid);
    const pushed = await inChild<PushOrder, PushDone>('push-client.ts', { url: running.url, shape, labels });
    if (pushed.accepted !== pointsOf(shape)) throw new Error(`${pushed.accepted} points were taken`);
    await readable(running.url, 'kpi/metric-000', pushed.position);
    const full = usage(running.pid);
    say(`one process: ${pushed.accepted.toLocaleString('en')} points pushed in ${Math.round(pushed.ms)} ms`);
    const fresh = await inChild<FreshnessOrder, FreshnessDone>('freshness-client.ts', {
      url: running.url,
      metrics: shape.metrics,
      ...options.freshness,
    });
    return [
      {
        measure: 'start to ready',
        ours: quantile(ready, 0.5) / 1000,
        unit: 's',
        better: 'less',
        floor: 2.5,
        note: `median of ${ready.length} starts of paceline serve in a folder that has its tables`,
        details: { readyMs: ready },
      },
      {
        measure: 'idle, processor time',
        ours: ((idle.cpuSeconds - before.cpuSeconds) / (options.idleMs / 1000)) * 100,
        unit: '% of a core',
        better: 'less',
        floor: 2,
        note: `${options.idleMs / 1000} s, ${shape.metrics} KPIs defined`,
      },
      { measure: 'idle, memory', ours: idle.memoryMiB, unit: 'MiB', better: 'less', floor: 500 },
      {
        measure: 'memory at full ingest',
        ours: full.memoryMiBMax,
        unit: 'MiB',
        better: 'less',
        floor: 1500,
        note: `most ever, ${pointsOf(shape).toLocaleString('en')} points pushed at ${rate(pushed.accepted, pushed.ms).toLocaleString('en')}/s`,
      },
      ...freshnessOf(options, fresh),
    ];
  } finally {
    await running.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

function freshnessOf({ freshness }: OneProcessOptions, { latencies, accepted, seconds }: FreshnessDone): Measure[] {
  const said = Math.round(accepted / seconds).toLocaleString('en');
  const base = { unit: 'ms', better: 'less' } as const;
  const wanted = `${freshness.pointsPerSecond.toLocaleString('en')} points/s`;
  const note = `${said} points/s held for ${Math.round(seconds)} s, ${latencies.length} pushes watched`;
  return [
    { ...base, measure: `push to status, p50 at ${wanted}`, ours: quantile(latencies, 0.5), floor: 250, note },
    { ...base, measure: `push to status, p99 at ${wanted}`, ours: quantile(latencies, 0.99), floor: 1500, note },
  ];
}

async function apply(url: string, definitions: string): Promise<void> {
  const answer = await fetch(`${url}/v1/definitions/apply`, {
    method: 'POST',
    headers: { 'content-type': 'application/yaml' },
    body: definitions,
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`apply answered ${answer.status}: ${text.slice(0, 500)}`);
}

/** Waits until the status of a subject holds all up to a position; a server far behind answers that it does not yet. */
async function readable(url: string, subject: string, position: string): Promise<void> {
  for (;;) {
    const answer = await fetch(`${url}/v1/status/${subject}?min_position=${position}`);
    await answer.arrayBuffer();
    if (answer.ok) return;
    if (answer.headers.get('retry-after') === null) throw new Error(`status answered ${answer.status}`);
    await sleep(100);
  }
}
