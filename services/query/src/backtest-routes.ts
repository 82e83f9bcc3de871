import { type AlertRuleDocument, type Catalog, instantText, suggestion, VERDICTS } from '@paceline/domain';
import { readDocument } from '@paceline/events';
import { PacelineError, type Routes } from '@paceline/runtime';
import { z } from 'zod';
import { metaOf, momentQuery } from './answer.ts';
import { backtest } from './backtest.ts';
import type { QueryDeps } from './deps.ts';
import { instantOf, type Knowledge, refused } from './knowledge.ts';
import { metaSchema } from './schemas.ts';

const DAYS_DEFAULT = 365;
const DAY_MS = 86_400_000;
/** The tally counts all of them. */
const ALERTS_SHOWN_MAX = 1_000;

const alert = z.object({
  subject: z.string(),
  period: z.string(),
  opened: z.string(),
  ended: z.string().nullable(),
  end: z.enum(['recovered', 'closed']).nullable(),
  worst: z.enum(VERDICTS),
  outcome: z
    .enum(['missed', 'achieved'])
    .nullable()
    .describe('What became of the period; null: it goes on, or has no end'),
  leadDays: z.number().nullable().describe('From the opening to the end of a period that was missed'),
});
const answer = z.object({
  data: z.object({
    rule: z.string(),
    subjects: z.int().describe('Subjects with judgements that the rule would have watched'),
    judged: z.int(),
    perYear: z.number().describe('Alerts a year'),
    right: z.int().describe('Alerts before the end of periods that were missed'),
    wrong: z.int().describe('Alerts in periods that were achieved after all'),
    silent: z.int().describe('Periods that were missed without an alert before their end'),
    leadDaysMedian: z.number().nullable(),
    alerts: z.array(alert).describe('The last thousand, oldest first'),
  }),
  meta: metaSchema.extend({ from: z.string().describe('Where the range begins') }),
});

/** `POST /v1/backtest`: nothing is written or sent, so whoever may read may ask. */
export function backtestRoutes(deps: QueryDeps, knowledge: Knowledge): Routes {
  return async (app) => {
    app.post(
      '/v1/backtest',
      {
        schema: {
          summary: 'What an alert rule would have raised over the history that was judged',
          tags: ['alerts'],
          querystring: momentQuery.extend({
            from: z.string().max(64).optional().describe(`Instant or day; default: ${DAYS_DEFAULT} days ago`),
          }),
          body: z.strictObject({
            rule: z.union([z.string().max(63), z.record(z.string(), z.unknown())]).describe('A name, or a document'),
          }),
          response: { 200: answer },
        },
        config: { scope: 'read' },
      },
      async ({ query, body }) => {
        const moment = await knowledge.moment(query);
        const catalog = await knowledge.catalog(moment);
        const { metadata, spec } = ruleAsked(catalog, body.rule);
        const from = instantOf('from', query.from) ?? moment.asOf - DAYS_DEFAULT * DAY_MS;
        const { alerts, ...found } = await backtest(deps, knowledge, moment, { spec, catalog, from });
        const shown = alerts.slice(-ALERTS_SHOWN_MAX).map(({ opened, ended, ...each }) => ({
          ...each,
          opened: instantText(opened),
          ended: ended === null ? null : instantText(ended),
        }));
        return {
          data: { rule: metadata.name, ...found, alerts: shown },
          meta: { ...metaOf(moment, catalog), from: instantText(from) },
        };
      },
    );
  };
}

function ruleAsked(catalog: Catalog, asked: string | Readonly<Record<string, unknown>>): AlertRuleDocument {
  if (typeof asked === 'string') {
    const known = catalog.alertRules.get(asked);
    if (known !== undefined) return known;
    const near = suggestion(asked, catalog.alertRules.keys());
    throw refused('unknown_reference', 'rule', `there is no alert rule ${asked}${near}`);
  }
  const read = readDocument(asked, { base: [] });
  if (read.ok && read.document.kind === 'AlertRule') return read.document;
  const why = read.ok ? `it is of kind ${read.document.kind}` : (read.faults[0]?.message ?? 'it cannot be read');
  throw new PacelineError('invalid_definitions', `the rule is no AlertRule document: ${why}`);
}
