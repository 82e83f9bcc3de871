import type { Readable } from 'node:stream';
import type { FastifyReply, Routes } from '@paceline/runtime';
import { z } from 'zod';
import { momentQuery } from './answer.ts';
import { type Knowledge, positionOf } from './knowledge.ts';
import type { StatusStream } from './status-stream.ts';

/** `GET /v1/status/stream`. */
export function streamRoutes(knowledge: Knowledge, streams: StatusStream): Routes {
  return async (app) => {
    // A server that closes waits for its answers, and these have no end of their own.
    app.addHook('preClose', async () => streams.close());
    app.get(
      '/v1/status/stream',
      {
        schema: {
          summary: 'The status as server-sent events: the whole first, then what changes',
          description:
            'Each event is named status; its data holds position, data (evaluations) and removed (subjects), its id is the position. A client that comes back with Last-Event-ID gets what changed since. An evaluation may come twice.',
          tags: ['status'],
          querystring: momentQuery.pick({ workspace: true, min_position: true }),
          headers: z.looseObject({ 'last-event-id': z.string().max(32).optional() }),
          response: {
            200: {
              description: 'A stream of events',
              content: { 'text/event-stream': { schema: z.string() } },
            },
          },
        },
      },
      async (request, reply) => {
        const last = request.headers['last-event-id'];
        const after = positionOf('Last-Event-ID', last === '' ? undefined : last);
        const { workspace } = await knowledge.moment(request.query);
        const stream = await streams.open(workspace, after);
        request.raw.on('close', () => stream.destroy());
        reply
          .type('text/event-stream')
          .header('cache-control', 'no-cache, no-transform')
          .header('x-accel-buffering', 'no');
        return streamed(reply, stream);
      },
    );
  };
}

/** The schema tells callers that the events are text; what is sent is a stream of it. */
function streamed(reply: FastifyReply, stream: Readable): FastifyReply {
  return reply.send(stream);
}
