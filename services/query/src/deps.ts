import type { WorkspaceDefaults } from '@paceline/domain';
import type { Clock, Logger, Metrics } from '@paceline/runtime';
import type { Store } from '@paceline/store';

export interface QueryDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Of the judgements and the status that are shown. */
  readonly edition: number;
  /** The workspace a request means when it names none. */
  readonly workspace: string;
  readonly defaults: WorkspaceDefaults;
  readonly limits: {
    /** Rows of one answer. */
    readonly rows: number;
    /** How long a read waits for `min_position`. */
    readonly waitMs: number;
    readonly queryMs: number;
  };
}
