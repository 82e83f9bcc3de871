import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { FastifyRequest, HttpServer, Routes } from '@paceline/runtime';

/** Where `npm run build -w services/dashboard` puts the page. */
const BUILT = fileURLToPath(new URL('../../dashboard/dist/', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/** The page loads nothing but its own files and asks nobody but this server. Colours of rows and bars are set by script, not written inline. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

interface Asset {
  readonly type: string;
  readonly body: Buffer;
  readonly gzip: Buffer;
}

/**
 * The dashboard at `/`, and its files below `/assets`, kept in memory: they are few and small. Where it was not built the plain page
 * of the query service stays at `/`. Mount it before that one's routes, whose `/` it answers for.
 */
export function dashboardRoutes(folder: string = BUILT): Routes {
  const routes: Routes = async (app) => {
    const page = await readPage(folder);
    if (page === undefined) return;
    answerRoot(app, page);
    const assets = await readAssets(join(folder, 'assets'));
    for (const [name, { type, body, gzip }] of assets) {
      app.get(`/assets/${name}`, { schema: { hide: true }, config: { scope: 'open' } }, async (request, reply) => {
        // The name holds a digest of what is in it.
        reply
          .type(type)
          .header('cache-control', 'public, max-age=31536000, immutable')
          .header('vary', 'accept-encoding');
        if (!takesGzip(request)) return reply.send(body);
        return reply.header('content-encoding', 'gzip').send(gzip);
      });
    }
  };
  return Object.assign(routes, { [Symbol.for('skip-override')]: true });
}

/** By a hook, because `/` is the plain page's route already; the guards of the server have had their say before. */
function answerRoot(app: HttpServer, page: Buffer): void {
  app.addHook('onRequest', async (request, reply) => {
    const [path] = request.url.split('?');
    if (path !== '/' || (request.method !== 'GET' && request.method !== 'HEAD')) return;
    reply
      .type('text/html; charset=utf-8')
      .header('cache-control', 'no-cache')
      .header('content-security-policy', POLICY);
    return reply.send(page);
  });
}

/** `undefined` when the dashboard was not built. */
async function readPage(folder: string): Promise<Buffer | undefined> {
  try {
    return await readFile(join(folder, 'index.html'));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function readAssets(folder: string): Promise<Map<string, Asset>> {
  const assets = new Map<string, Asset>();
  for (const name of await readdir(folder)) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const body = await readFile(join(folder, name));
    assets.set(name, { type, body, gzip: gzipSync(body, { level: 9 }) });
  }
  return assets;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function takesGzip({ headers }: FastifyRequest): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(headers['accept-encoding'] ?? '');
}
