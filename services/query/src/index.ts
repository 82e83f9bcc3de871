import type { Routes, Service } from '@paceline/runtime';
import { alertReads } from './alert-routes.ts';
import { backtestRoutes } from './backtest-routes.ts';
import { deadLetterRoutes } from './dead-letter-routes.ts';
import type { QueryDeps } from './deps.ts';
import { Evaluations } from './evaluations.ts';
import { explainRoutes } from './explain-routes.ts';
import { judgementRoutes } from './judgement-routes.ts';
import { Knowledge } from './knowledge.ts';
import { metricRoutes } from './metric-routes.ts';
import { observationReads } from './observation-routes.ts';
import { pageRoutes } from './page-routes.ts';
import { statusRoutes } from './status-routes.ts';
import { StatusStream } from './status-stream.ts';
import { streamRoutes } from './stream-routes.ts';
import { Suppressions } from './suppressions.ts';
import { treeRoutes } from './tree-routes.ts';
import { trendRoutes } from './trend-routes.ts';
import { Watermarks, type WrittenRow } from './watermarks.ts';
import { whatIfRoutes } from './what-if-routes.ts';

export type { QueryDeps } from './deps.ts';

export interface Query extends Service {
  readonly routes: Routes;
  /** Whoever writes the tables in this process says so here, once rows are durable, where `refresh` is `told`. */
  written(table: string, rows: readonly WrittenRow[]): void;
  /** The tables of a workspace are others now, as when another edition takes the place of this one. */
  moved(workspace: string): void;
}

/** The query service: everything that is read over HTTP. It owns no state; the tables are the processor's. */
export function createQuery(deps: QueryDeps): Query {
  const options = () => ({ lane: 'read' as const, timeoutMs: deps.limits.queryMs });
  const watermarks = new Watermarks(deps.store, deps.edition, deps.refresh ?? { everyMs: 0 }, options);
  const knowledge = new Knowledge(deps, watermarks);
  const evaluations = new Evaluations(deps, knowledge, watermarks);
  const suppressions = new Suppressions(deps.log, deps.logger);
  const streams = new StatusStream(deps, knowledge, evaluations);
  const routes: readonly Routes[] = [
    pageRoutes(knowledge, evaluations),
    streamRoutes(knowledge, streams),
    statusRoutes(deps, knowledge, evaluations),
    trendRoutes(deps, knowledge),
    treeRoutes(deps, knowledge, evaluations),
    explainRoutes(deps, knowledge, evaluations),
    metricRoutes(deps, knowledge),
    observationReads(deps, knowledge),
    alertReads(deps, knowledge, suppressions),
    judgementRoutes(deps, knowledge),
    deadLetterRoutes(deps, knowledge),
    whatIfRoutes(deps, knowledge),
    backtestRoutes(deps, knowledge),
  ];
  return {
    routes: async (app) => {
      for (const each of routes) await app.register(each);
    },
    written: (table, rows) => {
      knowledge.written(table, rows);
      watermarks.written(table, rows);
    },
    moved: (workspace) => {
      watermarks.moved(workspace);
      knowledge.moved();
      evaluations.moved(workspace);
    },
    async start() {},
    async stop() {
      streams.close();
      watermarks.stop();
      await suppressions.stop();
    },
    health: () => ({ live: true, ready: true }),
  };
}
