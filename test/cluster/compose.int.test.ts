import { execFileSync } from 'node:child_process';
import { dirname } from 'node:path';
import { findProgram } from '@paceline/local-servers/server';
import { expect, it } from 'vitest';

const ROOT = dirname(dirname(import.meta.dirname));

it('docker-compose takes docker-compose.yml, with all that must be set', () => {
  const program = findProgram('docker-compose');
  if (program === undefined)
    throw new Error('docker-compose is not installed; on Debian: apt-get install docker-compose');
  const config = (env: Readonly<Record<string, string>>): string =>
    execFileSync(program, ['-f', 'docker-compose.yml', 'config'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    });
  const set = {
    PACELINE_SESSION_SECRET: 'a secret of at least 32 characters',
    PACELINE_CLICKHOUSE_PASSWORD: 'one',
    PACELINE_REDIS_PASSWORD: 'two',
  };
  const whole = config(set);
  for (const name of ['connectors', 'catalog', 'processor', 'query', 'alerts', 'front', 'kafka', 'clickhouse', 'redis'])
    expect(whole).toMatch(new RegExp(`^  ${name}:$`, 'm'));
  for (const name of Object.keys(set)) {
    const { [name as keyof typeof set]: _, ...rest } = set;
    expect(() => config(rest), name).toThrow(/interpolat/);
  }
});
