import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../clock.ts';
import { createLogger, silentLogger } from '../logger.ts';
import { changeKeys, KEYS_MAX, readKeys } from './file.ts';
import { mintKey, type NewKey, parseKey, type StoredKey, withoutKeys } from './key.ts';
import { KeyRing, readUsed } from './ring.ts';

const NOW = Date.UTC(2026, 10, 22);
let dir: string;
let file: string;
let clock: ManualClock;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'paceline-keys-'));
  file = join(dir, 'keys.json');
  clock = new ManualClock(NOW);
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

function ring(usedFile: string | null = null): KeyRing {
  return new KeyRing({ file, usedFile, logger: silentLogger, clock });
}

function add(given: Partial<NewKey> = {}): { readonly text: string; readonly stored: StoredKey } {
  const made = mintKey({ name: 'ci', scopes: ['read'], workspace: 'main', expiresAt: null, ...given }, NOW);
  changeKeys(file, (keys) => [...keys, made.stored]);
  return made;
}

function revoke(id: string): void {
  changeKeys(file, (keys) => keys.map((key) => (key.id === id ? { ...key, revokedAt: '2026-11-22T00:00:00Z' } : key)));
}

describe('a key', () => {
  it('has a prefix, an id and 256 random bits, and only their hash is kept, readable for its owner alone', () => {
    const { text, stored } = add();
    expect(text).toMatch(/^pcl_[a-z0-9]{12}_[A-Za-z0-9]{43}$/);
    const kept = readFileSync(file, 'utf8');
    expect(kept).not.toContain(parseKey(text)?.secret);
    expect(kept).toContain(stored.id);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('is never the same twice', () => {
    const made = Array.from({ length: 200 }, () => add({ name: 'x' }).text);
    expect(new Set(made).size).toBe(200);
  });

  it.each([
    ['nothing', () => ''],
    [
      'a key that is not in the file',
      () => mintKey({ name: 'x', scopes: ['read'], workspace: '*', expiresAt: null }, NOW).text,
    ],
    ['the id alone', (text: string) => text.slice(0, 17)],
    ['one character less', (text: string) => text.slice(0, -1)],
    ['one character more', (text: string) => `${text}a`],
    ['another last character', (text: string) => `${text.slice(0, -1)}${text.endsWith('a') ? 'b' : 'a'}`],
    ['another case', (text: string) => text.toUpperCase()],
    ['the hash that is kept', (_text: string, { id, hash }: StoredKey) => `pcl_${id}_${hash.slice(7, 50)}`],
    ['a line break behind it', (text: string) => `${text}\n`],
  ])('is not %s', (_, change: (text: string, stored: StoredKey) => string) => {
    const { text, stored } = add();
    expect(ring().identify(change(text, stored))).toBeNull();
    expect(ring().identify(text)).toMatchObject({ key: stored.id, scopes: ['read'], workspace: 'main' });
  });

  it('opens nothing from its last instant on', async () => {
    const { text } = add({ expiresAt: NOW + 1000 });
    await clock.advance(999);
    expect(ring().identify(text)).not.toBeNull();
    await clock.advance(1);
    expect(ring().identify(text)).toBeNull();
  });

  it('stands in no log, whatever it is part of', () => {
    const { text, stored } = add();
    const lines: string[] = [];
    const logger = createLogger({ destination: { write: (line) => lines.push(line) } });
    logger.info({ url: `/x?key=${text}`, err: new Error(`refused ${text}`) }, `came with ${text} twice: ${text}`);
    expect(lines.join('')).not.toContain(parseKey(text)?.secret);
    expect(lines.join('')).toContain(`pcl_${stored.id}_[redacted] twice`);
    expect(withoutKeys('pcl_ nothing')).toBe('pcl_ nothing');
  });
});

describe('a running server', () => {
  it('knows keys that a command makes and revokes, at once', () => {
    const keys = ring();
    expect(keys.keyed).toBe(false);
    const { text, stored } = add();
    expect([keys.keyed, keys.identify(text)?.key]).toEqual([true, stored.id]);
    revoke(stored.id);
    expect([keys.keyed, keys.identify(text), keys.current(stored.id)]).toEqual([true, null, null]);
  });

  it('that has seen keys asks for them even when the file is gone', () => {
    const { text } = add();
    const keys = ring();
    rmSync(file);
    expect([keys.keyed, keys.identify(text)]).toEqual([true, null]);
  });

  it('lets nobody in while the file is broken, and everybody again once it is whole', () => {
    const { text } = add();
    const whole = readFileSync(file, 'utf8');
    const keys = ring();
    for (const broken of ['', '{', '[]', '{"version":2,"keys":[]}', whole.replace('sha256:', 'md5:')]) {
      writeFileSync(file, broken);
      expect([keys.fault?.code, keys.identify(text)]).toEqual(['keys_unreadable', null]);
      expect(ring).toThrow(/the file of keys/);
    }
    writeFileSync(file, whole);
    expect([keys.fault, keys.identify(text)?.name]).toEqual([null, 'ci']);
  });

  it('gives the owner of the folder a key that is in no file and ends with the process', () => {
    add();
    const keys = ring();
    const own = keys.mintOwn('owner');
    expect(keys.identify(own)).toMatchObject({ workspace: '*', scopes: ['read', 'push', 'check-in', 'apply'] });
    expect(ring().identify(own)).toBeNull();
  });

  it('writes down when a key was last used, at most once a minute, and never into the keys', async () => {
    const used = join(dir, 'keys-used.json');
    const { text, stored } = add();
    const before = readFileSync(file, 'utf8');
    const keys = ring(used);
    keys.identify(text);
    await clock.advance(59_000);
    keys.identify(text);
    expect(readUsed(used).get(stored.id)).toBe('2026-11-22T00:00:00.000Z');
    await clock.advance(1_000);
    keys.identify(text);
    expect(readUsed(used).get(stored.id)).toBe('2026-11-22T00:01:00.000Z');
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  it('answers when the last use cannot be written', () => {
    const { text } = add();
    expect(ring(join(dir, 'no folder', 'keys-used.json')).identify(text)).not.toBeNull();
  });
});

describe('the file', () => {
  it('is never half written and leaves nothing behind', () => {
    add();
    add();
    expect(readdirSync(dir)).toEqual(['keys.json']);
    expect(readKeys(file)).toHaveLength(2);
  });

  it('is not changed by two commands at once', () => {
    add();
    writeFileSync(`${file}.lock`, '');
    expect(() => add()).toThrow(/another command/);
    expect(readKeys(file)).toHaveLength(1);
  });

  it('lets the longest revoked keys go when there are too many, and never one in force', () => {
    const { stored } = add();
    const many = (count: number, revokedAt: string | null) =>
      Array.from({ length: count }, (_, at) => ({ ...stored, id: String(at).padStart(12, 'x'), revokedAt }));
    changeKeys(file, () => [...many(KEYS_MAX, '2026-01-01T00:00:00Z'), stored]);
    expect(readKeys(file)).toHaveLength(KEYS_MAX);
    expect(readKeys(file)?.at(-1)?.id).toBe(stored.id);
    expect(() => changeKeys(file, () => many(KEYS_MAX + 1, null))).toThrow(/revoke some first/);
  });
});
