import { ClickHouseStore, type StoreLimits } from './clickhouse.ts';
import { openBeside, openEmbedded } from './embedded.ts';
import { openHttp } from './http.ts';
import type { Store } from './port.ts';
import type { Wire } from './wire.ts';

/** Where the engine is: a folder for the one in this process, or the address of a server. */
export type StoreTarget =
  | { readonly path: string }
  | { readonly url: string; readonly user?: string; readonly password?: string };

export interface StoreOptions extends Partial<StoreLimits> {
  /** The ClickHouse database: one per edition. Default `paceline`. */
  readonly database?: string;
  /** Bytes one query or insert may take in the engine. Default 2 GiB. */
  readonly memoryBytesMax?: number;
  /** Embedded: connections for reading beside the writer's and the judge's. Default 2, as many as the engine keeps busy on a small machine. */
  readonly readers?: number;
  /** Embedded: calls that may wait for a lane. Default 1,000. */
  readonly waitingMax?: number;
  /** HTTP: sockets at once. Default 16. */
  readonly connections?: number;
}

/** A store as it was opened: it can make another one beside itself. */
export interface OpenedStore extends Store {
  /**
   * The tables of another database in the same engine: an edition beside this one. Its own `close` comes first and leaves
   * the engine open.
   */
  beside(database: string): Store;
}

/**
 * Opens a store; call `migrate()` before the first insert. Embedded, it takes the folder for this process and throws
 * `store_locked` when another has it. Over HTTP nothing is sent yet.
 */
export function openStore(target: StoreTarget, options: StoreOptions = {}): OpenedStore {
  const database = options.database ?? 'paceline';
  const first = storeOf(wireOf(target, database, options, openEmbedded), database, options);
  // What is written beside is of no concern to those who follow this edition.
  const { inserted: _, ...others } = options;
  return Object.assign(first, {
    beside: (other: string): Store =>
      storeOf(wireOf(target, other, { ...others, readers: 1 }, openBeside), other, others),
  });
}

function wireOf(target: StoreTarget, database: string, options: StoreOptions, embedded: typeof openEmbedded): Wire {
  const memoryBytesMax = options.memoryBytesMax ?? 2 * 1024 ** 3;
  if (!('path' in target)) {
    return openHttp({ ...target, database, memoryBytesMax, connections: options.connections ?? 16 });
  }
  const { readers = 2, waitingMax = 1_000 } = options;
  return embedded({ path: target.path, database, memoryBytesMax, readers, waitingMax });
}

function storeOf(wire: Wire, database: string, options: StoreOptions): ClickHouseStore {
  return new ClickHouseStore(wire, database, {
    insertRowsMax: options.insertRowsMax ?? 200_000,
    triesMax: options.triesMax ?? 6,
    backoffMs: options.backoffMs ?? 100,
    queryTimeoutMs: options.queryTimeoutMs ?? 30_000,
    insertTimeoutMs: options.insertTimeoutMs ?? 120_000,
    rowsMax: options.rowsMax ?? 1_000_000,
    guestsMax: options.guestsMax ?? 2,
    inserted: options.inserted ?? (() => undefined),
    sleep: options.sleep ?? ((milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))),
  });
}
