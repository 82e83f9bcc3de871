import { ClickHouseStore, type StoreLimits } from '../clickhouse.ts';
import type { Store } from '../port.ts';
import type { Wire } from '../wire.ts';
import { type EngineDisk, type MemoryWire, openMemoryEngine } from './engine.ts';

export { type EngineDisk, EngineError, engineDisk, type MemoryWire, openMemoryEngine } from './engine.ts';

export interface MemoryStoreOptions extends Partial<StoreLimits> {
  readonly database?: string;
  /** Stands between the store and the engine: how a simulation injects faults where they happen, on the wire. */
  wrap?(wire: MemoryWire): Wire;
}

/** The store over the engine in memory: retries, cutting, encoding and decoding are the real ones. */
export function openMemoryStore(disk: EngineDisk, options: MemoryStoreOptions = {}): Store {
  const { database = 'paceline', wrap, ...limits } = options;
  const wire = openMemoryEngine(disk, database);
  return new ClickHouseStore(wrap?.(wire) ?? wire, database, {
    insertRowsMax: 200_000,
    triesMax: 6,
    backoffMs: 100,
    queryTimeoutMs: 30_000,
    insertTimeoutMs: 120_000,
    rowsMax: 1_000_000,
    guestsMax: 2,
    inserted: () => undefined,
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    ...limits,
  });
}
