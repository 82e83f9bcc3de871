import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type TableName } from '@paceline/store';
import { Reader } from '@paceline/store/decode';
import { openEmbedded } from '@paceline/store/embedded';
import { engineDisk, openMemoryEngine, openMemoryStore } from '@paceline/store/memory/index';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runSchedule } from './run.ts';
import { scheduleOf } from './schedule.ts';

type Call = { readonly stored: TableName; readonly body: Uint8Array } | { readonly sql: string };

const FORMAT = 'RowBinaryWithNamesAndTypes';
const SEED = 8;
const QUERIES_MAX = 400;
const LIMITS = { timeoutMs: 30_000 };

let path: string;
beforeAll(async () => {
  path = mkdtempSync(join(tmpdir(), 'paceline-engines-'));
  const store = openStore({ path });
  await store.migrate();
  await store.close();
});
afterAll(() => rmSync(path, { recursive: true, force: true }));

/** Everything that the processors of one seed stored and asked, in order. */
async function callsOf(seed: number): Promise<Call[]> {
  const calls: Call[] = [];
  await runSchedule(scheduleOf(seed), {
    name: 'none',
    says: 'only looks on',
    wire: {
      stored: (table, body) => void calls.push({ stored: table, body: Uint8Array.from(body) }),
      asked: (sql) => void calls.push({ sql }),
    },
  });
  return calls;
}

test('the engine in memory answers what a simulation asks as the real engine does', async () => {
  const calls = await callsOf(SEED);
  const real = openEmbedded({ path, database: 'paceline', memoryBytesMax: 2 ** 31, readers: 1, waitingMax: 10 });
  const disk = engineDisk();
  await openMemoryStore(disk).migrate();
  const memory = openMemoryEngine(disk, 'paceline');
  let asked = 0;
  const shapes = new Set<string>();
  const filled = new Set<string>();
  try {
    for (const call of calls) {
      if ('stored' in call) {
        await real.insert(call.stored, call.body, LIMITS);
        await memory.insert(call.stored, call.body, LIMITS);
        continue;
      }
      if (asked >= QUERIES_MAX) continue;
      asked++;
      const shape = call.sql.replace(/'(?:[^'\\]|\\.)*'|\d+/g, '?');
      const expected = rowsOf(await real.run('read', call.sql, FORMAT, LIMITS), call.sql);
      shapes.add(shape);
      if (expected.length > 1) filled.add(shape);
      expect(rowsOf(await memory.run('read', call.sql, FORMAT, LIMITS), call.sql), call.sql).toEqual(expected);
    }
  } finally {
    await real.close();
  }
  expect(asked).toBe(QUERIES_MAX);
  expect(shapes.size).toBeGreaterThan(15);
  expect(filled.size).toBeGreaterThan(10);
});

/** The types, then the rows as text; where the statement leaves the order open, in one order. */
function rowsOf(bytes: Uint8Array, sql: string): string[] {
  const reader = new Reader(bytes);
  const count = reader.uint8();
  for (let at = 0; at < count; at++) reader.text();
  const types = Array.from({ length: count }, () =>
    reader.text().replace("DateTime64(6, 'UTC')", 'DateTime64(6)').replaceAll('LowCardinality(String)', 'String'),
  );
  const rows: string[] = [];
  while (!reader.done) rows.push(types.map((type) => shownOf(reader, type)).join(' | '));
  const ordered = /ORDER BY (?!.*\bFROM\b)/s.test(sql);
  return [types.join(', '), ...(ordered ? rows : rows.sort())];
}

function shownOf(reader: Reader, type: string): string {
  const inner = /^(Nullable|Array)\((.*)\)$/.exec(type);
  if (inner?.[1] === 'Nullable') return reader.uint8() === 1 ? 'nothing' : shownOf(reader, inner[2] ?? '');
  if (inner?.[1] === 'Array') return `[${reader.array(() => shownOf(reader, inner[2] ?? '')).join(', ')}]`;
  switch (type) {
    case 'String':
      return reader.text();
    case 'Bool':
    case 'UInt8':
      return String(reader.uint8());
    case 'UInt32':
      return String(reader.uint32());
    case 'UInt64':
      return String(reader.uint64());
    case 'Int64':
      return String(reader.int64());
    case 'DateTime64(6)':
      return String(reader.instant());
    case 'Float64':
      return String(reader.float64());
    case 'Decimal(38, 9)':
      return String(reader.decimal128());
    case 'Decimal(76, 9)':
      return String(reader.decimal256());
    case 'FixedString(16)':
      return Buffer.from(reader.fixed(16)).toString('hex');
    default:
      throw new TypeError(`no value of ${type} is known here`);
  }
}
