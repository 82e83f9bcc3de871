import { explain } from '@paceline/domain';
import { PacelineError, type Routes } from '@paceline/runtime';
import { z } from 'zod';
import { isKnown, metaOf, momentQuery, unchanged } from './answer.ts';
import type { QueryDeps } from './deps.ts';
import type { Evaluations } from './evaluations.ts';
import { explainLines } from './explain-lines.ts';
import { type Knowledge, requireSubject } from './knowledge.ts';
import { evaluationSchema, metaSchema, SUBJECT_PATHS, subjectOfPath } from './schemas.ts';

const threshold = z.object({
  atLeast: z.number().optional(),
  above: z.number().optional(),
  atMost: z.number().optional(),
  below: z.number().optional(),
});

const explanationSchema = z.object({
  evaluation: evaluationSchema,
  reason: z.object({ code: z.string(), meaning: z.string(), remedy: z.string() }),
  definitions: z.array(z.object({ id: z.string(), position: z.string() })).readonly(),
  policy: z
    .object({
      label: z.string(),
      kind: z.string(),
      onTrack: threshold,
      atRisk: threshold,
      minElapsed: z.number(),
      deadBand: z.number(),
    })
    .nullable(),
  calendar: z.object({
    timezone: z.string(),
    from: z.string().nullable(),
    to: z.string().nullable(),
    close: z.string().nullable(),
  }),
  windows: z
    .array(
      z.object({
        what: z.string(),
        metric: z.string(),
        where: z.record(z.string(), z.string()),
        aggregation: z.string(),
        spans: z.array(z.object({ from: z.string(), to: z.string() })).readonly(),
        value: z.string().nullable(),
        count: z.int(),
        series: z.int(),
        lastAt: z.string().nullable(),
        carried: z.boolean(),
      }),
    )
    .readonly(),
  formulas: z
    .array(z.object({ name: z.string(), formula: z.string(), filled: z.string(), result: z.string() }))
    .readonly(),
  thresholds: z
    .array(z.object({ verdict: z.string(), measure: z.number(), bar: threshold, passed: z.boolean() }))
    .readonly(),
  members: z
    .array(
      z.object({
        subject: z.string(),
        weight: z.number(),
        progress: z.number().nullable(),
        expected: z.number().nullable(),
        coverage: z.number().nullable(),
        verdict: z.string(),
      }),
    )
    .readonly(),
  sentence: z.string(),
  lines: z.array(z.string()).describe('The same for a terminal'),
});

/** `GET /v1/explain/{kind}/{id}`: everything an evaluation read, computed and compared. */
export function explainRoutes(deps: QueryDeps, knowledge: Knowledge, evaluations: Evaluations): Routes {
  return async (app) => {
    for (const { path, params } of SUBJECT_PATHS)
      app.get(
        `/v1/explain/${path}`,
        {
          schema: {
            summary: 'Why a subject has its verdict: inputs, formulas, thresholds',
            tags: ['status'],
            params,
            querystring: momentQuery,
            response: { 200: z.object({ data: explanationSchema, meta: metaSchema }) },
          },
        },
        async (request, reply) => {
          const { query } = request;
          const subject = subjectOfPath(request.params);
          const moment = await knowledge.moment(query);
          const catalog = await knowledge.catalog(moment);
          requireSubject(catalog, subject, moment.asOf);
          // The freshness in it is that of the moment, not of the reader's clock, so the answer belongs to its position.
          if (isKnown(request, reply, moment.workspace, moment.position, deps.edition, knowledge.tables))
            return unchanged(reply);
          const view = await evaluations.view(moment, catalog, [subject]);
          const explanation = explain(view, subject, moment.asOf);
          if (explanation === undefined) {
            throw new PacelineError('unknown_subject', `${subject} is not evaluated before its period has closed`);
          }
          return reply.send({
            data: { ...explanation, lines: explainLines(explanation) },
            meta: metaOf(moment, catalog),
          });
        },
      );
  };
}
