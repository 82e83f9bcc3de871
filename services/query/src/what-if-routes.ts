import { instantText, VERDICTS } from '@paceline/domain';
import type { Routes } from '@paceline/runtime';
import { z } from 'zod';
import { metaOf, momentQuery } from './answer.ts';
import type { QueryDeps } from './deps.ts';
import { instantOf, type Knowledge } from './knowledge.ts';
import { metaSchema } from './schemas.ts';
import { catalogWith, type Flip, whatIf } from './what-if.ts';

const DAYS_DEFAULT = 90;
const DAY_MS = 86_400_000;

const verdict = z.enum(VERDICTS).nullable().describe('null: not judged');
const flip = z.object({ asOf: z.string(), before: verdict, after: verdict });
const answer = z.object({
  data: z.array(
    z.object({
      subject: z.string(),
      now: flip,
      judged: z.int().describe('Grid points of the range at which it was judged'),
      changed: z.int().describe('How many of them would have another verdict'),
      flips: z.array(flip).describe('The last fifty of these, ascending'),
    }),
  ),
  meta: metaSchema.extend({ from: z.string().describe('Where the range begins') }),
});

/** `POST /v1/what-if`: nothing is changed, so whoever may read may ask. */
export function whatIfRoutes(deps: QueryDeps, knowledge: Knowledge): Routes {
  return async (app) => {
    app.post(
      '/v1/what-if',
      {
        schema: {
          summary: 'Which verdicts would be others under other definitions, now and over the history that was judged',
          description:
            'Both sides are evaluated anew with what is known now; targets and weights count by the dates they carry. Subjects whose verdicts stay are left out unless all=true.',
          tags: ['definitions'],
          querystring: momentQuery.extend({
            from: z.string().max(64).optional().describe(`Instant or day; default: ${DAYS_DEFAULT} days ago`),
            all: z.stringbool().optional().describe('Unchanged subjects too'),
          }),
          body: z.strictObject({
            documents: z.array(z.unknown()).max(100_000).describe('Definition documents as in files'),
            prune: z.boolean().default(false).describe('As if what is not given were removed'),
          }),
          response: { 200: answer },
        },
        config: { scope: 'read' },
      },
      async ({ query, body }) => {
        const moment = await knowledge.moment(query);
        const before = await knowledge.catalog(moment);
        const after = catalogWith(before, body.documents, body.prune);
        const from = instantOf('from', query.from) ?? moment.asOf - DAYS_DEFAULT * DAY_MS;
        const found = await whatIf(deps, knowledge, moment, { before, after, from });
        const shown = found.filter(({ now, changed }) => query.all === true || changed > 0 || now.before !== now.after);
        return {
          data: shown.map((each) => ({ ...each, now: flipOf(each.now), flips: each.flips.map(flipOf) })),
          meta: { ...metaOf(moment, before), from: instantText(from) },
        };
      },
    );
  };
}

function flipOf({ asOf, before, after }: Flip): z.output<typeof flip> {
  return { asOf: instantText(asOf), before, after };
}
