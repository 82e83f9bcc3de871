import { type EvaluationDocument, instantText, parseSubject, VERDICTS } from '@paceline/domain';
import type { FastifyReply, FastifyRequest, Routes } from '@paceline/runtime';
import { z } from 'zod';
import {
  CSV_TYPE,
  csvText,
  formatOf,
  formatQuery,
  metaOf,
  NDJSON_TYPE,
  ndjsonText,
  notModified,
  unchanged,
} from './answer.ts';
import type { QueryDeps } from './deps.ts';
import { aboutSubject, type Evaluations, type SubjectAbout } from './evaluations.ts';
import type { Knowledge, Moment } from './knowledge.ts';
import { evaluationSchema, subjectAboutSchema } from './schemas.ts';

const statusQuery = formatQuery.extend({
  kind: z.enum(['kpi', 'key_result', 'objective', 'unit']).optional(),
  unit: z.string().max(63).optional(),
  owner: z.string().max(200).optional(),
  cycle: z.string().max(63).optional(),
  verdict: z.enum(VERDICTS).optional(),
});
const meta = z.object({
  workspace: z.string(),
  asOf: z.string(),
  knownAt: z.string(),
  position: z.string().nullable(),
  now: z.string().describe('The server’s clock: freshness is derived from it'),
  subjects: z.record(z.string(), subjectAboutSchema),
});

/** `GET /v1/status` and `GET /v1/status/{kind}/{id}`. */
export function statusRoutes(deps: QueryDeps, knowledge: Knowledge, evaluations: Evaluations): Routes {
  const aboutAll = async (
    moment: Moment,
    documents: readonly EvaluationDocument[],
  ): Promise<Record<string, SubjectAbout>> => {
    const catalog = await knowledge.catalog(moment.workspace, moment.position);
    return Object.fromEntries(documents.map(({ subject }) => [subject, aboutSubject(catalog, subject, moment.asOf)]));
  };
  const minuteOf = (moment: Moment): number | null => (moment.latest ? Math.floor(deps.clock.now() / 60_000) : null);

  return async (app) => {
    app.get(
      '/v1/status',
      {
        schema: {
          summary: 'What is on track: the evaluation of every subject',
          tags: ['status'],
          querystring: statusQuery,
          response: { 200: z.object({ data: z.array(evaluationSchema), meta }) },
        },
      },
      async (request, reply) => {
        const { query } = request;
        const moment = await knowledge.moment(query);
        if (notModified(request, reply, moment, minuteOf(moment))) return unchanged(reply);
        const all = await evaluations.at(moment);
        const subjects = await aboutAll(moment, all);
        const data = all.filter((document) => wanted(document, subjects[document.subject], query));
        const shown = Object.fromEntries(data.map(({ subject }) => [subject, subjects[subject]!]));
        return send(request, reply, query.format, data, {
          data,
          meta: { ...metaOf(moment), now: instantText(deps.clock.now()), subjects: shown },
        });
      },
    );
    app.get(
      '/v1/status/:kind/*',
      {
        schema: {
          summary: 'The evaluation of one subject',
          tags: ['status'],
          params: z.object({ kind: z.string().max(20), '*': z.string().max(200) }),
          querystring: formatQuery,
          response: { 200: z.object({ data: evaluationSchema, meta }) },
        },
      },
      async (request, reply) => {
        const { query, params } = request;
        const moment = await knowledge.moment(query);
        if (notModified(request, reply, moment, minuteOf(moment))) return unchanged(reply);
        const document = await evaluations.one(moment, `${params.kind}/${params['*']}`);
        return send(request, reply, query.format, [document], {
          data: document,
          meta: { ...metaOf(moment), now: instantText(deps.clock.now()), subjects: await aboutAll(moment, [document]) },
        });
      },
    );
  };
}

function wanted(
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

const FIELDS: readonly (keyof EvaluationDocument)[] = [
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
];

function send(
  request: FastifyRequest,
  reply: FastifyReply,
  asked: 'json' | 'csv' | 'ndjson' | undefined,
  rows: readonly EvaluationDocument[],
  whole: unknown,
) {
  switch (formatOf(request, asked)) {
    case 'csv':
      return reply
        .type(CSV_TYPE)
        .serializer(String)
        .send(
          csvText(
            [...FIELDS, 'periodFrom', 'periodTo', 'periodLabel'],
            rows.map((row) => [
              ...FIELDS.map((field) => row[field] as string | number | boolean | null),
              row.period?.from,
              row.period?.to,
              row.period?.label,
            ]),
          ),
        );
    case 'ndjson':
      return reply.type(NDJSON_TYPE).serializer(String).send(ndjsonText(rows));
    default:
      return reply.send(whole);
  }
}
