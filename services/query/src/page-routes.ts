import { instantText } from '@paceline/domain';
import type { Routes } from '@paceline/runtime';
import { aboutSubject } from './about.ts';
import type { QueryDeps } from './deps.ts';
import type { Evaluations } from './evaluations.ts';
import type { Knowledge } from './knowledge.ts';
import { statusPage } from './page.ts';

/** `GET /`: the status for people. */
export function pageRoutes(deps: QueryDeps, knowledge: Knowledge, evaluations: Evaluations): Routes {
  return async (app) => {
    app.get('/', { schema: { hide: true } }, async (_request, reply) => {
      const moment = await knowledge.moment({ workspace: deps.workspace });
      const catalog = await knowledge.catalog(moment);
      const page = statusPage({
        workspace: moment.workspace,
        asOf: instantText(moment.asOf),
        evaluations: await evaluations.at(moment),
        about: (subject) => aboutSubject(catalog, subject, moment.asOf),
      });
      return reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').send(page);
    });
  };
}
