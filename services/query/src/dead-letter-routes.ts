import { formatPosition, instantText } from '@paceline/domain';
import { PacelineError, type Routes } from '@paceline/runtime';
import { deadLetters } from '@paceline/store';
import { z } from 'zod';
import { linkTo, momentQuery } from './answer.ts';
import { cursorOf, placeOf, positionInPath } from './cursor.ts';
import type { QueryDeps } from './deps.ts';
import type { Knowledge } from './knowledge.ts';

const LETTERS_DEFAULT = 50;
const LETTERS_MAX = 1_000;

const letterSchema = z.object({
  position: z.string(),
  recordedAt: z.string(),
  code: z.string(),
  message: z.string(),
});
const place = momentQuery.pick({ workspace: true, min_position: true });

/** `GET /v1/dead-letters` and `GET /v1/dead-letters/{position}`: what could not be read or applied. */
export function deadLetterRoutes(deps: QueryDeps, knowledge: Knowledge): Routes {
  return async (app) => {
    app.get(
      '/v1/dead-letters',
      {
        schema: {
          summary: 'What could not be read or applied, newest first',
          tags: ['operation'],
          querystring: place.extend({
            limit: z.coerce.number().int().min(1).max(LETTERS_MAX).optional().describe('Default 50'),
            cursor: z.string().max(200).optional(),
          }),
          response: {
            200: z.object({
              data: z.array(letterSchema),
              meta: z.object({ workspace: z.string(), truncated: z.boolean() }),
              links: z.object({ next: z.string().optional() }),
            }),
          },
        },
      },
      async (request) => {
        const { query } = request;
        const { workspace, position } = await knowledge.moment(query);
        const limit = query.limit ?? LETTERS_DEFAULT;
        const question = ['dead-letters', workspace];
        const before = query.cursor === undefined ? null : placeOf(query.cursor, question);
        const list = deadLetters(workspace, {
          limit: limit + 1,
          ...(before === null ? {} : { after: before.after }),
        });
        const found = await deps.store.read(list, list.shape, knowledge.options);
        const rows = found.slice(0, limit);
        const last = found.length > limit ? rows.at(-1) : undefined;
        const next = last === undefined ? undefined : cursorOf({ after: last.position, bound: position }, question);
        return {
          data: rows.map((row) => ({
            position: formatPosition(row.position),
            recordedAt: instantText(row.recorded_at),
            code: row.code,
            message: row.message,
          })),
          meta: { workspace, truncated: next !== undefined },
          links: next === undefined ? {} : { next: linkTo(request, { cursor: next }) },
        };
      },
    );
    app.get(
      '/v1/dead-letters/:position',
      {
        schema: {
          summary: 'One dead letter with its payload',
          tags: ['operation'],
          params: z.object({ position: z.string().max(32) }),
          querystring: place,
          response: {
            200: z.object({
              data: letterSchema.extend({ payload: z.string() }),
              meta: z.object({ workspace: z.string() }),
            }),
          },
        },
      },
      async (request) => {
        const at = positionInPath(request.params.position);
        const { workspace } = await knowledge.moment(request.query);
        const query = deadLetters(workspace, { limit: 1 }, at);
        const [row] = await deps.store.read(query, query.shape, knowledge.options);
        if (row === undefined) throw new PacelineError('not_found', `there is no dead letter at ${formatPosition(at)}`);
        return {
          data: {
            position: formatPosition(row.position),
            recordedAt: instantText(row.recorded_at),
            code: row.code,
            message: row.message,
            payload: row.payload,
          },
          meta: { workspace },
        };
      },
    );
  };
}
