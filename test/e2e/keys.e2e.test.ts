import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { paceline, type Serving, serve } from '../support/serve.ts';

let dir: string;
let serving: Serving | null = null;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'paceline-keys-e2e-'));
  dir = join(folder, 'project');
  expect((await paceline(['init', dir], { dir: folder })).code).toBe(0);
});
afterAll(async () => {
  await serving?.stop();
  await rm(join(dir, '..'), { recursive: true, force: true });
});

interface Created {
  readonly id: string;
  readonly key: string;
}

async function create(...args: string[]): Promise<Created> {
  const { code, stdout, stderr } = await paceline(['keys', 'create', '--output', 'json', ...args], { dir });
  expect([code, stderr]).toEqual([0, expect.stringContaining('cannot be shown again')]);
  return JSON.parse(stdout);
}

async function listed(): Promise<Record<string, unknown>[]> {
  return JSON.parse((await paceline(['keys', 'list', '--output', 'json'], { dir })).stdout).data;
}

/** With keys nobody is asked less for coming from this machine. */
function outside(url: string): string {
  return url.replace('0.0.0.0', '127.0.0.1');
}

async function status(url: string, key?: string): Promise<number> {
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  return (await fetch(`${outside(url)}/v1/status`, { headers })).status;
}

describe('a server that others can reach', () => {
  it('does not start before there is a key, and says how to make one', async () => {
    const { code, stderr } = await paceline(['serve', '--host', '0.0.0.0', '--port', '0'], { dir });
    expect(code).toBe(1);
    expect(stderr).toContain('not_loopback');
    expect(stderr).toContain('paceline keys create');
  });

  it('starts with one, and answers whoever shows it', async () => {
    const { key } = await create('--name', 'reader');
    serving = await serve({ dir, args: ['--host', '0.0.0.0', '--port', '0'] });
    expect([await status(serving.url), await status(serving.url, 'wrong'), await status(serving.url, key)]).toEqual([
      401, 401, 200,
    ]);
  });

  it('takes commands in its folder without a key, and elsewhere with one', async () => {
    const url = outside(serving?.url ?? '');
    const other = join(dir, '..');
    expect((await paceline(['status'], { dir })).code).toBe(0);
    const refused = await paceline(['status', '--url', url], { dir: other });
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('unauthorized')]);
    const { key } = await create('--name', 'elsewhere');
    expect((await paceline(['status', '--url', url], { dir: other, env: { PACELINE_API_KEY: key } })).code).toBe(0);
    const push = await paceline(['check-in', 'key_result/grow/nps', '--value', '30', '--url', url], {
      dir: other,
      env: { PACELINE_API_KEY: key },
    });
    expect([push.code, push.stderr]).toEqual([1, expect.stringContaining('not check-in')]);
    expect((await stat(join(dir, '.paceline', 'server.json'))).mode & 0o777).toBe(0o600);
  });

  it('knows a key that is made while it runs, and no longer one that is revoked', async () => {
    const { key, id } = await create('--name', 'short', '--expires', 'P1D', '--scope', 'read, push');
    const url = serving?.url ?? '';
    expect(await status(url, key)).toBe(200);
    expect((await paceline(['keys', 'revoke', 'short'], { dir })).code).toBe(0);
    expect(await status(url, key)).toBe(401);
    const rows = await listed();
    expect(rows.find((row) => row.id === id)).toMatchObject({
      state: 'revoked',
      scopes: ['read', 'push'],
      name: 'short',
    });
    expect(rows.find(({ name }) => name === 'reader')).toMatchObject({ lastUsedAt: expect.stringMatching(/^20/) });
  });

  it('keeps nothing with which a key could be used', async () => {
    const { key } = await create('--name', 'kept');
    const kept = await readFile(join(dir, '.paceline', 'keys.json'), 'utf8');
    const list = await paceline(['keys', 'list'], { dir });
    expect(`${kept}${list.stdout}${list.stderr}`).not.toContain(key.slice(17));
    expect(list.stdout).toContain('kept');
  });
});

describe('the command line', () => {
  it.each([
    [['keys', 'create', '--scope', 'read,write'], '--scope write is not read, push, check-in, apply'],
    [['keys', 'create', '--expires', 'yesterday'], '--expires yesterday is not a duration'],
    [['keys', 'create', '--expires', '2020-01-01'], 'is not a time in the future'],
    [['keys', 'create', '--workspace', 'A B'], "is not a workspace's name"],
    [['keys', 'revoke', 'nobody'], 'there is no key nobody'],
    [['keys', 'list', '--url', 'http://127.0.0.1:1'], 'cannot be changed through --url'],
  ])('%j is refused with the reason', async (args, reason) => {
    const { code, stderr } = await paceline(args, { dir });
    expect([code, stderr]).toEqual([1, expect.stringContaining(reason)]);
  });
});
