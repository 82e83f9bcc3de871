import { evaluationToJson, formatPosition, type Instant, instantText } from '@paceline/domain';
import { readStoredEvaluation } from '@paceline/events';
import type { Routes } from '@paceline/runtime';
import { judgementHistory } from '@paceline/store';
import { z } from 'zod';
import { isKnown, linkTo, metaOf, momentQuery, unchanged } from './answer.ts';
import type { QueryDeps } from './deps.ts';
import { instantOf, type Knowledge, requireSubject } from './knowledge.ts';
import { evaluationSchema, metaSchema } from './schemas.ts';

const ROWS_DEFAULT = 1_000;
const ROWS_MAX = 10_000;
const MICROSECOND: Instant = 0.001;

const judgementSchema = z.object({
  at: z.string().describe('The grid point'),
  position: z.string().describe('Of the tick that judged'),
  recordedAt: z.string(),
  restatement: z.boolean().describe('A closed verdict or score that changed'),
  evaluation: evaluationSchema,
});

/** `GET /v1/judgements`: everything that was ever said of a subject, restated judgements too. */
export function judgementRoutes(deps: QueryDeps, knowledge: Knowledge): Routes {
  return async (app) => {
    app.get(
      '/v1/judgements',
      {
        schema: {
          summary: 'Everything that was ever said of a subject, by grid point and then in the order it was said',
          tags: ['status'],
          querystring: momentQuery.extend({
            subject: z.string().max(200),
            from: z.string().max(64).optional().describe('Grid points from'),
            to: z.string().max(64).optional().describe('The same, exclusive'),
            limit: z.coerce.number().int().min(1).max(ROWS_MAX).optional().describe('Default 1,000'),
          }),
          response: {
            200: z.object({
              data: z.array(judgementSchema),
              meta: metaSchema.extend({ truncated: z.boolean() }),
              links: z.object({ next: z.string().optional() }),
            }),
          },
        },
      },
      async (request, reply) => {
        const { query } = request;
        const moment = await knowledge.moment(query);
        const catalog = await knowledge.catalog(moment);
        requireSubject(catalog, query.subject, moment.asOf);
        if (isKnown(request, reply, moment.workspace, moment.position, deps.edition, knowledge.tables))
          return unchanged(reply);
        const limit = query.limit ?? ROWS_DEFAULT;
        const from = instantOf('from', query.from);
        const to = Math.min(instantOf('to', query.to) ?? Number.POSITIVE_INFINITY, moment.asOf + MICROSECOND);
        const { workspace, position } = moment;
        const history = judgementHistory({
          workspace,
          edition: deps.edition,
          position,
          subjects: [query.subject],
          ...(from === undefined ? {} : { from }),
          to,
        });
        const sql = `SELECT * FROM (\n${history.sql}\n) ORDER BY subject, as_of, position LIMIT {limit:UInt32}`;
        const params = { ...history.params, limit: limit + ROWS_OF_A_POINT };
        const found = position < 0 ? [] : await deps.store.read({ sql, params }, history.shape, knowledge.options);
        const { rows, next } = wholePoints(found, limit);
        return reply.send({
          data: rows.map((row) => ({
            at: instantText(row.as_of),
            position: formatPosition(row.position),
            recordedAt: instantText(row.recorded_at),
            restatement: row.restatement,
            evaluation: evaluationToJson(readStoredEvaluation(row.evaluation)),
          })),
          meta: { ...metaOf(moment, catalog), truncated: next !== null },
          links: next === null ? {} : { next: linkTo(request, { from: instantText(next) }) },
        });
      },
    );
  };
}

/** A page ends between two grid points, so that its successor can begin with one. */
const ROWS_OF_A_POINT = 1_000;

function wholePoints<Row extends { readonly as_of: Instant }>(
  found: readonly Row[],
  limit: number,
): { readonly rows: readonly Row[]; readonly next: Instant | null } {
  const edge = found[limit]?.as_of;
  if (edge === undefined) return { rows: found, next: null };
  const before = found.filter(({ as_of }) => as_of < edge);
  // One point with more restatements than a page: it is shown whole.
  if (before.length > 0) return { rows: before, next: edge };
  const own = found.filter(({ as_of }) => as_of === edge);
  return { rows: own, next: found[own.length]?.as_of ?? null };
}
