import { spawnSync } from 'node:child_process';
import { chromiumProgram } from './chromium.ts';
import { fetchClients } from './clients.ts';
import { fetchKafka } from './kafka.ts';
import { postgresProgram } from './postgres.ts';
import { redisProgram } from './redis.ts';
import { findProgram } from './server.ts';

/** Debian packages by the server that needs them, when the program is not there yet. */
function packagesFor(names: readonly string[]): string[] {
  const packages: string[] = [];
  if (names.includes('postgres') && postgresProgram() === undefined) packages.push('postgresql');
  if (names.includes('redis') && redisProgram() === undefined) packages.push('redis-server');
  if (names.includes('kafka') && findProgram('java') === undefined) packages.push('default-jre-headless');
  if (names.includes('kafka') && findProgram('mvn') === undefined) packages.push('maven');
  if (names.includes('chromium') && chromiumProgram() === undefined) packages.push('chromium', 'fonts-dejavu-core');
  if (names.includes('clients')) {
    // The compiler comes along: a program of one file is compiled when it is run.
    if (findProgram('javac') === undefined) packages.push('default-jdk-headless');
    if (findProgram('mvn') === undefined && !packages.includes('maven')) packages.push('maven');
    if (findProgram('python3') === undefined) packages.push('python3', 'python3-venv');
  }
  if (names.includes('nginx') && findProgram('nginx') === undefined) packages.push('nginx');
  if (names.includes('compose') && findProgram('docker-compose') === undefined) packages.push('docker-compose');
  return packages;
}

/** Installs what is missing through Debian's packages (as root) and Maven; quick when nothing is. */
export async function install(names: readonly string[]): Promise<number> {
  const packages = packagesFor(names);
  if (packages.length > 0) {
    console.error(`installing ${packages.join(', ')} …`);
    // Debian starts servers upon installation; those would be nobody's here.
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    const steps = [
      ['apt-get', 'update', '-q'],
      ['apt-get', 'install', '-q', '-y', '--no-install-recommends', ...packages],
    ];
    for (const [program = '', ...args] of steps) {
      const { status, error } = spawnSync(program, args, { stdio: ['ignore', 2, 2], env });
      if (status !== 0) {
        console.error(
          `${program} ${args.join(' ')} failed${error === undefined ? '' : ` (${error.message})`}; install ${packages.join(', ')} by your system's means`,
        );
        return 1;
      }
    }
  }
  if (names.includes('kafka')) await fetchKafka();
  if (names.includes('clients')) await fetchClients();
  console.error(`installed: ${names.join(', ')}`);
  return 0;
}
