import { evaluationToJson, formatPosition, type Instant, instantText, type Suppression } from '@paceline/domain';
import { readStoredTransition } from '@paceline/events';
import type { Routes } from '@paceline/runtime';
import type { ReadRow } from '@paceline/store';
import { z } from 'zod';
import { recoveringOf } from './alert-state.ts';
import { answer, formatQuery, isKnown, metaOf, unchanged } from './answer.ts';
import type { QueryDeps } from './deps.ts';
import type { Knowledge, Moment } from './knowledge.ts';
import { evaluationSchema, metaSchema } from './schemas.ts';
import { alertEpisodes } from './sql.ts';
import { type Suppressions, suppressionText } from './suppressions.ts';

const ALERTS_DEFAULT = 500;
const ALERTS_MAX = 10_000;
/** Suppression is an ornament of the list: a log that is long to read must not keep it back. */
const SUPPRESSION_WAIT_MS = 2_000;

const alertQuery = formatQuery.extend({
  state: z.enum(['open', 'all']).optional().describe('Default: open'),
  subject: z.string().max(200).optional(),
  rule: z.string().max(63).optional(),
  limit: z.coerce.number().int().min(1).max(ALERTS_MAX).optional(),
});

const alertSchema = z.object({
  id: z.string().describe('Of rule, subject and period; POST /v1/alerts/{id}/ack takes it'),
  episode: z.string().describe('The grid point that opened it'),
  rule: z.string(),
  subject: z.string(),
  period: z.string(),
  state: z
    .enum(['firing', 'recovering', 'closed'])
    .describe('recovering: open, and good again for fewer points than its rule asks'),
  outcome: z.string().nullable().describe('How it ended: recovered, retracted or closed'),
  severity: z.string(),
  openedAt: z.string(),
  lastAt: z.string().describe('Grid point of the latest transition'),
  recordedAt: z.string().describe('When the latest transition was found'),
  position: z.string(),
  messages: z.int().describe('Transitions so far'),
  suppression: z.string().nullable(),
  channels: z.array(z.string()),
  verdict: z.string(),
  sentence: z.string(),
  evaluation: evaluationSchema.describe('As the latest transition told it'),
});
type AlertRow = z.output<typeof alertSchema>;

const alertMeta = metaSchema.extend({
  truncated: z.boolean(),
  suppression: z.enum(['known', 'behind']).describe('behind: acknowledgements and snoozes are still being read'),
});

const COLUMNS = [
  'id',
  'state',
  'outcome',
  'severity',
  'rule',
  'subject',
  'period',
  'openedAt',
  'lastAt',
  'recordedAt',
  'position',
  'messages',
  'suppression',
  'verdict',
  'sentence',
] as const;

/** `GET /v1/alerts`. */
export function alertReads(deps: QueryDeps, knowledge: Knowledge, suppressions: Suppressions): Routes {
  return async (app) => {
    app.get(
      '/v1/alerts',
      {
        schema: {
          summary: 'Alerts that are open, or every one',
          tags: ['alerts'],
          querystring: alertQuery,
          response: { 200: z.object({ data: z.array(alertSchema), meta: alertMeta }) },
        },
      },
      async (request, reply) => {
        const { query } = request;
        const moment = await knowledge.moment(query);
        const limit = query.limit ?? ALERTS_DEFAULT;
        const episodes = await readEpisodes(deps, knowledge, moment, query, limit + 1);
        const said = await suppressionAt(suppressions, moment, episodes.length);
        const now = moment.latest ? deps.clock.now() : moment.asOf;
        const catalog = await knowledge.catalog(moment);
        const shown = episodes.slice(0, limit);
        const open = shown.filter(({ kind }) => !ENDS.has(kind));
        const recovering = await recoveringOf(deps, knowledge, moment, catalog, open);
        const data = shown.map((row) => alertOf(row, said, moment, { now, recovering: recovering.has(row) }));
        if (isKnown(request, reply, data, moment.position)) return unchanged(reply);
        const meta = {
          ...metaOf(moment, catalog),
          truncated: episodes.length > limit,
          suppression: said === null ? ('behind' as const) : ('known' as const),
        };
        const table = () => ({ columns: COLUMNS, cells: data.map((row) => COLUMNS.map((name) => row[name])) });
        return answer(request, reply, query.format, { whole: { data, meta }, rows: data, table });
      },
    );
  };
}

type Episode = ReadRow<ReturnType<typeof alertEpisodes>['shape']>;

async function readEpisodes(
  deps: QueryDeps,
  knowledge: Knowledge,
  moment: Moment,
  { state, subject, rule }: z.output<typeof alertQuery>,
  limit: number,
): Promise<Episode[]> {
  if (moment.position < 0) return [];
  const query = alertEpisodes({
    workspace: moment.workspace,
    edition: deps.edition,
    position: moment.position,
    asOf: moment.asOf,
    onlyOpen: state !== 'all',
    subject: subject ?? null,
    rule: rule ?? null,
    limit,
  });
  return deps.store.read(query, query.shape, knowledge.options);
}

/** Nothing to suppress: nothing is read. */
async function suppressionAt(
  suppressions: Suppressions,
  { workspace, position }: Moment,
  alerts: number,
): Promise<Suppression | null | undefined> {
  return alerts === 0 ? undefined : suppressions.at(workspace, position, SUPPRESSION_WAIT_MS);
}

const ENDS: ReadonlySet<string> = new Set(['recovered', 'retracted', 'closed']);

function alertOf(
  row: Episode,
  said: Suppression | null | undefined,
  moment: Moment,
  { now, recovering }: { readonly now: Instant; readonly recovering: boolean },
): AlertRow {
  const { evaluation, channels } = readStoredTransition(row.body);
  const isOver = ENDS.has(row.kind);
  const named = { ...row, period: row.period_label };
  const at = { now, position: moment.position };
  return {
    id: row.alert,
    episode: instantText(row.episode),
    rule: row.rule,
    subject: row.subject,
    period: row.period_label,
    state: isOver ? 'closed' : recovering ? 'recovering' : 'firing',
    outcome: isOver ? row.kind : null,
    severity: row.severity,
    openedAt: instantText(row.opened_at),
    lastAt: instantText(row.last_at),
    recordedAt: instantText(row.last_recorded_at),
    position: formatPosition(row.position),
    messages: row.messages,
    suppression: isOver || said === null || said === undefined ? null : suppressionText(said, named, at),
    channels: [...channels],
    verdict: evaluation.verdict,
    sentence: evaluation.sentence,
    evaluation: evaluationToJson(evaluation),
  };
}
