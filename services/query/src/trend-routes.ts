import { type Catalog, type Instant, instantText } from '@paceline/domain';
import type { FastifyReply, Routes } from '@paceline/runtime';
import { z } from 'zod';
import { aboutSubject } from './about.ts';
import { answer, formatQuery, isKnown, linkTo, metaOf, unchanged } from './answer.ts';
import { answerColumnar, COLUMNAR, columnarOf, rowFormatOf } from './columnar.ts';
import type { QueryDeps } from './deps.ts';
import { type Knowledge, refused } from './knowledge.ts';
import { metaSchema } from './schemas.ts';
import { TrendCache } from './trend-cache.ts';
import { metricTrend, type Trend, type TrendContext } from './trend-metric.ts';
import { trendRowSchema, trendTable } from './trend-rows.ts';
import { subjectTrend } from './trend-subject.ts';
import { trendSvg } from './trend-svg.ts';
import { GRAINS } from './trend-windows.ts';
import { WHERE, WHERE_DESCRIPTION, whereOf } from './where.ts';

const ROWS_DEFAULT = 10_000;
const ROWS_MAX = 200_000;

const trendQuery = formatQuery
  .extend({
    metric: z.string().max(63).optional().describe('A metric: its values per window'),
    subject: z
      .string()
      .max(200)
      .optional()
      .describe('A subject such as kpi/new-revenue: what was judged, one a window'),
    window: z.enum(GRAINS).optional().describe('Default: the grain of the metric or subject'),
    from: z
      .string()
      .max(64)
      .optional()
      .describe('A day, an instant or a label such as 2026-11: its window is the first'),
    to: z.string().max(64).optional().describe('The same: windows that start at or after it are left out'),
    timezone: z.string().max(64).optional().describe('Of the windows; default: the metric’s own'),
    calendar: z.string().max(63).optional().describe('For fiscal windows and periods; default: the metric’s own'),
    group_by: z.string().max(300).optional().describe('Dimensions kept apart, with commas'),
    compare: z.enum(['previous']).optional().describe('Adds the same windows of the period before'),
    fill: z.enum(['previous']).optional().describe('Levels only: an empty window shows the value before it'),
    limit: z.coerce.number().int().min(1).max(ROWS_MAX).optional().describe('Rows at most'),
    format: z
      .enum(['json', 'csv', 'ndjson', 'svg', ...COLUMNAR])
      .optional()
      .describe('Default: by Accept, else json; svg is a picture for mails and wikis'),
  })
  .catchall(z.string().max(300));

const trendMeta = metaSchema.extend({
  metric: z.string().nullable(),
  subject: z.string().nullable(),
  window: z.string(),
  timezone: z.string(),
  calendar: z.string().nullable(),
  granularity: z.string().describe('The grain of the metric or subject itself'),
  unit: z.string().nullable(),
  completeness: z.number().nullable().describe('Share of the windows shown that are final'),
  truncated: z.boolean().describe('Later windows did not fit; links.next shows them'),
});
const trendAnswer = z.object({
  data: z.array(trendRowSchema).readonly(),
  meta: trendMeta,
  links: z.object({ next: z.string().optional() }),
});

type TrendQuery = z.output<typeof trendQuery>;

/** `GET /v1/trend`. */
export function trendRoutes(deps: QueryDeps, knowledge: Knowledge): Routes {
  const cache = new TrendCache();
  return async (app) => {
    app.get(
      '/v1/trend',
      {
        schema: {
          summary: 'Values of a metric, or judgements of a subject, per window of time',
          description: WHERE_DESCRIPTION,
          tags: ['trend'],
          querystring: trendQuery,
          response: { 200: trendAnswer },
        },
      },
      async (request, reply) => {
        const { query } = request;
        const where = whereOf(query, trendQuery.shape);
        const groupBy = query.group_by === undefined || query.group_by === '' ? [] : query.group_by.split(',');
        const moment = await knowledge.moment(query);
        if (isKnown(request, reply, moment.workspace, moment.position, deps.edition, knowledge.tables))
          return unchanged(reply);
        const catalog = await knowledge.catalog(moment);
        const context = { store: deps.store, options: knowledge.options, catalog, moment, knowledge };
        const trend = await cache.read(moment, [shapeOf(query), knowledge.tables], () =>
          read(deps, context, query, { where, groupBy }),
        );
        if (query.format === 'svg') {
          const picture = trendSvg({ title: titleOf(catalog, query, moment.asOf), unit: trend.unit, rows: trend.rows });
          return sendPicture(reply, picture);
        }
        const compared = query.compare !== undefined;
        const table = () =>
          trendTable(trend.rows, { dimensions: groupBy, judged: query.subject !== undefined, compared });
        const columnar = columnarOf(request, query.format);
        if (columnar !== null) return answerColumnar(deps.store, knowledge.options, reply, columnar, table());
        // A hundred thousand rows would be checked one by one; their type is the schema's.
        reply.type('application/json; charset=utf-8').serializer(JSON.stringify);
        return answer(request, reply, rowFormatOf(query.format), {
          whole: {
            data: trend.rows,
            meta: { ...metaOf(moment, catalog), ...aboutTrend(trend, query) },
            links: trend.next === null ? {} : { next: linkTo(request, { from: instantText(trend.next) }) },
          } satisfies z.input<typeof trendAnswer>,
          rows: trend.rows,
          table,
        });
      },
    );
  };
}

/** Of a question what its rows depend on besides the moment. */
function shapeOf({ format: _, as_of: _a, known_at: _k, min_position: _m, workspace: _w, ...shape }: TrendQuery) {
  return shape;
}

function sendPicture(reply: FastifyReply, svg: string): FastifyReply {
  return reply.type('image/svg+xml; charset=utf-8').serializer(String).send(svg);
}

function titleOf(catalog: Catalog, { metric, subject }: TrendQuery, at: Instant): string {
  if (subject !== undefined) return aboutSubject(catalog, subject, at).title ?? subject;
  return catalog.documents.get(`metric/${metric}`)?.document.metadata.title ?? metric ?? '';
}

function read(
  deps: QueryDeps,
  context: TrendContext,
  query: TrendQuery,
  { where, groupBy }: { readonly where: Readonly<Record<string, string>>; readonly groupBy: readonly string[] },
): Promise<Trend> {
  const { metric, subject, window, from, to, timezone, calendar } = query;
  const limit = Math.min(query.limit ?? ROWS_DEFAULT, deps.limits.rows);
  const windows = { window, from, to, timezone, calendar, limit };
  if ((metric === undefined) === (subject === undefined)) {
    throw refused('invalid_request', 'metric', 'give either metric=NAME or subject=KIND/ID');
  }
  if (metric !== undefined) {
    const [compare, fill] = [query.compare !== undefined, query.fill !== undefined];
    return metricTrend(context, { ...windows, metric, where, groupBy, compare, fill });
  }
  const foreign = Object.keys(query).find((name) => FOR_METRICS.has(name) || name.startsWith(WHERE));
  if (foreign !== undefined) throw refused('invalid_request', foreign, `${foreign} is for the trend of a metric`);
  return subjectTrend(context, deps.edition, { ...windows, subject: subject ?? '' });
}

const FOR_METRICS: ReadonlySet<string> = new Set(['group_by', 'compare', 'fill']);

function aboutTrend(trend: Trend, { metric, subject }: TrendQuery) {
  const { grid, granularity, unit, completeness, next } = trend;
  return {
    metric: metric ?? null,
    subject: subject ?? null,
    window: grid.grain,
    timezone: grid.zone.name,
    calendar: grid.calendar.name,
    granularity,
    unit,
    completeness,
    truncated: next !== null,
  };
}
