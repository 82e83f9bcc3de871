import {
  bucketAt,
  dimensionsOfKey,
  formatDecimal,
  formatPosition,
  type Instant,
  instantText,
  labelOf,
  type Metric,
} from '@paceline/domain';
import type { Routes } from '@paceline/runtime';
import type { ReadRow } from '@paceline/store';
import { atOfLabel } from '@paceline/store/label';
import { z } from 'zod';
import { answer, formatQuery, isKnown, linkTo, metaOf, unchanged } from './answer.ts';
import { cursorOf, placeOf } from './cursor.ts';
import type { QueryDeps } from './deps.ts';
import { instantOf, type Knowledge, type Moment, metricOf, refused } from './knowledge.ts';
import { metaSchema } from './schemas.ts';
import { standingPositions, statementsPage } from './sql.ts';
import { WHERE_DESCRIPTION, whereOf } from './where.ts';

const ROWS_DEFAULT = 100;
const ROWS_MAX = 1_000;

const observationQuery = formatQuery
  .extend({
    metric: z.string().max(63),
    from: z.string().max(64).optional().describe('Time of points from; of period points what their label says as UTC'),
    to: z.string().max(64).optional().describe('The same, exclusive'),
    period: z.string().max(64).optional().describe('Only this period, such as 2026-11-22'),
    limit: z.coerce.number().int().min(1).max(ROWS_MAX).optional().describe('Default 100'),
    cursor: z.string().max(200).optional().describe('From links.next of the page before'),
  })
  .catchall(z.string().max(300));

const statementSchema = z.object({
  position: z.string(),
  recordedAt: z.string(),
  readAt: z.string().describe('When the source was read; pushed: recordedAt'),
  source: z.string().describe('The source, or push'),
  metric: z.string(),
  dimensions: z.record(z.string(), z.string()),
  period: z.string().nullable(),
  time: z.string().nullable(),
  id: z.string().nullable(),
  revision: z.int(),
  value: z.string().nullable(),
  numerator: z.string().nullable(),
  denominator: z.string().nullable(),
  retracts: z.boolean(),
  standing: z.boolean().describe('Of all statements about its point this one counts'),
});
type StatementView = z.output<typeof statementSchema>;

const COLUMNS = [
  'position',
  'recordedAt',
  'readAt',
  'source',
  'metric',
  'period',
  'time',
  'id',
  'revision',
  'value',
  'numerator',
  'denominator',
  'retracts',
  'standing',
] as const;

/** `GET /v1/observations`: every statement about a metric's points, newest first, and which of them stands. */
export function observationReads(deps: QueryDeps, knowledge: Knowledge): Routes {
  return async (app) => {
    app.get(
      '/v1/observations',
      {
        schema: {
          summary: 'Where a number comes from: every statement about the points of a metric',
          description: WHERE_DESCRIPTION,
          tags: ['observations'],
          querystring: observationQuery,
          response: {
            200: z.object({
              data: z.array(statementSchema),
              meta: metaSchema.extend({ truncated: z.boolean() }),
              links: z.object({ next: z.string().optional() }),
            }),
          },
        },
      },
      async (request, reply) => {
        const { query } = request;
        const where = whereOf(query, observationQuery.shape);
        const moment = await knowledge.moment(query);
        const { metric: name, cursor, period } = query;
        const question = [moment.workspace, name, where, query.from, query.to, period, query.as_of];
        const place = cursor === undefined ? null : placeOf(cursor, question);
        // Later pages see what the first one saw.
        const bound = place?.bound ?? moment.position;
        if (isKnown(request, reply, moment.workspace, bound, knowledge.tables)) return unchanged(reply);
        const catalog = await knowledge.catalog(moment);
        const metric = metricOf(catalog, name);
        if (metric.expression !== null) {
          const operands = [...metric.operands.keys()].join(', ');
          throw refused(
            'invalid_request',
            'metric',
            `${name} is derived and has no points of its own; ask ${operands}`,
          );
        }
        const limit = query.limit ?? ROWS_DEFAULT;
        const page = statementsPage({
          workspace: moment.workspace,
          metric: name,
          position: bound,
          after: place?.after ?? null,
          where,
          from: instantOf('from', query.from) ?? null,
          to: lastOf(metric, moment, instantOf('to', query.to) ?? null, query.as_of !== undefined),
          period: period ?? null,
          limit: limit + 1,
        });
        const found = bound < 0 ? [] : await deps.store.read(page, page.shape, knowledge.options);
        const rows = found.slice(0, limit);
        const standing = await standingOf(deps, knowledge, metric, moment.workspace, bound, rows);
        const data = rows.map((row) => viewOf(name, row, standing.has(row.position)));
        const last = found.length > limit ? rows.at(-1) : undefined;
        const next = last === undefined ? undefined : cursorOf({ after: last.position, bound }, question);
        const dimensions = [...metric.dimensions];
        return answer(request, reply, query.format, {
          whole: {
            data,
            meta: { ...metaOf(moment, catalog), truncated: next !== undefined },
            links: next === undefined ? {} : { next: linkTo(request, { cursor: next }) },
          },
          rows: data,
          table: () => ({
            columns: [...COLUMNS, ...dimensions],
            cells: data.map((row) => [
              ...COLUMNS.map((column) => row[column]),
              ...dimensions.map((dimension) => row.dimensions[dimension]),
            ]),
          }),
        });
      },
    );
  };
}

type StatementRow = ReadRow<ReturnType<typeof statementsPage>['shape']>;

/** The exclusive end of what is looked at: no as-of sees points whose time, or whose period's start, lies behind it. */
function lastOf(metric: Metric, { asOf }: Moment, to: Instant | null, bounded: boolean): Instant | null {
  if (!bounded) return to;
  const bucket = bucketAt(metric.grid, asOf);
  const labelled = metric.points === 'period' && bucket !== undefined ? atOfLabel(labelOf(metric.grid, bucket)) : asOf;
  return Math.min(to ?? Number.POSITIVE_INFINITY, labelled + MICROSECOND);
}

const MICROSECOND: Instant = 0.001;

async function standingOf(
  deps: QueryDeps,
  knowledge: Knowledge,
  metric: Metric,
  workspace: string,
  bound: number,
  rows: readonly StatementRow[],
): Promise<ReadonlySet<number>> {
  if (rows.length === 0) return new Set();
  const query = standingPositions({
    workspace,
    metric: metric.name,
    position: bound,
    series: [...new Set(rows.map(({ series }) => series))],
    ats: [...new Set(rows.map(({ at }) => at))],
    revisions: metric.revisions,
  });
  const found = await deps.store.read(query, query.shape, knowledge.options);
  return new Set(found.map(({ position }) => position));
}

function viewOf(metric: string, row: StatementRow, standing: boolean): StatementView {
  const text = (value: bigint | null): string | null => (value === null ? null : formatDecimal(value));
  return {
    position: formatPosition(row.position),
    recordedAt: instantText(row.recorded_at),
    readAt: instantText(row.read_at),
    source: row.feeder,
    metric,
    dimensions: { ...dimensionsOfKey(row.series) },
    period: row.period === '' ? null : row.period,
    time: row.period === '' ? instantText(row.at) : null,
    id: row.id === '' ? null : row.id,
    revision: row.revision,
    value: text(row.value),
    numerator: text(row.numerator),
    denominator: text(row.denominator),
    retracts: row.value === null && row.numerator === null,
    standing,
  };
}
