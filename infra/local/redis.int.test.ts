import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { type Redis, startRedis } from './redis.ts';
import { serverFolder } from './server.ts';

function ask(redis: Redis, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(redis.port, redis.host);
    socket.once('error', reject);
    socket.once('data', (bytes) => {
      socket.destroy();
      resolve(bytes.toString('utf8').trim());
    });
    socket.write(`${command}\r\n`);
  });
}

it('keeps what it confirmed over a kill and a new start on the same folder', async () => {
  const dir = serverFolder('redis');
  const first = await startRedis({ dir, keepFolder: true });
  expect(await ask(first, 'SET answer 42')).toBe('+OK');
  // The append-only file is synced every second.
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  await first.kill();
  await first.stop();
  const second = await startRedis({ dir });
  expect(await ask(second, 'GET answer')).toContain('42');
  await second.stop();
});
