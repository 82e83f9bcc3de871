import type { LogRecord } from '@paceline/log';
import type { Store } from '@paceline/store';
import type { Receiver } from '../support/receiver.ts';

export const WORKSPACE = 'chaos';
/** One process; every service in its own; and those behind a network that misbehaves, where nothing dies but the broker. */
export const FORMS = ['one', 'cluster', 'network'] as const;
export type FormName = (typeof FORMS)[number];

export interface FormOptions {
  /** The project folder, with its `paceline.yaml`. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly random: () => number;
  /** How long processors come and go, and the engine stays away, when that is drawn. */
  readonly comeAndGoMs: number;
  /** Only these are drawn; default: all that the form knows. */
  readonly strikes?: readonly string[];
}

/** One of the forms in which Paceline runs, with everything that can be struck. */
export interface Form {
  /** Who answers a request now; it moves when a process is started again. */
  url(method: 'GET' | 'POST', path: string): string;
  /** What is to be known before the first tick is said: a subject is judged from what was first known of it. */
  begin(): Promise<void>;
  /** Ends something that runs, as `kill -9` does; answers its name and how to bring it back. */
  strike(): Promise<Struck>;
  /** Stops what writes, lets the tables come up to the end of the log, and judges a last time. */
  close(receiver: Receiver): Promise<Books>;
  /** What those who run say of themselves, for whoever looks for a fault. */
  describe(): Promise<readonly string[]>;
  /** Whatever happened: nothing is left running. */
  end(): Promise<void>;
}

export interface Struck {
  readonly what: string;
  /** Resolves once it runs again. */
  back(): Promise<void>;
}

/** What is left to read when all is over. */
export interface Books {
  readonly store: Store;
  readonly facts: readonly LogRecord[];
  readonly alerts: readonly LogRecord[];
  close(): Promise<void>;
}
