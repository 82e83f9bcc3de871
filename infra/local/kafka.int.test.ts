import { afterAll, beforeAll, expect, test } from 'vitest';
import { available, type Kafka, startKafka } from './kafka.ts';
import { accepts } from './server.ts';

let kafka: Kafka;
beforeAll(async () => {
  expect(available()).toEqual({ ok: true });
  kafka = await startKafka();
});
afterAll(() => kafka?.stop());

test('a broker starts, comes back after a kill at the same address, and ends with its folder', async () => {
  expect(await accepts(kafka.port)).toBe(true);
  await kafka.kill();
  expect(await accepts(kafka.port)).toBe(false);
  await kafka.restart();
  expect(await accepts(kafka.port)).toBe(true);
  await kafka.stop();
  expect(await accepts(kafka.port)).toBe(false);
});
