import { chromiumProgram } from './chromium.ts';
import { clientsMissing } from './clients.ts';
import { available } from './kafka.ts';
import { postgresProgram } from './postgres.ts';
import { redisProgram } from './redis.ts';
import { findProgram } from './server.ts';

/** What tests may ask for beyond Node, and why it is not there. `undefined` means that it is. */
const CHECKS: Readonly<Record<string, () => string | undefined>> = {
  kafka: () => {
    const kafka = available();
    return kafka.ok ? undefined : kafka.reason;
  },
  chromium: () =>
    chromiumProgram() === undefined ? 'Chromium is not installed (Debian: apt-get install chromium)' : undefined,
  clients: clientsMissing,
  compose: () =>
    findProgram('docker-compose') === undefined
      ? 'docker-compose is not installed (Debian: apt-get install docker-compose)'
      : undefined,
  nginx: () =>
    findProgram('nginx') === undefined ? 'nginx is not installed (Debian: apt-get install nginx)' : undefined,
  postgres: () =>
    postgresProgram() === undefined ? 'PostgreSQL is not installed (Debian: apt-get install postgresql)' : undefined,
  redis: () =>
    redisProgram() === undefined ? 'Redis is not installed (Debian: apt-get install redis-server)' : undefined,
};

export async function missing(needs: readonly string[]): Promise<string[]> {
  const reasons: string[] = [];
  for (const need of needs) {
    const check = CHECKS[need];
    const reason = check === undefined ? `nothing here can provide ${need}` : check();
    if (reason !== undefined) reasons.push(reason);
  }
  return reasons;
}
