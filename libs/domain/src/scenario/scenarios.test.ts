import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Instant } from '../instant.ts';
import { readInstant } from '../time/instant-text.ts';
import { runScenario } from './run.ts';
import type { Scenario } from './scenario.ts';

const folder = new URL('../../scenarios/', import.meta.url);

/** What stands in a file, trusted: the strict reader is tested where it lives, in libs/events. */
function readScenario(file: string): Scenario {
  const written = parse(readFileSync(new URL(file, folder), 'utf8'));
  const timed = (entry: Record<string, unknown>) => ({
    ...entry,
    ...Object.fromEntries(
      ['recordedAt', 'readAt', 'time', 'from', 'to'].filter((key) => key in entry).map((key) => [key, at(entry[key])]),
    ),
  });
  return {
    name: written.name,
    definitions: (written.definitions ?? []).map(({ recordedAt, ...document }: Record<string, unknown>) => ({
      document,
      ...(recordedAt === undefined ? {} : { recordedAt: at(recordedAt) }),
    })),
    observations: (written.observations ?? []).map(
      ({ metric, recordedAt, readAt, ...raw }: Record<string, unknown>) => ({
        metric,
        raw,
        ...(recordedAt === undefined ? {} : { recordedAt: at(recordedAt) }),
        ...(readAt === undefined ? {} : { readAt: at(readAt) }),
      }),
    ),
    checkIns: (written.checkins ?? []).map(timed),
    covered: (written.covered ?? []).map(timed),
    at: (written.at ?? []).map(momentOf),
    expect: (written.expect ?? []).map((said: Record<string, unknown>) => {
      if ('error' in said) return said;
      const { at: asOf, knownAt, subject, ...values } = said;
      return { ...momentOf({ asOf, knownAt }), subject, values };
    }),
  };
}

function momentOf(said: unknown): { asOf: Instant; knownAt: Instant } {
  if (typeof said === 'string') return { asOf: at(said), knownAt: at(said) };
  const { asOf, knownAt } = said as { asOf: unknown; knownAt?: unknown };
  return { asOf: at(asOf), knownAt: at(knownAt ?? asOf) };
}

function at(text: unknown): Instant {
  const instant = readInstant(String(text));
  if (instant === undefined) throw new Error(`${String(text)} is no instant`);
  return instant;
}

describe('scenarios', () => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  it.each(files)('%s', (file) => {
    const { results, unexpected } = runScenario(readScenario(file));
    const failed = results.filter(({ passed }) => !passed).map(({ index, message }) => `expect ${index}: ${message}`);
    expect([...failed, ...unexpected.map(({ code, message }) => `${code}: ${message}`)]).toEqual([]);
    expect(results.length).toBeGreaterThan(0);
  });
});
