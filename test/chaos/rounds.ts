import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seeded } from '../support/random.ts';
import { startReceiver } from '../support/receiver.ts';
import { cluster, network } from './cluster.ts';
import type { FormName } from './form.ts';
import { definitionsOf, endOfDays, firstDay, type Load, loadOf, SAID, seedOf, targetOf } from './load.ts';
import { oneProcess } from './one-process.ts';
import { Room } from './room.ts';
import { verify } from './verify.ts';

export interface ChaosOptions {
  readonly form: FormName;
  readonly rounds: number;
  /** Of each round. */
  readonly points: number;
  readonly seed: number;
  /** Told how it goes. */
  say(line: string): void;
  /** Only these are struck; default: all that the form knows. */
  readonly strikes?: readonly string[];
  /** How long processors come and go, and the engine stays away, when that is drawn; default a minute. */
  readonly comeAndGoMs?: number;
  /** Leaves the folder behind, to look at. */
  readonly keep?: boolean;
}

export interface ChaosResult {
  /** In words; none: all is as it must be. */
  readonly faults: readonly string[];
  /** What was killed, how often. */
  readonly kills: Readonly<Record<string, number>>;
  readonly retries: number;
  readonly reads: number;
  readonly pointsTaken: number;
  readonly checkIns: number;
  readonly commands: number;
  readonly ticks: number;
  readonly judgements: number;
  readonly transitions: number;
  /** Messages that a receiver got, and how many of them it had got before under the same key. */
  readonly messages: number;
  readonly messagesAgain: number;
}

const CONCURRENCY = 4;
const CHECK_INS = 5;
const HOUR_MS = 3_600_000;
const COME_AND_GO_MS = 60_000;
const SECRET = `whsec_${Buffer.from('what only chaos knows').toString('base64')}`;

/**
 * Kills something at a random moment of every round and starts it again at once, while clients push, read, check in and apply as clients
 * do. After the last round everything derived must be what the log says, and the log what was acknowledged.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { rounds, points, seed, say } = options;
  const dir = mkdtempSync(join(tmpdir(), 'paceline-chaos-'));
  const today = Date.now();
  const random = seeded(seed);
  const receiver = await startReceiver(SECRET);
  writeFileSync(join(dir, 'paceline.yaml'), 'workspace: chaos\negress:\n  allow: [127.0.0.1]\n');
  const env = { PACELINE_SECRET_HOOK_WHSEC: SECRET };
  const form = await { one: oneProcess, cluster, network }[options.form]({
    dir,
    env,
    random,
    comeAndGoMs: options.comeAndGoMs ?? COME_AND_GO_MS,
    ...(options.strikes === undefined ? {} : { strikes: options.strikes }),
  });
  const room = new Room(form);
  try {
    const definitions = definitionsOf(rounds, points, today, receiver.url);
    await room.postSeen('/v1/definitions/apply', definitions, 'application/yaml');
    await room.pushAll([seedOf(rounds, today)], 1);
    await room.checkIn(SAID, 0, firstDay(today), 'seed');
    await form.begin();
    // From here on nobody may be told that there is no such metric.
    await room.getSeen('/v1/status?kind=kpi');
    const loads: Load[] = [];
    for (let round = 1; round <= rounds; round++) {
      const load = loadOf(round, points, today);
      await playRound(room, load, { round, random, today, rounds, points, say });
      const covered = { metric: load.metric, to: new Date(endOfDays(today)).toISOString() };
      await room.postSeen('/v1/covered', JSON.stringify(covered));
      loads.push(load);
    }
    const verified = await verify({ form, room, receiver, loads, today, say });
    const { retries, pointsTaken, reads, said, commanded } = room;
    const counted = { retries, reads, pointsTaken, checkIns: said.length, commands: commanded.length };
    return { ...verified, ...counted, kills: Object.fromEntries(room.kills) };
  } catch (error) {
    for (const line of await form.describe().catch(() => [])) say(line);
    throw error;
  } finally {
    room.stop();
    await form.end();
    await receiver.stop();
    if (options.keep === true) say(`the folder is left in ${dir}`);
    else rmSync(dir, { recursive: true, force: true });
  }
}

interface Round {
  readonly round: number;
  readonly rounds: number;
  readonly points: number;
  readonly today: number;
  readonly random: () => number;
  say(line: string): void;
}

async function playRound(room: Room, load: Load, { round, rounds, points, today, random, say }: Round): Promise<void> {
  const began = performance.now();
  const retriesBefore = room.retries;
  const batches = load.batches.length + load.corrections.length;
  // Every third kill waits until all is acknowledged: then tables are being written and judged.
  const afterBatches = random() < 0.67 ? Math.floor(random() * batches) : batches;
  const afterMs = Math.floor(random() * (afterBatches === batches ? 2_500 : 40));
  const taken = room.taken;
  const over = new AbortController();
  const pushing = room
    .pushAll(load.batches, CONCURRENCY)
    .then(() => room.pushAll(load.corrections, CONCURRENCY))
    .then(() => performance.now() - began);
  const saying = (async () => {
    for (let n = 1; n <= CHECK_INS; n++)
      await room.checkIn(SAID, round * 10 + n, firstDay(today) + (round * CHECK_INS + n) * HOUR_MS, `${round}-${n}`);
    await room.command(`change-${round}`, [targetOf(round, points, today)]);
  })();
  let before = 0;
  const counted = (text: string): string | null => {
    const { data }: { data: { count: number }[] } = JSON.parse(text);
    const count = data.reduce((all, row) => all + row.count, 0);
    if (count > load.points + 1) return `${count} points, and ${load.points + 1} were ever sent`;
    if (count < before) return `${count} points, after ${before} had been seen`;
    before = count;
    return null;
  };
  const from = new Date(firstDay(today)).toISOString().slice(0, 10);
  const reading = Promise.all([
    room.readUntil(over.signal, `/v1/trend?metric=${load.metric}&window=day&from=${from}`, counted),
    room.readUntil(over.signal, '/v1/status', () => null),
  ]);
  try {
    const [pushedMs, { what, backMs }] = await Promise.all([
      pushing,
      room.strikeAfter(taken + afterBatches, afterMs),
      saying,
    ]);
    say(
      `round ${round}/${rounds}: ${what} struck after ${afterBatches} of ${batches} batches and ${afterMs} ms, over in ${seconds(backMs)}; ` +
        `${load.points.toLocaleString('en')} points taken in ${seconds(pushedMs)}, ${room.retries - retriesBefore} tries again`,
    );
  } finally {
    over.abort();
    await reading;
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
