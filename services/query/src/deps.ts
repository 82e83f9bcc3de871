import type { EventLog } from '@paceline/log';
import type { Clock, Logger, Metrics } from '@paceline/runtime';
import type { Store } from '@paceline/store';
import type { Refresh } from './watermarks.ts';

export interface QueryDeps {
  readonly store: Store;
  /** Only what people did about alerts is read from it; every number comes from the tables. */
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Of the judgements and the status that are shown. */
  readonly edition: number;
  /** The workspace a request means when it names none. */
  readonly workspace: string;
  /** Default: every request asks the engine how far it is. */
  readonly refresh?: Refresh;
  readonly limits: {
    /** Rows of one answer. */
    readonly rows: number;
    /** How long a read waits for `min_position`. */
    readonly waitMs: number;
    /** Engine time of one query. */
    readonly queryMs: number;
  };
}
