import { PassThrough } from 'node:stream';
import { ConnectorFault } from '@paceline/connector-sdk';
import { formatPosition, instantText } from '@paceline/domain';
import { describeError, PacelineError, type Routes } from '@paceline/runtime';
import { z } from 'zod';
import type { BackfillOptions, Connectors, SourceStatus } from './index.ts';

const params = z.object({ name: z.string().min(1).max(63) });
const query = z.object({ workspace: z.string().optional() });

/**
 * Runs and backfills on demand. The answer is NDJSON: events of progress as they come, then one `report` or one `error`, because
 * a run may take longer than anything between us and the caller would wait for a silent answer.
 */
export function sourceRoutes(connectors: Connectors): Routes {
  return async (app) => {
    app.get(
      '/v1/sources',
      { schema: { summary: 'The latest run of each source', tags: ['sources'], querystring: query } },
      async (request) => ({ data: connectors.status(workspaceOf(request.query)).map(statusOf), meta: {} }),
    );
    app.post(
      '/v1/sources/:name/run',
      {
        schema: {
          summary: 'Run a source now; NDJSON events, the last of type report or error',
          tags: ['sources'],
          params,
          querystring: query,
          body: z
            .strictObject({
              whole: z.boolean().default(false),
              confirmRetraction: z.boolean().default(false),
              actor: z.string().max(200).optional(),
            })
            .prefault({}),
        },
        config: { scope: 'apply' },
      },
      async (request, reply) => {
        const { whole, confirmRetraction, actor } = request.body;
        const options = {
          whole,
          confirmRetraction,
          ...workspaceOf(request.query),
          ...(actor === undefined ? {} : { actor }),
        };
        return reply
          .type('application/x-ndjson')
          .send(events((_write, signal) => connectors.runOnce(request.params.name, { ...options, signal })));
      },
    );
    app.post(
      '/v1/sources/:name/backfill',
      {
        schema: {
          summary: 'Read a span of the past, window by window; NDJSON events, the last of type report or error',
          tags: ['sources'],
          params,
          querystring: query,
          body: z.strictObject({ from: z.string().max(64), to: z.string().max(64) }),
        },
        config: { scope: 'apply' },
      },
      async (request, reply) => {
        const { from, to } = request.body;
        return reply.type('application/x-ndjson').send(
          events((write, signal) => {
            let last = { done: 0, total: 1 };
            const options: BackfillOptions = {
              from,
              to,
              signal,
              progress: ({ windowsDone, windowsTotal, stated }) => {
                last = { done: windowsDone, total: windowsTotal };
                write({ type: 'progress', ...last, note: `${stated} values` });
              },
              paused: (pointsBehind) => write({ type: 'paused', ...last, pointsBehind }),
            };
            return connectors.backfill(request.params.name, { ...options, ...workspaceOf(request.query) });
          }),
        );
      },
    );
  };
}

type Write = (event: Readonly<Record<string, unknown>>) => void;

/** Runs the work and writes what it tells; a caller that goes away stops it. */
function events(work: (write: Write, signal: AbortSignal) => ReturnType<Connectors['runOnce']>): PassThrough {
  const stream = new PassThrough();
  const gone = new AbortController();
  let ended = false;
  const write: Write = (event) => {
    if (!stream.destroyed) stream.write(`${JSON.stringify(event)}\n`);
  };
  stream.on('close', () => {
    if (!ended) gone.abort(new Error('the caller went away'));
  });
  void work(write, gone.signal)
    .then(
      ({ position, from, to, ...report }) =>
        write({
          type: 'report',
          report: {
            ...report,
            from: from === null ? null : instantText(from),
            to: to === null ? null : instantText(to),
          },
          position: position === null ? null : formatPosition(position),
        }),
      (error: unknown) => write({ type: 'error', ...faultOf(error) }),
    )
    .finally(() => {
      ended = true;
      stream.end();
    });
  return stream;
}

function faultOf(error: unknown): { code: string; message: string; remedy: string | null } {
  if (error instanceof ConnectorFault || error instanceof PacelineError) {
    return { code: error.code, message: error.message, remedy: error.remedy };
  }
  return { code: 'source_failed', message: describeError(error), remedy: null };
}

function workspaceOf(request: { readonly workspace?: string | undefined }): { workspace?: string } {
  return request.workspace === undefined ? {} : { workspace: request.workspace };
}

function statusOf({ at, report, ...status }: SourceStatus) {
  return {
    ...status,
    at: instantText(at),
    stated: report?.stated ?? null,
    rows: report?.rows ?? null,
    refused: report?.refused ?? null,
  };
}
