import { instantText, suggestion } from '@paceline/domain';
import type { Routes } from '@paceline/runtime';
import { z } from 'zod';
import { isKnown, metaOf, momentQuery, unchanged } from './answer.ts';
import type { QueryDeps } from './deps.ts';
import type { Evaluations } from './evaluations.ts';
import { type Knowledge, refused } from './knowledge.ts';
import { metaSchema } from './schemas.ts';
import { currentCycle, cyclesOf, cyclesSchema, treeOf, treeSchema, treeSubjects } from './tree.ts';

const treeMeta = metaSchema.extend({
  now: z.string().describe('The server’s clock: freshness is derived from it'),
  cycles: cyclesSchema.describe('Every cycle there is'),
});

/** `GET /v1/tree`. */
export function treeRoutes(deps: QueryDeps, knowledge: Knowledge, evaluations: Evaluations): Routes {
  return async (app) => {
    app.get(
      '/v1/tree',
      {
        schema: {
          summary: 'Units, their objectives with key results and roll-up rules, and their KPIs',
          tags: ['status'],
          querystring: momentQuery.extend({
            cycle: z.string().max(63).optional().describe('Default: the one that runs'),
          }),
          response: { 200: z.object({ data: treeSchema, meta: treeMeta }) },
        },
      },
      async (request, reply) => {
        const { query } = request;
        const moment = await knowledge.moment(query);
        const catalog = await knowledge.catalog(moment);
        const cycle = query.cycle === undefined ? currentCycle(catalog, moment.asOf) : catalog.cycles.get(query.cycle);
        if (cycle === undefined && query.cycle !== undefined) {
          const near = suggestion(query.cycle, catalog.cycles.keys());
          throw refused('unknown_reference', 'cycle', `there is no cycle ${query.cycle}${near}`);
        }
        const found = await evaluations.at(moment, treeSubjects(catalog, cycle));
        const bySubject = new Map(found.map((evaluation) => [evaluation.subject, evaluation]));
        const data = treeOf({ catalog, cycle, at: moment.asOf, evaluations: bySubject });
        if (isKnown(request, reply, data, catalog.position)) return unchanged(reply);
        const meta = { ...metaOf(moment, catalog), now: instantText(deps.clock.now()), cycles: cyclesOf(catalog) };
        return reply.send({ data, meta });
      },
    );
  };
}
