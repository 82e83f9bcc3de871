/**
 * Pushes the bodies of a shape from a process of its own, as clients do, so that the server is measured and not its load.
 * Started by `fork`; told what to do by one message, answers with one.
 */
import { asChild } from './children.ts';
import { bodiesOf, type Shape } from './shape.ts';

export interface PushOrder {
  readonly url: string;
  readonly shape: Shape;
  readonly labels: readonly string[];
}

export interface PushDone {
  readonly accepted: number;
  /** Of the last record. */
  readonly position: string;
  readonly ms: number;
  /** Of single requests, ms, ascending. */
  readonly latencies: readonly number[];
  /** Answers 429 that were waited for. */
  readonly waits: number;
}

interface Answer {
  readonly accepted: number;
  readonly position: string;
}

async function push({ url, shape, labels }: PushOrder): Promise<PushDone> {
  const bodies = bodiesOf(shape, labels);
  const latencies: number[] = [];
  const positions: string[] = [];
  let accepted = 0;
  let waits = 0;
  const began = performance.now();
  const work = async (): Promise<void> => {
    for (const body of bodies) {
      const sent = performance.now();
      let response = await send(url, body);
      while (response.status === 429) {
        waits++;
        await new Promise((resolve) => setTimeout(resolve, 1_000 * Number(response.headers.get('retry-after') ?? 1)));
        response = await send(url, body);
      }
      const text = await response.text();
      if (response.status !== 202) throw new Error(`answered ${response.status}: ${text}`);
      const answer: Answer = JSON.parse(text);
      latencies.push(performance.now() - sent);
      positions.push(answer.position);
      accepted += answer.accepted;
    }
  };
  await Promise.all(Array.from({ length: shape.concurrency }, work));
  const ms = performance.now() - began;
  const offset = (text: string): number => Number(text.split(':')[0]);
  const position = positions.reduce((last, one) => (offset(one) > offset(last) ? one : last), '0:0');
  return { accepted, position, ms, latencies: latencies.sort((a, b) => a - b), waits };
}

function send(url: string, body: string): Promise<Response> {
  return fetch(`${url}/v1/observations`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body,
  });
}

asChild(push);
