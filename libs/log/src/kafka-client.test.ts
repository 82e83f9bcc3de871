import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { expect, test } from 'vitest';
import { quietIdleConnections } from './kafka-client.ts';

/** kafkajs issue 1751: without the cure every idle connection runs a timer of 1 ms. */
test('a connection with nothing to send runs no timer, one with waiting requests does', () => {
  quietIdleConnections();
  const logger = { debug: () => undefined };
  const queue = new RequestQueue({
    maxInFlightRequests: 0,
    requestTimeout: 1_000,
    clientId: 'test',
    broker: 'b',
    logger,
  });
  queue.scheduleCheckPendingRequests();
  expect(queue.throttleCheckTimeoutId).toBeNull();
  queue.push({ entry: { correlationId: 1 }, expectResponse: true, sendRequest: () => undefined });
  expect(queue.throttleCheckTimeoutId).not.toBeNull();
  queue.destroy();
});
