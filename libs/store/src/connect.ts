import { ClickHouseStore, type StoreLimits } from './clickhouse.ts';
import { openEmbedded } from './embedded.ts';
import { openHttp } from './http.ts';
import type { Store } from './port.ts';

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

/**
 * Opens a store; call `migrate()` before the first insert. Embedded, it takes the folder for this process and throws
 * `store_locked` when another has it. Over HTTP nothing is sent yet.
 */
export function openStore(target: StoreTarget, options: StoreOptions = {}): Store {
  const database = options.database ?? 'paceline';
  const memoryBytesMax = options.memoryBytesMax ?? 2 * 1024 ** 3;
  const wire =
    'path' in target
      ? openEmbedded({
          path: target.path,
          database,
          memoryBytesMax,
          readers: options.readers ?? 2,
          waitingMax: options.waitingMax ?? 1_000,
        })
      : openHttp({ ...target, database, memoryBytesMax, connections: options.connections ?? 16 });
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
