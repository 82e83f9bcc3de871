import { PassThrough } from 'node:stream';
import { describeError, PacelineError, type Routes } from '@paceline/runtime';
import { workspaceOf } from '@paceline/runtime/keys/index';
import { EVERY_WORKSPACE } from '@paceline/runtime/keys/key';
import { z } from 'zod';
import { Replay, type ReplayDeps } from './replay.ts';

/**
 * The replay on demand. The answer is NDJSON: events of progress as they come, then one `report` or one `error`; a caller
 * that goes away ends it.
 */
export function replayRoutes(deps: ReplayDeps): Routes {
  const replay = new Replay(deps);
  return async (app) => {
    app.post(
      '/v1/replay',
      {
        schema: {
          summary:
            'Build all tables again from the log beside those in use and compare them; NDJSON events, the last of type report or error',
          tags: ['operation'],
          body: z.strictObject({ swap: z.boolean().default(false) }).prefault({}),
        },
        // It reads and changes all workspaces, so a key of one is not enough.
        config: { scope: 'apply', workspace: 'own' },
      },
      async (request, reply) => {
        if (workspaceOf(request, EVERY_WORKSPACE) !== EVERY_WORKSPACE)
          throw new PacelineError('forbidden_workspace', 'a replay is of all workspaces, and the key of one');
        const { swap } = request.body;
        return reply.type('application/x-ndjson').send(streamed(replay, swap));
      },
    );
  };
}

function streamed(replay: Replay, swap: boolean): PassThrough {
  const stream = new PassThrough();
  const gone = new AbortController();
  let ended = false;
  const write = (event: unknown): void => {
    if (!stream.destroyed) stream.write(`${JSON.stringify(event)}\n`);
  };
  stream.on('close', () => {
    if (!ended) gone.abort(new Error('the caller went away'));
  });
  void replay
    .run({ swap, signal: gone.signal, tell: write })
    .then(
      (report) => write({ type: 'report', report }),
      (error: unknown) => write({ type: 'error', ...faultOf(error) }),
    )
    .finally(() => {
      ended = true;
      stream.end();
    });
  return stream;
}

function faultOf(error: unknown): { readonly code: string; readonly message: string; readonly remedy: string | null } {
  if (error instanceof PacelineError) return { code: error.code, message: error.message, remedy: error.remedy };
  return { code: 'replay_failed', message: describeError(error), remedy: null };
}
