import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Postgres, startPostgres } from './postgres.ts';

let postgres: Postgres;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres.stop();
});

function ask(url: string, sql: string): string {
  return execFileSync('psql', [url, '-Atc', sql], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

it('answers its user with the password', () => {
  expect(ask(postgres.url, 'select 40 + 2')).toBe('42');
});

it('refuses a wrong password', () => {
  expect(() => ask(postgres.url.replace(postgres.password, 'wrong'), 'select 1')).toThrow(/authentication failed/);
});
