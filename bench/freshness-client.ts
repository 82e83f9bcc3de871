/** Pushes at a steady rate, and of some pushes measures from the acknowledgement until the status that they changed can be read. */
import { setTimeout as sleep } from 'node:timers/promises';
import { asChild } from './children.ts';
import { metricName } from './shape.ts';

export interface FreshnessOrder {
  readonly url: string;
  readonly metrics: number;
  readonly pointsPerSecond: number;
  readonly seconds: number;
}

export interface FreshnessDone {
  readonly accepted: number;
  readonly seconds: number;
  /** From the answer 202 to a status at or above its position, ms. */
  readonly latencies: readonly number[];
}

const PUSHES_PER_SECOND = 50;
/** One in so many is watched, so that the watching does not become the load. */
const WATCHED = 10;
const DAY_MS = 86_400_000;

/** The server waits some seconds and then asks to come again. */
async function readable(url: string): Promise<void> {
  for (;;) {
    const answer = await fetch(url);
    const text = await answer.text();
    if (answer.ok) return;
    if (answer.headers.get('retry-after') === null) throw new Error(`${url} answered ${answer.status}: ${text}`);
  }
}

asChild(async ({ url, metrics, pointsPerSecond, seconds }: FreshnessOrder): Promise<FreshnessDone> => {
  const points = pointsPerSecond / PUSHES_PER_SECOND;
  const today = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS).toISOString().slice(0, 10);
  const latencies: number[] = [];
  const pushes: Promise<void>[] = [];
  let accepted = 0;
  const push = async (index: number): Promise<void> => {
    const metric = metricName(index % metrics);
    const lines = Array.from(
      { length: points },
      (_, region) =>
        `{"metric":"${metric}","period":"${today}","value":"${index}.${region + 10}","dimensions":{"region":"r${region}"}}\n`,
    );
    const answer = await fetch(`${url}/v1/observations`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.join(''),
    });
    const text = await answer.text();
    if (answer.status !== 202) throw new Error(`answered ${answer.status}: ${text}`);
    const acknowledged = performance.now();
    const { accepted: taken, position }: { accepted: number; position: string } = JSON.parse(text);
    accepted += taken;
    if (index % WATCHED !== 0) return;
    await readable(`${url}/v1/status/kpi/${metric}?min_position=${position}`);
    latencies.push(performance.now() - acknowledged);
  };
  const began = performance.now();
  for (let index = 0; index < seconds * PUSHES_PER_SECOND; index++) {
    const due = began + (index / PUSHES_PER_SECOND) * 1000;
    if (due > performance.now()) await sleep(due - performance.now());
    pushes.push(push(index));
  }
  await Promise.all(pushes);
  return { accepted, seconds: (performance.now() - began) / 1000, latencies };
});
