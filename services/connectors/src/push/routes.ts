import { type CoveredFact, formatPosition, type Instant, readInstant } from '@paceline/domain';
import type { Metric } from '@paceline/domain/metric/metric';
import { futureFrom } from '@paceline/domain/metric/metric';
import { suggestion } from '@paceline/domain/metric/suggest';
import { parseDate } from '@paceline/domain/time/date';
import { type FastifyRequest, PacelineError, type Routes } from '@paceline/runtime';
import { z } from 'zod';
import type { FollowedWorkspace } from '../workspaces.ts';
import { acceptPush } from './accept.ts';
import { appendPatiently, type PushDeps, refuseWhenBehind } from './append.ts';
import { feederWarnings } from './feeders.ts';
import { Idempotency } from './idempotency.ts';
import { CSV_TYPE, linesOf, NDJSON_TYPES } from './lines.ts';

const tags = ['observations'];
const rejectedLine = z.object({ index: z.number(), code: z.string(), message: z.string(), pointer: z.string() });
const pushAnswer = z.object({
  accepted: z.number(),
  rejected: z.array(rejectedLine).describe('The first thousand refused lines'),
  rejectedCount: z.number(),
  position: z.string().nullable().describe('For min_position; null when there was nothing to write'),
  meta: z
    .object({ warnings: z.array(z.object({ code: z.string(), metric: z.string(), message: z.string() })) })
    .optional()
    .describe('What was taken and may not be meant'),
});
type PushAnswer = z.infer<typeof pushAnswer>;

const pushQuery = z.object({
  workspace: z.string().optional(),
  allow_unknown: z.enum(['true', 'false']).default('false').describe('Keep values of metrics that are not defined yet'),
  metric: z.string().max(63).optional().describe('Metric of lines that name none'),
});
const pushHeaders = z.object({ 'idempotency-key': z.string().min(1).max(200).optional() });
const decimal = z.union([z.string(), z.number()]);
const observation = z
  .object({
    metric: z.string().optional(),
    period: z
      .union([z.string(), z.number()])
      .optional()
      .describe('Bucket of the metric, such as 2026-11-22 or 2026-W47'),
    time: z.string().optional().describe('ISO instant with its offset'),
    value: decimal.nullable().optional().describe('null retracts'),
    numerator: decimal.optional(),
    denominator: decimal.optional(),
    dimensions: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
    id: decimal.optional(),
    revision: z.number().optional(),
  })
  .describe('One observation');
const pushBody = z.union([observation, z.array(observation), z.object({ observations: z.array(observation) })]);

/** `POST /v1/observations` and `POST /v1/covered`: answered once the log has what was sent. */
export function pushRoutes(deps: PushDeps): Routes {
  return async (app) => {
    await app.register(observationRoutes(deps));
    await app.register(coveredRoutes(deps));
  };
}

function observationRoutes(deps: PushDeps): Routes {
  const idempotency = new Idempotency<PushAnswer>(deps.clock);
  return async (app) => {
    // Every body arrives as text: its digest guards the idempotency key, and its numbers keep their digits.
    app.removeContentTypeParser(['application/json', ...NDJSON_TYPES, CSV_TYPE]);
    app.addContentTypeParser(
      ['application/json', ...NDJSON_TYPES, CSV_TYPE],
      { parseAs: 'string' },
      (_request, body, done) => done(null, body),
    );
    app.post(
      '/v1/observations',
      {
        schema: {
          summary: 'State values of points: one, a list, {"observations": […]}, NDJSON or CSV; gzip welcome',
          tags,
          consumes: ['application/json', 'application/x-ndjson', 'text/csv'],
          querystring: pushQuery,
          headers: pushHeaders,
          body: pushBody,
          response: { 202: pushAnswer },
        },
        config: { scope: 'push' },
        // The body's schema is for readers of the API; its lines are judged one by one, so that good ones pass beside bad ones.
        validatorCompiler:
          ({ schema, httpPart }) =>
          (data: unknown) => {
            if (httpPart === 'body') return { value: data };
            const parsed = isSchema(schema) ? schema.safeParse(data) : undefined;
            return parsed === undefined || parsed.success ? { value: parsed?.data ?? data } : { error: parsed.error };
          },
      },
      async (request, reply) => {
        const body: unknown = request.body;
        if (typeof body !== 'string')
          throw new PacelineError('unsupported_media_type', 'send application/json, application/x-ndjson or text/csv');
        const { query, headers } = request;
        const workspace = await deps.workspaces.find(query.workspace ?? deps.workspace);
        const push = () => takePush(deps, workspace, body, request, query.metric, query.allow_unknown === 'true');
        const key = headers['idempotency-key'];
        const answer =
          key === undefined ? await push() : await idempotency.once(`${workspace.name} ${key}`, body, push);
        return reply.code(202).send(answer);
      },
    );
  };
}

function isSchema(schema: unknown): schema is z.ZodType {
  return schema instanceof z.ZodType;
}

async function takePush(
  deps: PushDeps,
  workspace: FollowedWorkspace,
  body: string,
  request: FastifyRequest,
  metric: string | undefined,
  allowUnknown: boolean,
): Promise<PushAnswer> {
  await refuseWhenBehind(deps, workspace);
  const lines = linesOf(body, request.headers['content-type'] ?? '', metric);
  const { accepted, rejected, rejectedCount, facts } = acceptPush(
    lines,
    workspace.fold.catalog,
    deps.clock.now(),
    allowUnknown,
  );
  deps.metrics.pushedPoints.inc({ outcome: 'rejected' }, rejectedCount);
  if (accepted === 0 && rejectedCount > 0) {
    throw new PacelineError(
      'all_rejected',
      `all ${rejectedCount} lines were refused; the first: ${rejected[0]?.message ?? ''}`,
      {
        details: { accepted: 0, rejected, rejectedCount },
      },
    );
  }
  const position = facts.length === 0 ? null : await appendPatiently(deps, workspace, facts, 'push');
  deps.metrics.pushedPoints.inc({ outcome: 'accepted' }, accepted);
  const metrics = new Set(facts.map(({ metric: name }) => name));
  const warnings = feederWarnings(workspace.fold.catalog, metrics);
  return {
    accepted,
    rejected: [...rejected],
    rejectedCount,
    position: position === null ? null : formatPosition(position),
    ...(warnings.length === 0 ? {} : { meta: { warnings } }),
  };
}

const coveredBody = z.strictObject({
  metric: z.string().min(1).max(63),
  from: z.string().max(64).optional().describe('Instant or day; left out: from the last covered end'),
  to: z.string().max(64).describe('Instant or day, exclusive'),
});
const coveredAnswer = z.object({ position: z.string() });

function coveredRoutes(deps: PushDeps): Routes {
  return async (app) => {
    app.post(
      '/v1/covered',
      {
        schema: {
          summary: 'Say that pushed values of a metric are complete between two instants',
          tags,
          querystring: z.object({ workspace: z.string().optional() }),
          body: coveredBody,
          response: { 202: coveredAnswer },
        },
        config: { scope: 'push' },
      },
      async ({ body, query }, reply) => {
        const workspace = await deps.workspaces.find(query.workspace ?? deps.workspace);
        await refuseWhenBehind(deps, workspace);
        const fact = coveredOf(body, workspace, deps.clock.now());
        return reply
          .code(202)
          .send({ position: formatPosition(await appendPatiently(deps, workspace, [fact], 'push')) });
      },
    );
  };
}

function coveredOf(body: z.infer<typeof coveredBody>, workspace: FollowedWorkspace, now: Instant): CoveredFact {
  const { metrics } = workspace.fold.catalog;
  const metric = metrics.get(body.metric);
  if (metric === undefined)
    throw faulty(
      'unknown_metric',
      `no metric ${JSON.stringify(body.metric)} is defined${suggestion(body.metric, metrics.keys())}`,
      '/metric',
    );
  if (!metric.push || metric.expression !== null)
    throw faulty('push_refused', `${metric.name} does not accept pushed values`, '/metric');
  const to = edgeOf(metric, body.to, '/to');
  const from = body.from === undefined ? undefined : edgeOf(metric, body.from, '/from');
  if (from !== undefined && from >= to) throw faulty('invalid_covered', 'from does not lie before to', '/from');
  if (to >= futureFrom(metric, now))
    throw faulty('invalid_covered', `to ${body.to} lies more than one ${metric.grain} ahead`, '/to');
  return { type: 'covered', metric: metric.name, feeder: 'push', to, ...(from === undefined ? {} : { from }) };
}

function edgeOf(metric: Metric, text: string, pointer: string): Instant {
  const day = parseDate(text);
  const at = day === undefined ? readInstant(text) : metric.zone.dayStart(day);
  if (at !== undefined) return at;
  throw faulty(
    'invalid_time',
    `${JSON.stringify(text)} is no instant and no day; write it like 2026-11-22T06:00:00Z`,
    pointer,
  );
}

function faulty(
  code: 'unknown_metric' | 'push_refused' | 'invalid_covered' | 'invalid_time',
  message: string,
  pointer: string,
): PacelineError {
  return new PacelineError(code, message, { faults: [{ code, message, pointer }] });
}
