import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

const here = import.meta.dirname;
const root = join(here, '../..');
/** Decide what is built, though nothing imports them. */
const SETTINGS = ['index.html', 'vite.config.ts', 'tsconfig.json', 'package.json'].map((name) => join(here, name));

/** Leaves the digest of every file that went in beside what came out, so that `scripts/setup.js` sees in a moment whether it still fits. */
function inputs(): Plugin {
  return {
    name: 'paceline-inputs',
    generateBundle() {
      const modules = [...this.getModuleIds()].map((id) => id.split('?')[0] ?? id).filter((id) => id.startsWith(root));
      const files = [...new Set([...SETTINGS, ...modules])].sort();
      const digests = files.map((file) => [
        relative(root, file).replaceAll('\\', '/'),
        createHash('sha256').update(readFileSync(file)).digest('base64url'),
      ]);
      this.emitFile({
        type: 'asset',
        fileName: 'inputs.json',
        source: `${JSON.stringify(Object.fromEntries(digests), null, 1)}\n`,
      });
    },
  };
}

export default defineConfig({
  root: here,
  // The page may be served below a path of a proxy.
  base: './',
  plugins: [inputs()],
  build: {
    outDir: 'dist',
    target: 'es2022',
    // Data addresses of pictures aside, the policy of the page lets nothing inline in.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: { '/v1': 'http://127.0.0.1:8787' },
  },
});
