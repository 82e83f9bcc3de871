import type { Routes, Service } from '@paceline/runtime';
import type { QueryDeps } from './deps.ts';
import { Evaluations } from './evaluations.ts';
import { Knowledge } from './knowledge.ts';
import { statusRoutes } from './status-routes.ts';
import { trendRoutes } from './trend-routes.ts';

export type { QueryDeps } from './deps.ts';

export interface Query extends Service {
  readonly routes: Routes;
}

/** The query service: everything that is read over HTTP. It owns no state; the tables are the processor's. */
export function createQuery(deps: QueryDeps): Query {
  const knowledge = new Knowledge(deps);
  const evaluations = new Evaluations(deps, knowledge);
  return {
    routes: async (app) => {
      await app.register(statusRoutes(deps, knowledge, evaluations));
      await app.register(trendRoutes(deps, knowledge));
    },
    async start() {},
    async stop() {},
    health: () => ({ live: true, ready: true }),
  };
}
