import { type Catalog, type Instant, type Metric, subjectsReading } from '@paceline/domain';
import type { Routes } from '@paceline/runtime';
import { z } from 'zod';
import { ownerAt } from './about.ts';
import { answer, formatQuery, isKnown, metaOf, unchanged } from './answer.ts';
import type { QueryDeps } from './deps.ts';
import type { Knowledge } from './knowledge.ts';
import { metaSchema } from './schemas.ts';

const metricSchema = z.object({
  name: z.string(),
  title: z.string().nullable(),
  description: z.string().nullable(),
  owner: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  aggregation: z.string().nullable(),
  derived: z.string().nullable().describe('Formula over other metrics'),
  across: z.string(),
  points: z.enum(['period', 'time']),
  unit: z.string().nullable(),
  grain: z.string(),
  timezone: z.string(),
  calendar: z.string().nullable(),
  settle: z.string().nullable(),
  cadence: z.string().nullable(),
  dimensions: z.array(z.string()),
  cumulative: z.boolean().describe('Adds up over time; else a level'),
  push: z.boolean(),
  sources: z.array(z.string()).describe('Sources mapped to it'),
  subjects: z.array(z.string()).describe('What its values can change'),
});
type MetricRow = z.output<typeof metricSchema>;

const COLUMNS = [
  'name',
  'title',
  'owner',
  'aggregation',
  'derived',
  'across',
  'points',
  'unit',
  'grain',
  'timezone',
  'calendar',
] as const;

/** `GET /v1/metrics`. */
export function metricRoutes(_deps: QueryDeps, knowledge: Knowledge): Routes {
  return async (app) => {
    app.get(
      '/v1/metrics',
      {
        schema: {
          summary: 'The metrics there are, and what reads them',
          tags: ['trend'],
          querystring: formatQuery,
          response: { 200: z.object({ data: z.array(metricSchema), meta: metaSchema }) },
        },
      },
      async (request, reply) => {
        const { query } = request;
        const moment = await knowledge.moment(query);
        const catalog = await knowledge.catalog(moment);
        if (isKnown(request, reply, moment.workspace, moment.position, moment.asOf, knowledge.tables))
          return unchanged(reply);
        const metrics = [...catalog.metrics.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
        const data = metrics.map((metric) => metricOf(catalog, metric, moment.asOf));
        const table = () => ({ columns: COLUMNS, cells: data.map((row) => COLUMNS.map((name) => row[name])) });
        return answer(request, reply, query.format, {
          whole: { data, meta: metaOf(moment, catalog) },
          rows: data,
          table,
        });
      },
    );
  };
}

function metricOf(catalog: Catalog, metric: Metric, at: Instant): MetricRow {
  const { metadata, spec } = metric.document;
  return {
    name: metric.name,
    title: metadata.title ?? null,
    description: metadata.description ?? null,
    owner: ownerAt(metadata.owner, metric.zone, at),
    labels: { ...metadata.labels },
    aggregation: metric.aggregation,
    derived: spec.derived ?? null,
    across: metric.across,
    points: metric.points,
    unit: metric.unit,
    grain: metric.grain,
    timezone: metric.zone.name,
    calendar: metric.calendar.name,
    settle: spec.settle ?? null,
    cadence: spec.cadence ?? null,
    dimensions: [...metric.dimensions],
    cumulative: metric.cumulative,
    push: metric.push,
    sources: sourcesOf(catalog, metric.name),
    subjects: subjectsReading(catalog, metric.name),
  };
}

function sourcesOf(catalog: Catalog, metric: string): string[] {
  return [...catalog.sources].flatMap(([name, { spec }]) => {
    const maps = Array.isArray(spec.map) ? spec.map : [spec.map];
    return maps.some((map) => map.metric === metric) ? [name] : [];
  });
}
