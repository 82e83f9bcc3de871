import type { TableName } from '@paceline/store';
import type { MemoryWire } from '@paceline/store/memory/index';
import { EngineError } from '@paceline/store/memory/index';
import type { Wire } from '@paceline/store/wire';
import type { Ambush, Life } from './life.ts';

/** How a mutant bends what goes to the engine. */
export interface WireTap {
  sql?(text: string): string;
  /** Looks on: what was asked with what answer, what was stored. */
  asked?(sql: string, format: string, answer: Uint8Array): void;
  stored?(table: TableName, body: Uint8Array): void;
  /** Answers before the rows are stored, which happens within so much time; a process that dies meanwhile never stores them. */
  readonly insertLaterMs?: number;
}

const ERRORS: Readonly<Partial<Record<Ambush['kind'], readonly [code: number, message: string]>>> = {
  busy: [252, 'Too many parts'],
  memory: [241, 'Memory limit exceeded'],
  timeout: [159, 'Timeout exceeded'],
  failed: [210, 'Connection refused'],
  ambiguous: [209, 'Timeout: the answer did not come'],
  partial: [209, 'Timeout in the middle of an insert'],
};

function errorOf(kind: Ambush['kind']): EngineError {
  const [code, message] = ERRORS[kind] ?? [1001, 'Unknown'];
  return new EngineError(code, message);
}

/** The engine as one process reaches it: slow at times, busy at times, and it may have done what it did not answer. */
export function processWire(wire: MemoryWire, life: Life, tap: WireTap): Wire {
  let stored: Promise<unknown> = Promise.resolve();
  return {
    async run(lane, sql, format, limits) {
      await life.hop('store');
      await stored;
      const fault = life.ambush('query');
      if (fault !== null) throw errorOf(fault);
      const answer = await wire.run(lane, tap.sql?.(sql) ?? sql, format, limits);
      if (format !== null) tap.asked?.(sql, format, answer);
      await life.hop('store');
      return answer;
    },
    async insert(table, body, limits) {
      await life.hop('store');
      const fault = life.ambush('insert');
      if (fault !== null && fault !== 'ambiguous' && fault !== 'partial') throw errorOf(fault);
      if (tap.insertLaterMs !== undefined) {
        const afterMs = tap.insertLaterMs * life.random();
        const done = new Promise<void>((resolve) => void life.clock.after(afterMs, resolve));
        const before = stored;
        const copy = Uint8Array.from(body);
        stored = done.then(async () => {
          await before;
          if (!life.isDead) await wire.insert(table, copy, limits);
        });
        return;
      }
      if (fault === 'partial') wire.insertSome(table, body, life.random());
      else {
        await wire.insert(table, body, limits);
        tap.stored?.(table, body);
      }
      await life.hop('store');
      if (fault !== null) throw errorOf(fault);
    },
    stream: (sql, format, limits) => wire.stream(sql, format, limits),
    guest: (scope, work) => wire.guest(scope, work),
    close: async () => undefined,
  };
}
