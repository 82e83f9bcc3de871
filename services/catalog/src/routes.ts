import { randomUUID } from 'node:crypto';
import {
  formatPosition,
  type Instant,
  instantText,
  type Position,
  parsePosition,
  readInstant,
  resolvedDefaults,
  type WorkspaceDefaults,
} from '@paceline/domain';
import { parseExactJson } from '@paceline/events';
import { type HttpServer, PacelineError, type Routes } from '@paceline/runtime';
import { z } from 'zod';
import { givenOf, invalidDefinitions } from './bodies.ts';
import type { Applied, Commands, Outcome } from './commands.ts';
import type { Plan } from './plan.ts';
import * as schema from './schemas.ts';
import type { Workspace, Workspaces } from './workspaces.ts';

export interface CatalogRoutesDeps {
  readonly workspaces: Workspaces;
  readonly commands: Commands;
  /** The workspace a request means when it names none. */
  readonly workspace: string;
  /** What the configuration says for that workspace, which an apply makes part of its definitions. */
  readonly defaults?: WorkspaceDefaults | undefined;
}

const YAML_BODIES = ['application/yaml', 'application/x-yaml', 'text/yaml'];
const tags = ['definitions'];

/** Definitions, check-ins and overrides: everything people and pipelines say that is no observation. */
export function catalogRoutes(deps: CatalogRoutesDeps): Routes {
  return async (app) => {
    readBodies(app);
    await app.register(definitionRoutes(deps));
    await app.register(sayingRoutes(deps));
  };
}

/** In this plugin alone: YAML bodies as text, and JSON whose numbers keep what was written. */
function readBodies(app: HttpServer): void {
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    const parsed = parseExactJson(String(body));
    if (parsed.ok) done(null, parsed.value);
    else done(new PacelineError('invalid_json', parsed.message));
  });
  app.addContentTypeParser(YAML_BODIES, { parseAs: 'string' }, (_request, body, done) => done(null, body));
}

function definitionRoutes({ workspaces, commands, workspace: own, defaults }: CatalogRoutesDeps): Routes {
  const wanted = (name: string, body: string | { readonly defaults?: WorkspaceDefaults | undefined }) =>
    (typeof body === 'string' ? undefined : body.defaults) ?? (name === own ? defaults : undefined);
  return async (app) => {
    app.post(
      '/v1/definitions/plan',
      {
        schema: {
          summary: 'What an apply of these documents would change, and what follows from it',
          tags,
          querystring: schema.planQuery,
          body: schema.planBody,
          response: { 200: schema.planAnswer },
        },
        config: { scope: 'apply' },
      },
      async ({ body, query }) => {
        const given = givenOf(body);
        const name = query.workspace ?? own;
        const planned = commands.plan(await workspaces.foldOf(name), given, {
          prune: pruneOf(body, query),
          defaults: wanted(name, body),
        });
        if (!planned.ok) throw invalidDefinitions(planned.faults);
        return { data: planOf(planned.plan), meta: { workspace: name } };
      },
    );
    app.post(
      '/v1/definitions/apply',
      {
        schema: {
          summary: 'Make these documents the definitions; 202 when the outcome is not known after 5 seconds',
          tags,
          querystring: schema.applyQuery,
          headers: schema.applyHeaders,
          body: schema.applyBody,
          response: { 200: schema.applyAnswer, 202: schema.applyAnswer },
        },
        config: { scope: 'apply' },
      },
      async ({ body, query, headers }, reply) => {
        const json = typeof body === 'string' ? undefined : body;
        const command = json?.command ?? query.command ?? headers['idempotency-key'] ?? randomUUID();
        const expects = expectsOf(json?.expects === undefined ? query.expects : json.expects);
        const given = givenOf(body);
        const workspace = await workspaces.current(query.workspace ?? own, { create: true });
        const applied = await commands.apply(workspace, {
          command,
          ...(expects === undefined ? {} : { expects }),
          given,
          prune: pruneOf(body, query),
          defaults: wanted(workspace.name, body),
          ...(json?.actor === undefined ? {} : { actor: json.actor }),
        });
        if (!applied.ok) throw refusal(applied);
        const { outcome, plan } = applied;
        const address = outcomeAddress(command, workspace, own);
        if (outcome.outcome === 'pending') reply.code(202).header('location', address);
        return {
          position: positionText(outcome.position),
          data: { command, outcome: outcome.outcome, plan: plan === null ? null : planOf(plan) },
          meta: { workspace: workspace.name },
          links: { outcome: address },
        };
      },
    );
    app.get(
      '/v1/definitions/commands/:id',
      {
        schema: {
          summary: 'What became of an apply or an override',
          tags,
          params: z.object({ id: z.string().max(128) }),
          querystring: schema.workspaceQuery,
          response: { 200: schema.outcomeAnswer },
        },
      },
      async ({ params, query }) => {
        const workspace = await workspaces.current(query.workspace ?? own, { create: false });
        const outcome = commands.outcome(workspace, params.id);
        if (outcome === undefined)
          throw new PacelineError('unknown_command', `no command ${params.id} has been folded`);
        return outcomeOf(outcome, workspace);
      },
    );
    app.get(
      '/v1/definitions',
      {
        schema: {
          summary: 'The current definition documents',
          tags,
          querystring: schema.workspaceQuery.extend({ kind: z.string().optional() }),
          response: { 200: schema.definitionsAnswer },
        },
      },
      async ({ query }) => {
        const { fold, name } = await workspaces.current(query.workspace ?? own, { create: false });
        const documents = [...fold.documents].filter(
          ([, { document }]) => query.kind === undefined || document.kind.toLowerCase() === query.kind.toLowerCase(),
        );
        const data = documents.map(([id, { document, position, recordedAt, shape }]) => ({
          id,
          document,
          position: formatPosition(position),
          recordedAt: instantText(recordedAt),
          ...(shape === undefined ? {} : { shape: formatPosition(shape) }),
        }));
        const { position, defaults } = fold.definitions;
        return {
          data,
          meta: { workspace: name, position: positionText(position), defaults: resolvedDefaults(defaults) },
        };
      },
    );
  };
}

function sayingRoutes({ workspaces, commands, workspace: own }: CatalogRoutesDeps): Routes {
  return async (app) => {
    app.post(
      '/v1/check-ins',
      {
        schema: {
          summary: 'Say where a key result stands',
          tags: ['check-ins'],
          querystring: schema.workspaceQuery,
          headers: schema.applyHeaders,
          body: schema.checkInBody,
          response: { 202: schema.checkInAnswer },
        },
        config: { scope: 'check-in' },
      },
      async ({ body, query, headers }, reply) => {
        const { time, ...said } = body;
        const at = instantOf(time, '/time');
        const workspace = await workspaces.current(query.workspace ?? own, { create: false });
        const request = { ...said, ...(at === undefined ? {} : { time: at }) };
        const checked = await commands.checkIn(workspace, request, headers['idempotency-key'] ?? randomUUID());
        if (!checked.ok) {
          const { code, message, pointer } = checked;
          throw new PacelineError(code, message, { faults: [{ code, message, pointer }] });
        }
        const { type: _, time: saidAt, ...fact } = checked.fact;
        return reply.code(202).send({
          position: formatPosition(checked.position),
          data: {
            ...fact,
            milestones: fact.milestones === undefined ? undefined : { ...fact.milestones },
            time: instantText(saidAt),
          },
          meta: { workspace: workspace.name },
        });
      },
    );
    app.post(
      '/v1/overrides',
      {
        schema: {
          summary: 'Let a source retract in mass, once it was looked at',
          tags: ['sources'],
          querystring: schema.workspaceQuery,
          body: schema.overrideBody,
          response: { 200: schema.outcomeAnswer, 202: schema.outcomeAnswer },
        },
        config: { scope: 'apply' },
      },
      async ({ body, query }, reply) => {
        const until = instantOf(body.until, '/until');
        const workspace = await workspaces.current(query.workspace ?? own, { create: false });
        const outcome = await commands.override(workspace, {
          command: body.command ?? randomUUID(),
          source: body.source,
          ...(until === undefined ? {} : { until }),
          ...(body.actor === undefined ? {} : { actor: body.actor }),
        });
        if (outcome.outcome === 'pending') reply.code(202);
        return outcomeOf(outcome, workspace);
      },
    );
  };
}

function refusal(applied: Extract<Applied, { ok: false }>): PacelineError {
  if (applied.reason === 'invalid') return invalidDefinitions(applied.faults);
  const { expects, competing } = applied;
  const now = positionText(competing.position) ?? 'none';
  const message = `the definitions are those of ${now} now, not of ${positionText(expects) ?? 'none'}; nothing was changed`;
  return new PacelineError('conflict', message, {
    details: { competing: { command: competing.command, position: positionText(competing.position) } },
  });
}

function planOf(plan: Plan): z.input<typeof schema.planData> {
  const { changes, unchanged, consequences, warnings, expects } = plan;
  return {
    expects: positionText(expects),
    changes: changes.map((change) => ({ ...change, fields: [...change.fields] })),
    unchanged,
    consequences: [...consequences],
    warnings: warnings.map(({ document, pointer, code, message, remedy }) => ({
      document,
      pointer,
      code,
      message,
      remedy,
    })),
  };
}

function outcomeOf({ command, outcome, position }: Outcome, { name }: Workspace): z.input<typeof schema.outcomeAnswer> {
  return { position: positionText(position), data: { command, outcome }, meta: { workspace: name } };
}

function outcomeAddress(command: string, workspace: Workspace, own: string): string {
  const query = workspace.name === own ? '' : `?workspace=${workspace.name}`;
  return `/v1/definitions/commands/${encodeURIComponent(command)}${query}`;
}

function pruneOf(body: string | { readonly prune: boolean }, query: { readonly prune?: boolean | undefined }): boolean {
  return typeof body === 'string' ? (query.prune ?? false) : body.prune || (query.prune ?? false);
}

function expectsOf(written: string | null | undefined): Position | null | undefined {
  if (written === undefined || written === null) return written;
  if (written === 'none') return null;
  const at = parsePosition(written);
  if (at === undefined) throw new PacelineError('invalid_position', `expects "${written.slice(0, 40)}" is no position`);
  return at;
}

function instantOf(written: string | undefined, pointer: string): Instant | undefined {
  if (written === undefined) return undefined;
  const at = readInstant(written);
  if (at !== undefined) return at;
  const message = `"${written}" is no instant; write it with its offset, like 2026-11-22T06:00:00Z`;
  throw new PacelineError('invalid_time', message, { faults: [{ code: 'invalid_time', message, pointer }] });
}

function positionText(at: Position | null): string | null {
  return at === null ? null : formatPosition(at);
}
