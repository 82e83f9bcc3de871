import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ConnectorFault } from './fault.ts';
import { redactingLogger } from './redact.ts';
import { openSecrets, referencesIn, secretVariable } from './secrets.ts';
import { configSchema, secret, secretPointers, validateConfig } from './spec.ts';

const CANARY = 'c4n4ry "quoted"/+=value';

describe('secret references', () => {
  let dir = '';
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'paceline-secrets-'));
    await mkdir(path.join(dir, 'secrets', 'billing'), { recursive: true });
    await writeFile(path.join(dir, 'secrets', 'billing', 'password'), `${CANARY}\n`);
    await writeFile(path.join(dir, 'secrets', 'token'), 'plain-token');
    await writeFile(path.join(dir, 'secrets', 'api.json'), '{"key": "from-json"}');
    await writeFile(path.join(dir, 'secrets', 'broken.json'), `{"key": "${'x'.repeat(20)}`);
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  it('come from the environment before files', async () => {
    const secrets = openSecrets({ env: { PACELINE_SECRET_BILLING_PASSWORD: 'from-env' }, dir });
    expect(await secrets.resolve({ password: '${secret:billing#password}' })).toEqual({ password: 'from-env' });
  });
  it('come from a file of the project, one newline less', async () => {
    const secrets = openSecrets({ env: {}, dir });
    expect(
      await secrets.resolve(['${secret:billing#password}', 'Bearer ${secret:token}', '${secret:api#key}', 7, null]),
    ).toEqual([CANARY, 'Bearer plain-token', 'from-json', 7, null]);
  });
  it('are all named when undefined', async () => {
    const failed = await openSecrets({ env: {}, dir })
      .resolve(['${secret:a#b}', '${env:NOPE}', '${secret:../x#y}'])
      .catch((error: unknown) => error);
    expect(failed).toMatchObject({ kind: 'config', code: 'undefined_secret' });
    expect(String(failed)).toContain('PACELINE_SECRET_A_B');
    expect(String(failed)).toContain('${env:NOPE}');
    expect(String(failed)).toContain('${secret:../x#y} is not of the form');
  });
  it('never show the text of a broken file', async () => {
    const failed = await openSecrets({ env: {}, dir })
      .resolve('${secret:broken#key}')
      .catch((error: unknown) => error);
    expect(JSON.stringify([String(failed), failed instanceof Error ? failed.cause : 0])).not.toContain('xxx');
  });
  it("take defaults for variables but never the server's own", async () => {
    const secrets = openSecrets({ env: { HOST: 'db', PACELINE_SECRET_X: 'no' } });
    expect(await secrets.resolve('${env:HOST}:${env:PORT:-5432}${env:REST:-}')).toBe('db:5432');
    await expect(secrets.resolve('${env:PACELINE_SECRET_X}')).rejects.toThrow("server's own");
  });
  it('are replaced once: a value that looks like a reference stays text', async () => {
    const secrets = openSecrets({ env: { A: '${env:B}', B: 'deep' } });
    expect(await secrets.resolve('${env:A}')).toBe('${env:B}');
  });
  it('are found without being resolved', () => {
    expect(referencesIn({ a: ['${secret:x#y}'], b: { c: 'u-${env:Z:-1}' } })).toEqual(['${secret:x#y}', '${env:Z:-1}']);
    expect(secretVariable('ops-hook', 'whsec.1')).toBe('PACELINE_SECRET_OPS_HOOK_WHSEC_1');
  });
});

describe('redaction', () => {
  it('hides a value in all the forms in which it travels', async () => {
    const secrets = openSecrets({ env: { PACELINE_SECRET_X: CANARY } });
    await secrets.resolve('${secret:x}');
    const { redactor } = secrets;
    for (const form of [
      CANARY,
      encodeURIComponent(CANARY),
      JSON.stringify(CANARY),
      Buffer.from(CANARY).toString('base64'),
    ]) {
      const hidden = redactor.text(`before ${form} after`);
      expect(hidden).toContain('[redacted]');
      expect(hidden).not.toContain('c4n4ry');
      expect(hidden).not.toContain(Buffer.from(CANARY).toString('base64').slice(0, 12));
    }
  });
  it('hides it in errors, their stacks and their causes, and keeps their kind', async () => {
    const secrets = openSecrets({ env: { PACELINE_SECRET_X: CANARY } });
    await secrets.resolve('${secret:x}');
    const fault = new ConnectorFault('config', 'bad', `password ${CANARY}`, {
      cause: new Error(`deep ${CANARY}`),
      remedy: `not ${CANARY}`,
    });
    const clean = secrets.redactor.error(fault);
    expect(clean).toMatchObject({ kind: 'config', code: 'bad' });
    const everything = [
      clean.message,
      clean.stack,
      clean.cause instanceof Error ? clean.cause.stack : '',
      JSON.stringify(clean),
    ].join();
    expect(everything).not.toContain('c4n4ry');
  });
  it('hides it in whatever is logged', async () => {
    const secrets = openSecrets({ env: { PACELINE_SECRET_X: CANARY } });
    await secrets.resolve('${secret:x}');
    const lines: string[] = [];
    const write = (fields: object, message?: string): void => void lines.push(JSON.stringify([fields, message]));
    const logger = redactingLogger({ error: write, warn: write, info: write, debug: write }, secrets.redactor);
    logger.warn(
      { url: `http://h/?k=${encodeURIComponent(CANARY)}`, nested: [{ header: CANARY }], [CANARY]: 1 },
      `with ${CANARY}`,
    );
    expect(lines.join()).not.toContain('c4n4ry');
    expect(lines.join()).toContain('[redacted]');
  });
});

describe('configuration schemas', () => {
  const config = z.strictObject({
    host: z.string(),
    port: z.number().default(5432),
    password: secret(),
    headers: z.record(z.string(), secret()).optional(),
  });

  it('flag their secrets', () => {
    expect(secretPointers(configSchema({ config }))).toEqual(['/password', '/headers/*']);
  });
  it('refuse a secret written in the open, unknown keys and wrong types, all at once', () => {
    expect(
      validateConfig({ config }, { host: 1, password: 'hunter2', pasword: 'x' }).map((fault) => fault.pointer),
    ).toEqual(['/host', '', '/password']);
  });
  it('do not judge the type of what a variable will give', () => {
    expect(validateConfig({ config }, { host: 'x', port: '${env:PORT}', password: '${secret:a#b}' })).toEqual([]);
  });
});
