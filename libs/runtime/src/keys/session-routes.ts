import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { systemClock } from '../clock.ts';
import { PacelineError } from '../errors.ts';
import type { HttpServer } from '../http.ts';
import { type Identity, SCOPES } from './key.ts';
import { SESSION_COOKIE, SESSION_MS, type Sessions } from './session.ts';

const tags = ['keys'];
const sessionSchema = z.object({
  data: z
    .object({
      key: z.string().nullable().describe('Id of the key; null where none is needed'),
      name: z.string(),
      scopes: z.array(z.enum(SCOPES)),
      workspace: z.string().describe('The only workspace that can be named; * for any'),
      expiresAt: z.string().nullable(),
    })
    .nullable()
    .describe('null: a key is needed and none was shown'),
});

/** A cookie instead of a header, for pages: event streams cannot send headers, and a page should not keep a key. */
export function sessionRoutes(
  sessions: Sessions,
): FastifyPluginAsync<Record<never, never>, HttpServer['server'], ZodTypeProvider> {
  return async (app) => {
    app.post(
      '/v1/session',
      {
        schema: {
          summary: 'Show a key as Authorization: Bearer KEY and get a cookie that stands for it in a browser',
          tags,
          response: { 200: sessionSchema },
        },
        config: { scope: 'read', workspace: 'shared' },
      },
      async (request, reply) => {
        const { identity } = request;
        if (identity === null) throw new PacelineError('unauthorized', 'this needs a key');
        if (identity.key === null) return { data: told(identity) };
        const now = systemClock.now();
        const expiresAt = Math.min(now + SESSION_MS, identity.expiresAt ?? Number.POSITIVE_INFINITY);
        const text = sessions.seal(identity.key, expiresAt);
        reply.header('set-cookie', cookie(text, Math.floor((expiresAt - now) / 1000), request.protocol === 'https'));
        return { data: told({ ...identity, expiresAt }) };
      },
    );
    app.get(
      '/v1/session',
      {
        schema: { summary: 'Who is asking, by header or cookie', tags, response: { 200: sessionSchema } },
        config: { scope: 'open' },
      },
      async ({ identity }, reply) => {
        reply.header('cache-control', 'no-store');
        return { data: identity === null ? null : told(identity) };
      },
    );
    app.delete(
      '/v1/session',
      {
        schema: { summary: 'Forget the cookie', tags, response: { 200: sessionSchema } },
        config: { scope: 'open' },
      },
      async (request, reply) => {
        reply.header('set-cookie', cookie('', 0, request.protocol === 'https'));
        return { data: null };
      },
    );
  };
}

/** Unreadable for scripts, sent to no other site, and never over plain HTTP once it came over TLS. */
function cookie(text: string, seconds: number, secure: boolean): string {
  const parts = [`${SESSION_COOKIE}=${text}`, 'Path=/', `Max-Age=${seconds}`, 'HttpOnly', 'SameSite=Strict'];
  return [...parts, ...(secure ? ['Secure'] : [])].join('; ');
}

function told({ key, name, scopes, workspace, expiresAt }: Identity) {
  return {
    key,
    name,
    scopes: [...scopes],
    workspace,
    expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
  };
}
