import { type EvaluationDocument, instantText, parseSubject, VERDICTS } from '@paceline/domain';
import type { FastifyReply, FastifyRequest, Routes } from '@paceline/runtime';
import { z } from 'zod';
import { aboutSubject, type SubjectAbout } from './about.ts';
import { type Answer, answer, formatQuery, isKnown, metaOf, unchanged } from './answer.ts';
import { answerColumnar, COLUMNAR, columnarOf, rowFormatOf } from './columnar.ts';
import type { QueryDeps } from './deps.ts';
import type { Evaluations } from './evaluations.ts';
import type { Knowledge } from './knowledge.ts';
import { evaluationSchema, metaSchema, SUBJECT_PATHS, subjectAboutSchema, subjectOfPath } from './schemas.ts';

const tableQuery = formatQuery.extend({
  format: z
    .enum(['json', 'csv', 'ndjson', ...COLUMNAR])
    .optional()
    .describe('Default: by Accept, else json'),
});
const statusQuery = tableQuery.extend({
  kind: z.enum(['kpi', 'key_result', 'objective', 'unit']).optional(),
  unit: z.string().max(63).optional(),
  owner: z.string().max(200).optional(),
  cycle: z.string().max(63).optional(),
  verdict: z.enum(VERDICTS).optional(),
});
const statusMeta = metaSchema.extend({
  now: z.string().describe('The server’s clock: freshness is derived from it'),
  subjects: z.record(z.string(), subjectAboutSchema),
});

/** `GET /v1/status` and `GET /v1/status/{kind}/{id}`. */
export function statusRoutes(deps: QueryDeps, knowledge: Knowledge, evaluations: Evaluations): Routes {
  const columnar: SendColumnar = (reply, format, table) =>
    answerColumnar(deps.store, knowledge.options, reply, format, table);
  return async (app) => {
    app.get(
      '/v1/status',
      {
        schema: {
          summary: 'What is on track: the evaluation of every subject',
          tags: ['status'],
          querystring: statusQuery,
          response: { 200: z.object({ data: z.array(evaluationSchema), meta: statusMeta }) },
        },
      },
      async (request, reply) => {
        const { query } = request;
        const moment = await knowledge.moment(query);
        const catalog = await knowledge.catalog(moment);
        const about = (subject: string) => aboutSubject(catalog, subject, moment.asOf);
        const all = await evaluations.at(moment);
        const data = all.filter((document) => isWanted(document, about(document.subject), query));
        const subjects = Object.fromEntries(data.map(({ subject }) => [subject, about(subject)]));
        const meta = { ...metaOf(moment, catalog), now: instantText(deps.clock.now()), subjects };
        return send(columnar, request, reply, query.format, data, { data, meta });
      },
    );
    for (const { path, params } of SUBJECT_PATHS) {
      app.get(
        `/v1/status/${path}`,
        {
          schema: {
            summary: 'The evaluation of one subject',
            tags: ['status'],
            params,
            querystring: tableQuery,
            response: { 200: z.object({ data: evaluationSchema, meta: statusMeta }) },
          },
        },
        async (request, reply) => {
          const { query } = request;
          const subject = subjectOfPath(request.params);
          const moment = await knowledge.moment(query);
          const data = await evaluations.one(moment, subject);
          const catalog = await knowledge.catalog(moment);
          const subjects = { [subject]: aboutSubject(catalog, subject, moment.asOf) };
          const meta = { ...metaOf(moment, catalog), now: instantText(deps.clock.now()), subjects };
          return send(columnar, request, reply, query.format, [data], { data, meta });
        },
      );
    }
  };
}

function isWanted(
  document: EvaluationDocument,
  about: SubjectAbout | undefined,
  query: z.output<typeof statusQuery>,
): boolean {
  if (query.kind !== undefined && parseSubject(document.subject)?.kind !== query.kind) return false;
  if (query.verdict !== undefined && document.verdict !== query.verdict) return false;
  if (query.unit !== undefined && about?.unit !== query.unit) return false;
  if (query.owner !== undefined && about?.owner !== query.owner) return false;
  return query.cycle === undefined || about?.cycle === query.cycle;
}

const FIELDS = [
  'subject',
  'asOf',
  'knownAt',
  'measuredAt',
  'position',
  'value',
  'baseline',
  'target',
  'targetLow',
  'targetHigh',
  'progress',
  'progressRaw',
  'elapsed',
  'expected',
  'expectedValue',
  'pace',
  'gap',
  'paceMethod',
  'verdict',
  'reason',
  'freshness',
  'lateAt',
  'staleAt',
  'lastObservedAt',
  'provisional',
  'carried',
  'resets',
  'coverage',
  'freshCoverage',
  'worstChild',
  'score',
  'scoreOriginal',
  'definitions',
  'policy',
  'edition',
  'sentence',
] as const satisfies readonly (keyof EvaluationDocument)[];

type SendColumnar = (
  reply: FastifyReply,
  format: (typeof COLUMNAR)[number],
  table: ReturnType<Answer['table']>,
) => Promise<FastifyReply>;

/** The status follows the facts by itself and freshness the clock, so the ETag is of what is said, not of a position. */
async function send(
  columnar: SendColumnar,
  request: FastifyRequest,
  reply: FastifyReply,
  format: z.output<typeof tableQuery>['format'],
  rows: readonly EvaluationDocument[],
  whole: {
    readonly data: unknown;
    readonly meta: { readonly subjects: unknown; readonly definitionVersion: string | null };
  },
): Promise<FastifyReply> {
  if (isKnown(request, reply, rows, whole.meta.subjects, whole.meta.definitionVersion)) return unchanged(reply);
  const table: Answer['table'] = () => ({
    columns: [...FIELDS, 'periodFrom', 'periodTo', 'periodLabel'],
    cells: rows.map((row) => {
      const { period } = row;
      return [...FIELDS.map((field) => row[field]), period?.from, period?.to, period?.label];
    }),
  });
  const asked = columnarOf(request, format);
  if (asked !== null) return columnar(reply, asked, table());
  return answer(request, reply, rowFormatOf(format), { whole, rows, table });
}
