import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { PacelineError } from './errors.ts';

/** Types whose bodies reach the handler as text, to be read line by line. */
export const TEXT_BODIES = ['application/x-ndjson', 'application/ndjson', 'application/jsonl', 'text/csv'];

export function rawBodies(app: FastifyInstance): void {
  // Text/plain is what a browser sends across origins without asking; nothing of ours takes it.
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser(TEXT_BODIES, { parseAs: 'string' }, (_request, body, done) => done(null, body));
}

/**
 * Expands gzip bodies. Fastify counts the expanded bytes against the body limit while they arrive, so that a small bomb
 * is refused at the limit and never held whole.
 */
export async function expandBody(request: FastifyRequest, _reply: unknown, payload: Readable): Promise<Readable> {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase();
  if (encoding === undefined || encoding === '' || encoding === 'identity') return payload;
  if (encoding !== 'gzip' && encoding !== 'x-gzip') {
    throw new PacelineError(
      'unsupported_media_type',
      `Content-Encoding ${encoding.slice(0, 40)} is not taken; send gzip or none`,
    );
  }
  const expanded = Object.assign(createGunzip(), { receivedEncodedLength: 0 });
  payload.on('data', (chunk: Buffer) => {
    expanded.receivedEncodedLength += chunk.length;
  });
  payload.on('error', (error) => expanded.destroy(error));
  payload.pipe(expanded);
  return expanded;
}
