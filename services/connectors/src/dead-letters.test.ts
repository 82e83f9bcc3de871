import type { Fact, ObservationsFact } from '@paceline/domain';
import { DEADLETTER_TOPIC, encodeDeadLetter, encodeFact, factsTopic } from '@paceline/events';
import type { LogMessage } from '@paceline/log';
import { createHttp, createMetrics, type HttpServer, ManualClock, silentLogger } from '@paceline/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bench, metric, openBench, WORKSPACE } from './fixture.ts';

const THEN = Date.parse('2026-11-20T12:00:00Z');
const clock = new ManualClock(Date.parse('2026-11-22T12:00:00Z'));
let bench: Bench;
let app: HttpServer;

beforeEach(async () => {
  bench = await openBench({ clock });
  await bench.log.ensureTopic(DEADLETTER_TOPIC);
  app = await createHttp({
    logger: silentLogger,
    metrics: createMetrics({ defaults: false }),
    health: () => ({ live: true, ready: true, parts: [] }),
    title: 'test',
    version: '0',
    bodyBytesMax: 1024,
  });
  await app.register(bench.connectors.routes);
  await app.ready();
  await bench.define(metric('sales', { aggregation: 'sum', grain: 'day' }));
});
afterEach(async () => {
  await app.close();
  await bench.stop();
});

const pushed: Fact = {
  type: 'observations',
  metric: 'sales',
  feeder: 'push',
  points: [
    { period: '2026-11-18', value: '1' },
    { period: '2026-11-19', value: '2' },
    { period: '2026-W47', value: '3' },
  ],
};

/** As the processor puts a record of offset 7 aside. */
async function bury(message: LogMessage, about: { index?: number; topic?: string } = {}): Promise<void> {
  const { topic = factsTopic(WORKSPACE), ...index } = about;
  const letter = encodeDeadLetter({
    ...message,
    topic,
    offset: 7,
    appendedAt: THEN,
    code: 'unknown_version',
    message: 'version 9 of observations is not known here',
    ...index,
  });
  await bench.log.append(DEADLETTER_TOPIC, [letter]);
}

const observations = encodeFact(WORKSPACE, pushed, { id: 'one', source: 'push' });

async function retry(place = '7:0') {
  const answer = await app.inject({ method: 'POST', url: `/v1/dead-letters/${place}/retry` });
  return { status: answer.statusCode, body: answer.json() };
}

async function appended(): Promise<ObservationsFact[]> {
  return (await bench.facts()).filter((fact) => fact.type === 'observations');
}

describe('a dead letter that is tried again', () => {
  it('is checked as a push is, and what is right counts by when it was first recorded', async () => {
    await bury(observations);
    const { status, body } = await retry();
    expect(status).toBe(202);
    expect(body).toMatchObject({ accepted: 2, rejected: [{ index: 2, code: 'wrong_grain' }] });
    expect(await appended()).toEqual([
      {
        type: 'observations',
        metric: 'sales',
        feeder: 'push',
        readAt: THEN,
        points: [
          { period: '2026-11-18', value: '1' },
          { period: '2026-11-19', value: '2' },
        ],
      },
    ]);
  });

  it('is one point where one was put aside', async () => {
    await bury(observations, { index: 1 });
    expect((await retry('7:0')).status).toBe(404);
    expect((await retry('7:1')).body).toMatchObject({ accepted: 1, rejected: [] });
    expect((await appended())[0]?.points).toEqual([{ period: '2026-11-19', value: '2' }]);
  });

  it('keeps whose it was and when it was read', async () => {
    const read = { ...pushed, feeder: 'source/shop', readAt: THEN - 60_000, run: 'r1' } as const;
    await bury(encodeFact(WORKSPACE, read, { id: 'two', source: 'connectors' }));
    await retry();
    expect((await appended())[0]).toMatchObject({ feeder: 'source/shop', readAt: THEN - 60_000, run: 'r1' });
  });

  it.each([
    ['no JSON', { ...observations, value: new TextEncoder().encode('{"metric":') }, 'still_dead'],
    ['of a type that would undo what was said since', checkIn(), 'still_dead'],
    ['wrong in every point', encodeFact(WORKSPACE, wrong(), { id: 'x', source: 'push' }), 'all_rejected'],
  ])('is refused when it is %s, and nothing is appended', async (_, message, code) => {
    await bury(message);
    const { status, body } = await retry();
    expect([status, body.code]).toEqual([422, code]);
    expect(await appended()).toEqual([]);
  });

  it('is of this workspace, and there', async () => {
    await bury(observations, { topic: factsTopic('other') });
    expect((await retry()).body.code).toBe('not_found');
    expect((await retry('nowhere')).body.code).toBe('invalid_position');
  });
});

function checkIn(): LogMessage {
  const fact: Fact = { type: 'check_in', subject: 'key_result/grow/nps', time: THEN, value: '3' };
  return encodeFact(WORKSPACE, fact, { id: 'three', source: 'catalog' });
}

function wrong(): Fact {
  return { type: 'observations', metric: 'sales', feeder: 'push', points: [{ period: '2026-W47', value: '3' }] };
}
