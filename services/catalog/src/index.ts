import type { WorkspaceDefaults } from '@paceline/domain';
import type { EventLog } from '@paceline/log';
import type { Clock, Logger, Routes, Service } from '@paceline/runtime';
import { Commands } from './commands.ts';
import { catalogRoutes } from './routes.ts';
import { Workspaces } from './workspaces.ts';

export { type CheckedIn, type CheckInRequest, checkIn } from './check-in.ts';
export { type Applied, type ApplyRequest, Commands, type Outcome } from './commands.ts';
export type { Consequence } from './consequences.ts';
export { type Diff, type DocumentChange, diffDocuments, type FieldChange } from './diff.ts';
export { type Plan, type Planned, planDefinitions } from './plan.ts';
export { type Workspace, Workspaces } from './workspaces.ts';

export interface CatalogDeps {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The workspace a request means when it names none. Created at start. */
  readonly workspace: string;
  /** What the configuration says for that workspace: policy and pace of subjects that name none. */
  readonly defaults?: WorkspaceDefaults;
  /** How long a request waits for the fold to reach what it asks about. Default 5,000. */
  readonly waitMs?: number;
  /** Documents a workspace may have. Default 20,000. */
  readonly documentsMax?: number;
}

export interface Catalog extends Service {
  readonly routes: Routes;
  readonly commands: Commands;
  readonly workspaces: Workspaces;
}

/** The catalog service: plan and apply of definitions, check-ins, overrides. Its only state is what it reads from the log. */
export function createCatalog(deps: CatalogDeps): Catalog {
  const { log, clock, logger, workspace, defaults, waitMs, documentsMax } = deps;
  const workspaces = new Workspaces({ log, clock, logger, ...(waitMs === undefined ? {} : { waitMs }) });
  const commands = new Commands(workspaces, clock, documentsMax === undefined ? {} : { documentsMax });
  return {
    workspaces,
    commands,
    routes: catalogRoutes({ workspaces, commands, workspace, defaults }),
    async start() {
      await workspaces.current(workspace, { create: true });
    },
    stop: () => workspaces.stop(),
    health() {
      const { troubled } = workspaces;
      return troubled === null ? { live: true, ready: true } : { live: true, ready: false, detail: troubled };
    },
  };
}
