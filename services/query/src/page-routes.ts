import { instantText } from '@paceline/domain';
import { type Routes, requireScope } from '@paceline/runtime';
import { aboutSubject } from './about.ts';
import { momentQuery } from './answer.ts';
import type { Evaluations } from './evaluations.ts';
import type { Knowledge } from './knowledge.ts';
import { statusPage } from './page.ts';

/** `GET /`: the status for people. */
export function pageRoutes(knowledge: Knowledge, evaluations: Evaluations): Routes {
  return async (app) => {
    const querystring = momentQuery.pick({ workspace: true });
    // The dashboard, where it was built, answers here without a key: it is what asks for one. This page shows numbers at once.
    app.get('/', { schema: { hide: true, querystring }, config: { scope: 'open' } }, async (request, reply) => {
      requireScope(request, reply, 'read');
      const moment = await knowledge.moment(request.query);
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
