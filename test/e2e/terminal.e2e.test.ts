import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { paceline, type Serving, serve } from '../support/serve.ts';

const PACELINE = join(dirname(dirname(import.meta.dirname)), 'services/cli/bin/paceline.js');
const WAIT_MS = 20_000;

let folder: string;
let project: string;
let server: Serving;

/** A program whose output is waited for. */
class Watched {
  readonly child: ChildProcess;
  readonly ended: Promise<number>;
  text = '';
  #heard = Promise.withResolvers<void>();

  constructor(command: string, args: readonly string[]) {
    const { NO_COLOR: _, ...env } = process.env;
    this.child = spawn(command, args, { detached: true, stdio: ['pipe', 'pipe', 'inherit'], env });
    this.child.stdout?.on('data', (chunk) => {
      this.text += String(chunk);
      this.#heard.resolve();
      this.#heard = Promise.withResolvers();
    });
    this.ended = once(this.child, 'close').then(([code]) => (typeof code === 'number' ? code : -1));
  }

  /** The output once it holds this. */
  async until(pattern: RegExp): Promise<string> {
    const late = AbortSignal.timeout(WAIT_MS);
    while (!pattern.test(this.text)) {
      if (late.aborted) throw new Error(`${pattern} was not seen in: ${this.text}`);
      const tired = new Promise((resolve) => setTimeout(resolve, 200));
      await Promise.race([this.#heard.promise, tired]);
    }
    return this.text;
  }

  /** As a terminal does it: to every process of the group. */
  interrupt(): void {
    if (this.child.pid !== undefined) process.kill(-this.child.pid, 'SIGINT');
  }

  /** Whatever is left of it. */
  end(): void {
    if (this.child.pid !== undefined && this.child.exitCode === null) process.kill(-this.child.pid, 'SIGKILL');
  }
}

const watched: Watched[] = [];
function start(command: string, ...args: readonly string[]): Watched {
  const made = new Watched(command, args);
  watched.push(made);
  return made;
}

/** In a terminal of 90 columns and 30 rows. */
function onTerminal(...args: readonly string[]): Watched {
  const line = [process.execPath, PACELINE, ...args, '--dir', project].map((word) => `'${word}'`).join(' ');
  return start('script', '-qec', `stty cols 90 rows 30; exec ${line}`, '/dev/null');
}

async function ok(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await paceline(args, { dir: project });
  if (code !== 0) throw new Error(`paceline ${args.join(' ')} ended with ${code}: ${stderr}`);
  return stdout;
}

async function checkIn(value: number): Promise<void> {
  await ok('check-in', 'key_result/grow/nps', '--value', String(value));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paceline-terminal-'));
  project = join(folder, 'goals');
  const made = await paceline(['init', project], { dir: folder });
  expect(made.code).toBe(0);
  server = await serve({ dir: project });
  await ok('apply');
  await ok('run', 'signups-csv', '--once');
});
afterAll(async () => {
  for (const each of watched) each.end();
  await server?.kill();
  await rm(folder, { recursive: true, force: true });
});

describe('a trend', () => {
  it('is drawn on a terminal, and is a table elsewhere and where one is asked for', async () => {
    const drawn = onTerminal('trend', 'signups');
    expect(await drawn.ended).toBe(0);
    expect(drawn.text).toMatch(/[\u2801-\u28ff]{3}/);
    for (const line of stripVTControlCharacters(drawn.text).split(/\r?\n/)) expect(line.length).toBeLessThanOrEqual(90);
    const asked = onTerminal('trend', 'signups', '--output', 'table');
    expect(await asked.ended).toBe(0);
    expect(asked.text).toContain('BUCKET');
    expect(await ok('trend', 'signups')).toMatch(/^BUCKET/);
  });
});

describe('status --watch', () => {
  it('tells changes line by line where nobody looks at a terminal, and ends on Ctrl-C with 0', async () => {
    const watch = start(process.execPath, PACELINE, 'status', '--watch', '--dir', project);
    expect(await watch.until(/grow\/nps.*no data/)).not.toContain('\u001b');
    await checkIn(21);
    await watch.until(/\n\S+Z {2}key_result\/grow\/nps {2}∅ no data → ■ off track/);
    watch.interrupt();
    expect(await watch.ended).toBe(0);
  });

  it('draws over itself on a terminal, and leaves it as it was', async () => {
    const watch = onTerminal('status', '--watch');
    await watch.until(/grow\/nps.*off track/);
    const before = watch.text.length;
    await checkIn(50);
    await watch.until(/grow\/nps.*achieved/);
    expect(watch.text.slice(before)).toContain('\u001b[0J');
    watch.child.stdin?.write('\u0003');
    expect(await watch.ended).toBe(0);
    expect(watch.text.slice(-60)).toContain('\u001b[?7h\u001b[?25h');
  });

  it('asks for a server, and refuses an earlier moment', async () => {
    const nobody = await paceline(['status', '--watch'], { dir: folder });
    expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringContaining('server_unreachable')]);
    const earlier = await paceline(['status', '--watch', '--as-of', '2026-01-01'], { dir: project });
    expect([earlier.code, earlier.stderr]).toEqual([1, expect.stringContaining('invalid_option')]);
  });
});

const DAY_MS = 86_400_000;
const day = (ahead: number): string => new Date(Date.now() + ahead * DAY_MS).toISOString().slice(0, 10);
const TOLD = `apiVersion: paceline/v1
kind: Cycle
metadata: {name: told}
spec: {firstDay: ${day(-60)}, lastDay: ${day(60)}, timezone: UTC}
---
apiVersion: paceline/v1
kind: Objective
metadata: {name: ship}
spec:
  cycle: told
  keyResults:
    - {name: launch, type: milestones, milestones: [{name: beta, weight: 1}, {name: ga, weight: 3}]}
    - {name: hire, type: done}
    - {name: score, type: reach, baseline: 0, target: 100}
`;

describe('check-in', () => {
  /** What the key result is said to be once the check-in is seen, with other words of the address where the past is asked for. */
  const said = async (name: string, position: string, more = ''): Promise<Record<string, unknown>> => {
    const path = `/v1/status/key_result/ship/${name}?min_position=${position}${more}`;
    const { data } = JSON.parse(await (await fetch(`${server.url}${path}`)).text());
    return data;
  };
  const told = async (name: string, ...args: readonly string[]): Promise<string> =>
    JSON.parse(await ok('check-in', `key_result/ship/${name}`, ...args, '--output', 'json')).position;

  beforeAll(async () => {
    const file = join(folder, 'told.yaml');
    await writeFile(file, TOLD);
    await ok('apply', file);
  });

  it('says which milestones are reached, and which are not after all', async () => {
    const beta = await told('launch', '--milestone', 'beta', '--note', 'shipped');
    expect(await said('launch', beta)).toMatchObject({ progress: 0.25 });
    const ga = await told('launch', '--milestone', 'ga', '--not-milestone', 'beta');
    expect(await said('launch', ga)).toMatchObject({ progress: 0.75 });
    const wrong = await paceline(['check-in', 'key_result/ship/launch', '--milestone', 'gamma'], { dir: project });
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('gamma')]);
  });

  it('says that it is done, and that it is not after all', async () => {
    expect(await said('hire', await told('hire', '--done'))).toMatchObject({ progress: 1, verdict: 'achieved' });
    const undone = await said('hire', await told('hire', '--not-done'));
    expect(undone).toMatchObject({ progress: 0 });
    expect(undone.verdict).not.toBe('achieved');
  });

  it('entered late changes the days from then on, and not what was said later', async () => {
    await told('score', '--value', '40', '--time', `${day(-2)}T12:00:00Z`);
    const late = await told('score', '--value', '30', '--time', `${day(-5)}T12:00:00Z`);
    expect(await said('score', late)).toMatchObject({ value: '40' });
    expect(await said('score', late, `&as_of=${day(-3)}T00:00:00Z`)).toMatchObject({ value: '30' });
    expect(await said('score', late, `&as_of=${day(-6)}T00:00:00Z`)).toMatchObject({ value: null });
  });
});
