import type { Recorded } from '@paceline/domain';
import { factsTopic } from '@paceline/events';
import { requireConfig, silentLogger } from '@paceline/runtime';
import { openPaceline } from '@paceline/standalone';
import { expectedJudgements, expectedRollups, expectedTransitions, factsOf } from '../support/oracle.ts';
import { recordsOf } from '../support/stage.ts';
import { judgementLines, rollupLines, standingPoints, transitionLines } from '../support/tables.ts';
import { firstDay, type Load } from './load.ts';
import type { Room } from './rounds.ts';

const WORKSPACE = 'chaos';
const SEEN_WITHIN_MS = 120_000;
const FAULTS_SHOWN = 5;

export interface Verified {
  readonly faults: readonly string[];
  readonly ticks: number;
  readonly judgements: number;
  readonly transitions: number;
}

interface Verifying {
  readonly dir: string;
  readonly room: Room;
  readonly loads: readonly Load[];
  readonly today: number;
  say(line: string): void;
}

/** First over HTTP from the process that is left, then from the folder itself, against what was sent and what the log says. */
export async function verify({ dir, room, loads, today, say }: Verifying): Promise<Verified> {
  const faults: string[] = [];
  say('asking for every day once all that was taken is in the tables');
  for (const load of loads) faults.push(...(await trendFaults(room, load)));
  say('stopping in good order, and reading the folder');
  await room.stop();
  const config = requireConfig({ dir, env: {} });
  const paceline = await openPaceline({
    config,
    logger: silentLogger,
    env: {},
    background: false,
    ticks: 'manual',
    tickAtStop: false,
  });
  try {
    await paceline.start();
    await paceline.settle();
    await paceline.processor.tick(WORKSPACE);
    const { store, log } = paceline;
    for (const load of loads) {
      const { points, sum } = await standingPoints(store, WORKSPACE, load.metric);
      // Besides the round's own there is the point that began the metric, of value 0.
      if (points !== load.points + 1) faults.push(`${load.metric}: ${points} points by SQL, not ${load.points + 1}`);
      if (sum !== load.sum * 1_000_000_000n) faults.push(`${load.metric}: the sum by SQL is ${sum}, not ${load.sum}`);
    }
    say('replaying the log without an engine');
    const facts: readonly Recorded[] = factsOf(await recordsOf(log, factsTopic(WORKSPACE)));
    const from = firstDay(today);
    const judgements = await judgementLines(store, WORKSPACE);
    const transitions = await transitionLines(store, WORKSPACE);
    faults.push(...differences('judgements', judgements, expectedJudgements(facts, from)));
    faults.push(...differences('transitions', transitions, expectedTransitions(facts, from)));
    faults.push(...differences('rollups', await rollupLines(store, WORKSPACE), expectedRollups(facts)));
    const ticks = facts.filter(({ fact }) => fact.type === 'tick').length;
    return { faults, ticks, judgements: judgements.length, transitions: transitions.length };
  } finally {
    await paceline.stop('verified');
  }
}

async function trendFaults(room: Room, { metric, sumByDay, points }: Load): Promise<string[]> {
  const path = `/v1/trend?metric=${metric}&window=day&from=${[...sumByDay.keys()][0]}`;
  const { data } = await room.getSeen<{ data: { bucket: string; value: string | null; count: number }[] }>(
    path,
    SEEN_WITHIN_MS,
  );
  const faults: string[] = [];
  const rows = new Map(data.map((row) => [row.bucket, row]));
  for (const [day, sum] of sumByDay) {
    const value = rows.get(day)?.value;
    if (value !== String(sum)) faults.push(`${metric}: the trend says ${value} of ${day}, not ${sum}`);
  }
  const count = data.reduce((all, row) => all + row.count, 0);
  if (count !== points + 1) faults.push(`${metric}: the trend counts ${count} points, not ${points + 1}`);
  return faults;
}

/** Lines that only one side has, a few of them. */
function differences(what: string, found: readonly unknown[], expected: readonly unknown[]): string[] {
  const texts = (lines: readonly unknown[]): Set<string> =>
    new Set(
      lines.map((line) => JSON.stringify(line, (_key, value) => (typeof value === 'bigint' ? String(value) : value))),
    );
  const [have, want] = [texts(found), texts(expected)];
  const missing = [...want].filter((line) => !have.has(line));
  const wrong = [...have].filter((line) => !want.has(line));
  if (missing.length + wrong.length === 0 && have.size > 0) return [];
  const few = (lines: readonly string[]): string => lines.slice(0, FAULTS_SHOWN).join('\n    ');
  return [
    `${what}: ${have.size} found, ${missing.length} missing, ${wrong.length} wrong\n    ${few(missing)}\n  wrong:\n    ${few(wrong)}`,
  ];
}
