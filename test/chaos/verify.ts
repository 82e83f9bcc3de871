import { setTimeout as sleep } from 'node:timers/promises';
import type { Recorded } from '@paceline/domain';
import { decodeAlertRecord } from '@paceline/events';
import type { LogRecord } from '@paceline/log';
import type { Store } from '@paceline/store';
import { expectedJudgements, expectedRollups, expectedTransitions, factsOf } from '../support/oracle.ts';
import type { Receiver } from '../support/receiver.ts';
import { judgementLines, rollupLines, standingPoints, transitionLines } from '../support/tables.ts';
import { type Form, WORKSPACE } from './form.ts';
import { CHANNEL, firstDay, type Load } from './load.ts';
import type { Room } from './room.ts';

const FAULTS_SHOWN = 5;
const HEARD_MS = 60_000;

export interface Verified {
  readonly faults: readonly string[];
  readonly ticks: number;
  readonly judgements: number;
  readonly transitions: number;
  readonly messages: number;
  readonly messagesAgain: number;
}

interface Verifying {
  readonly form: Form;
  readonly room: Room;
  readonly receiver: Receiver;
  readonly loads: readonly Load[];
  readonly today: number;
  say(line: string): void;
}

/** First over HTTP from what is left running, then from the tables themselves, against what was sent and what the log says. */
export async function verify({ form, room, receiver, loads, today, say }: Verifying): Promise<Verified> {
  const faults = [...room.oddAnswers].map((answer) => `a read was answered what no reader should get: ${answer}`);
  say('asking for every day once all that was taken is in the tables');
  for (const load of loads) faults.push(...(await trendFaults(room, load)));
  say('stopping what writes, and reading log and tables');
  const books = await form.close(receiver);
  try {
    const { store } = books;
    for (const load of loads) faults.push(...(await pointFaults(store, load)));
    const facts: readonly Recorded[] = factsOf(books.facts);
    faults.push(...(await saidFaults(store, room, facts)));
    say(`replaying ${facts.length} facts without an engine`);
    const from = firstDay(today);
    const judgements = await judgementLines(store, WORKSPACE);
    const transitions = await transitionLines(store, WORKSPACE);
    faults.push(...differences('judgements', judgements, expectedJudgements(facts, from)));
    faults.push(...differences('transitions', transitions, expectedTransitions(facts, from)));
    faults.push(...differences('rollups', await rollupLines(store, WORKSPACE), expectedRollups(facts)));
    faults.push(...(await messageFaults(books.alerts, receiver, transitions.length)));
    const heard = new Set(receiver.taken.map(({ id }) => id)).size;
    return {
      faults,
      ticks: facts.filter(({ fact }) => fact.type === 'tick').length,
      judgements: judgements.length,
      transitions: transitions.length,
      messages: heard,
      messagesAgain: receiver.taken.length - heard,
    };
  } finally {
    await books.close();
  }
}

async function trendFaults(room: Room, { metric, sumByDay, points }: Load): Promise<string[]> {
  const path = `/v1/trend?metric=${metric}&window=day&from=${[...sumByDay.keys()][0]}`;
  const { data } = await room.getSeen<{ data: { bucket: string; value: string | null; count: number }[] }>(path);
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

async function pointFaults(store: Store, load: Load): Promise<string[]> {
  const { points, sum } = await standingPoints(store, WORKSPACE, load.metric);
  // Besides the round's own there is the point that began the metric, of value 0.
  return [
    ...(points === load.points + 1 ? [] : [`${load.metric}: ${points} points by SQL, not ${load.points + 1}`]),
    ...(sum === load.sum * 1_000_000_000n ? [] : [`${load.metric}: the sum by SQL is ${sum}, not ${load.sum}`]),
  ];
}

/** Every check-in and every command that was acknowledged is in the log and in its table, a command once. */
async function saidFaults(store: Store, room: Room, facts: readonly Recorded[]): Promise<string[]> {
  const logged = new Set(facts.flatMap(({ fact }) => (fact.type === 'check_in' ? (fact.note ?? []) : [])));
  const rows = await store.read(
    {
      sql: "SELECT JSONExtractString(body, 'note') FROM check_in WHERE workspace = {workspace:String}",
      params: { workspace: WORKSPACE },
    },
    { note: 'String' },
  );
  const stored = new Set(rows.map(({ note }) => note));
  const commands = await store.read(
    {
      sql: 'SELECT command, uniqExactIf(position, accepted) FROM command WHERE workspace = {workspace:String} GROUP BY command',
      params: { workspace: WORKSPACE },
    },
    { command: 'String', accepted: 'UInt64' },
  );
  const accepted = new Map(commands.map((row) => [row.command, row.accepted]));
  return [
    ...room.said.filter((note) => !logged.has(note)).map((note) => `check-in ${note} is not in the log`),
    ...room.said.filter((note) => !stored.has(note)).map((note) => `check-in ${note} is not in its table`),
    ...room.commanded
      .filter((command) => accepted.get(command) !== 1)
      .map((command) => `${command} was accepted ${accepted.get(command) ?? 0} times`),
  ];
}

/** Whoever listens hears of every transition, under a key that tells a repetition. */
async function messageFaults(alerts: readonly LogRecord[], receiver: Receiver, transitions: number): Promise<string[]> {
  const announced = new Set<string>();
  for (const record of alerts) {
    const decoded = decodeAlertRecord(record);
    if (decoded.ok && decoded.record.type === 'transition') announced.add(decoded.record.transition.id);
  }
  const owed = [...announced].map((id) => `${id}_${CHANNEL}`);
  const missing = (): string[] => {
    const heard = new Set(receiver.taken.map(({ id }) => id));
    return owed.filter((id) => !heard.has(id));
  };
  for (const deadline = performance.now() + HEARD_MS; missing().length > 0 && performance.now() < deadline; )
    await sleep(100);
  return [
    ...(announced.size === transitions ? [] : [`${announced.size} transitions announced, ${transitions} in the table`]),
    ...missing().map((id) => `message ${id} was never heard`),
    ...receiver.taken.flatMap(({ id }) => (owed.includes(id) ? [] : [`message ${id} was heard, and nobody owes it`])),
    ...receiver.refused.map((refusal) => `a message was not believed: ${refusal}`),
  ];
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
