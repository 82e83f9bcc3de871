import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';

/** Of all scripts together, packed: what a phone on a slow line can bear. */
const SCRIPT_BYTES_MAX = 100 * 1024;
const here = join(import.meta.dirname, '..');
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dashboard-build-'));
  const configFile = join(here, 'vite.config.ts');
  await build({ configFile, logLevel: 'error', build: { outDir: folder, emptyOutDir: true } });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

it('the script is small', async () => {
  const scripts = (await readdir(join(folder, 'assets'))).filter((name) => name.endsWith('.js'));
  const packed = await Promise.all(scripts.map(async (name) => gzipSync(await readFile(join(folder, 'assets', name)))));
  const bytes = packed.reduce((sum, { length }) => sum + length, 0);
  expect(bytes).toBeGreaterThan(10 * 1024);
  expect(bytes).toBeLessThan(SCRIPT_BYTES_MAX);
});

it('the page has nothing inline that its policy would keep from running, and loads nothing from elsewhere', async () => {
  const page = await readFile(join(folder, 'index.html'), 'utf8');
  expect(page).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=/);
  const addresses = [...page.matchAll(/\b(?:src|href)="([^"]+)"/g)].map(([, address]) => address ?? '');
  expect(addresses.filter((address) => !/^(\.\/assets\/|data:image|v1\/)/.test(address))).toEqual([]);
});

it('what it was built from is written beside it', async () => {
  const inputs: unknown = JSON.parse(await readFile(join(folder, 'inputs.json'), 'utf8'));
  expect(inputs).toMatchObject({
    'services/dashboard/src/main.ts': expect.any(String),
    'services/dashboard/index.html': expect.any(String),
    'libs/domain/src/look.ts': expect.any(String),
  });
});
