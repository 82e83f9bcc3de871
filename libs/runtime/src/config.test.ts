import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isLoopback, loadConfig, requireConfig } from './config.ts';
import { changeKeys } from './keys/file.ts';
import { mintKey } from './keys/key.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'paceline-config-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

function write(text: string): void {
  writeFileSync(join(dir, 'paceline.yaml'), text);
}

function faults(env: Record<string, string> = {}) {
  const loaded = loadConfig({ dir, env });
  return loaded.ok ? [] : loaded.faults;
}

function config(env: Record<string, string> = {}, overrides: Record<string, unknown> = {}) {
  return requireConfig({ dir, env, overrides });
}

const CLUSTER = {
  PACELINE_KAFKA_BROKERS: 'a:9092, b:9092',
  PACELINE_CLICKHOUSE_URL: 'https://engine:8443',
  PACELINE_REDIS_URL: 'redis://queue:6379',
};

describe('configuration', () => {
  it('runs on embedded parts on this machine when nothing is said', () => {
    expect(config()).toMatchObject({
      mode: 'embedded',
      workspace: 'main',
      http: { host: '127.0.0.1', port: 8787, clickhousePort: 8723 },
      dataDir: join(dir, '.paceline'),
      kafka: null,
    });
  });

  it('lets the environment overrule the file, and the command line both', () => {
    write('workspace: from-file\nhttp: {port: 1000, clickhousePort: 1001}\n');
    const env = { PACELINE_PORT: '2000', PACELINE_WORKSPACE: 'from-env' };
    expect(config(env, { http: { port: 3000 } })).toMatchObject({
      workspace: 'from-env',
      http: { port: 3000, clickhousePort: 1001 },
    });
  });

  it('becomes a cluster when all three have addresses, each with its user, password and TLS', () => {
    const env = {
      ...CLUSTER,
      PACELINE_KAFKA_USER: 'paceline',
      PACELINE_KAFKA_PASSWORD: 'hidden',
      PACELINE_KAFKA_TLS: 'true',
    };
    expect(config(env)).toMatchObject({
      mode: 'cluster',
      kafka: { brokers: ['a:9092', 'b:9092'], user: 'paceline', password: 'hidden', tls: true },
      redis: { url: 'redis://queue:6379', user: null, tls: false },
    });
  });

  it('takes an empty variable for an absent one', () => {
    expect(config({ PACELINE_PORT: '', PACELINE_KAFKA_BROKERS: ' ' })).toMatchObject({
      mode: 'embedded',
      http: { port: 8787 },
    });
  });

  it('leaves variables of others alone', () => {
    expect(
      faults({ PACELINE_SECRET_BILLING: 'x', PACELINE_DIR: '.', PACELINE_TEST_POSTGRES_URL: 'x', PATH: '/bin' }),
    ).toEqual([]);
  });
});

describe('a bad configuration', () => {
  it('lists every fault at once, each with its place', () => {
    write('worspace: x\nhttp:\n  prot: 1\nlimits:\n  rows: -1\n');
    const found = faults({ PACELINE_KAFKA_BROKER: 'a:1', PACELINE_PORT: 'abc' });
    expect(found.map(({ code, parameter, line }) => [code, parameter ?? line])).toEqual([
      ['unknown_key', 'PACELINE_KAFKA_BROKER'],
      ['invalid_type', 'PACELINE_PORT'],
      ['unknown_key', 3],
      ['invalid_value', 5],
      ['unknown_key', 1],
    ]);
  });

  it('suggests the nearest key and variable', () => {
    write('worspace: x\n');
    const messages = faults({ PACELINE_KAFKA_BROKER: 'a:1' }).map(({ message }) => message);
    expect(messages).toEqual([
      expect.stringContaining('did you mean PACELINE_KAFKA_BROKERS?'),
      expect.stringContaining('did you mean workspace?'),
    ]);
  });

  it('names line and column of bad YAML', () => {
    write('workspace: [a\nhttp: {}\n');
    expect(faults()).toEqual([expect.objectContaining({ code: 'invalid_yaml', file: 'paceline.yaml', line: 2 })]);
  });

  it('refuses a file that holds no keys', () => {
    write('- main\n');
    expect(faults()).toEqual([expect.objectContaining({ code: 'invalid_yaml' })]);
  });

  it('says which addresses are missing when only some are given', () => {
    const messages = faults({ PACELINE_KAFKA_BROKERS: 'a:9092' }).map(({ code, message }) => `${code}: ${message}`);
    expect(messages).toEqual([
      'incomplete_addresses: clickhouse has no address, although kafka has one; set PACELINE_CLICKHOUSE_URL',
      'incomplete_addresses: redis has no address, although kafka has one; set PACELINE_REDIS_URL',
    ]);
  });

  it('does not run embedded with addresses', () => {
    expect(faults({ ...CLUSTER, PACELINE_MODE: 'embedded' })).toEqual([
      expect.objectContaining({ code: 'invalid_value' }),
    ]);
  });

  it('never repeats a password', () => {
    write('kafka: {brokers: [a], password: {deep: hidden}}\n');
    expect(JSON.stringify(faults())).not.toContain('hidden');
  });

  it('is thrown with all faults in the message', () => {
    write('a: 1\nb: 2\n');
    expect(() => config()).toThrow(
      /the configuration has 2 faults:\n {2}paceline\.yaml:1:4: a is no key.*\n {2}paceline\.yaml:2:4: b is no key/,
    );
  });
});

describe('without a key', () => {
  it('only this machine may call', () => {
    expect(faults({ PACELINE_HOST: '0.0.0.0' })).toEqual([expect.objectContaining({ code: 'not_loopback' })]);
    mkdirSync(join(dir, '.paceline'));
    writeFileSync(join(dir, '.paceline', 'keys.json'), '{"version": 1, "keys": []}');
    expect(faults({ PACELINE_HOST: '0.0.0.0' })).toEqual([expect.objectContaining({ code: 'not_loopback' })]);
  });

  it('as soon as one is in the folder or in the file named, others may call', () => {
    const { stored } = mintKey({ name: 'a', scopes: ['read'], workspace: '*', expiresAt: null }, 0);
    for (const file of ['.paceline/keys.json', 'elsewhere/keys.json']) {
      changeKeys(join(dir, file), () => [stored]);
      expect(faults({ PACELINE_HOST: '0.0.0.0', PACELINE_KEYS_FILE: file })).toEqual([]);
    }
    expect(config({ PACELINE_HOST: '0.0.0.0' }).keysFile).toBe(join(dir, '.paceline', 'keys.json'));
  });

  it('that can be read nothing starts, on this machine neither', () => {
    writeFileSync(join(dir, 'keys.json'), '{"version": 1');
    expect(faults({ PACELINE_KEYS_FILE: 'keys.json' })).toEqual([expect.objectContaining({ code: 'keys_unreadable' })]);
  });

  it.each(['127.0.0.1', '127.9.9.9', 'localhost', '::1'])('%s is this machine', (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.com', 'localhost.example.com', '127'])(
    '%s is not',
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );
});
