import {
  evaluationToJson,
  type Instant,
  offsetOf,
  type Position,
  type Recorded,
  type ResolvedCovered,
} from '@paceline/domain';
import { decodeAlertRecord } from '@paceline/events';
import { observationRows, type Store } from '@paceline/store';
import { openMemoryStore } from '@paceline/store/memory/index';
import { expectedRollups, factsOf, statusOf } from '../support/oracle.ts';
import { resolvedOf } from '../support/replay.ts';
import {
  type CoveredLine,
  coveredLines,
  judgementLines,
  rollupLines,
  statusTexts,
  transitionLines,
} from '../support/tables.ts';
import { coverageFaults } from './coverage-invariant.ts';
import { START } from './definitions.ts';
import { expectedOf } from './oracle.ts';
import { WORKSPACES, type WorkspaceName } from './schedule.ts';
import { stateFaults } from './state-invariant.ts';
import type { World } from './world.ts';

const SHOWN_MAX = 3;
/** Of a workspace in five days; a hundred are many, also while the log's time stands still for hours. */
const TICKS_MAX = 1_000;

/** Everything that must hold once a schedule is over and the last tick is judged; answers what does not, in words. */
export async function faultsOf(world: World): Promise<string[]> {
  const store = openMemoryStore(world.disk);
  const faults: string[] = [];
  const log = new Map(WORKSPACES.map((workspace) => [workspace, factsOf(world.records(workspace))]));
  for (const [workspace, facts] of log) {
    const found = await workspaceFaults(world, store, workspace, facts);
    faults.push(...found.map((fault) => `${workspace}: ${fault}`));
  }
  faults.push(...alertFaults(world), ...acceptedFaults(world, log));
  return faults;
}

async function workspaceFaults(
  world: World,
  store: Store,
  workspace: WorkspaceName,
  facts: readonly Recorded[],
): Promise<string[]> {
  const judged = await judgementLines(store, workspace);
  const expected = expectedOf(facts, START, judged);
  const judgements = expected.judgements.map(({ position, subject, at, restatement, text }) =>
    JSON.stringify([position, subject, at, restatement, text]),
  );
  const held = judged.map(({ position, subject, at, restatement, evaluation }) =>
    JSON.stringify([position, subject, at, restatement, evaluation]),
  );
  const transitions = await transitionLines(store, workspace);
  return [
    ...(await tableFaults(world, workspace, facts)),
    ...differences('judgements', held, judgements),
    ...differences('transitions', transitions.map(lineOf), expected.transitions.map(lineOf)),
    ...differences(
      'rollups',
      (await rollupLines(store, workspace)).map(rollupText),
      expectedRollups(facts).map(rollupText),
    ),
    ...differences(
      'covered',
      (await coveredLines(store, workspace)).map(coveredText),
      resolvedOf(facts).map((statement) => coveredText(coveredLine(statement))),
    ),
    ...(await statusFaults(world, store, workspace, facts, expected.statuses)),
    ...coverageFaults(facts, expected.judgements),
    ...stateFaults(facts),
    ...tickFaults(facts),
  ];
}

function tickFaults(facts: readonly Recorded[]): string[] {
  const ticks = facts.filter(({ fact }) => fact.type === 'tick').length;
  return ticks > TICKS_MAX ? [`${ticks} ticks among ${facts.length} records`] : [];
}

function lineOf(line: {
  readonly position: Position;
  readonly kind: string;
  readonly rule: string;
  readonly subject: string;
  readonly period: string;
  readonly episode: Instant;
  readonly at: Instant;
}): string {
  const { position: at, kind, rule, subject, period, episode } = line;
  return JSON.stringify([at, kind, rule, subject, period, episode, line.at]);
}

function rollupText(line: object): string {
  return JSON.stringify(line, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}

function coveredText({
  metric,
  feeder,
  position: at,
  recordedAt,
  from,
  to,
  beforeFrom,
  beforeTo,
}: CoveredLine): string {
  return JSON.stringify([at, metric, feeder, recordedAt, from, to, beforeFrom, beforeTo]);
}

/** As the table keeps it: `null` reaches back without bound. */
function coveredLine({ from, before, ...statement }: ResolvedCovered): CoveredLine {
  const reached = { from: Number.isFinite(from) ? from : null };
  return { ...statement, ...reached, beforeFrom: before?.from ?? null, beforeTo: before?.to ?? null };
}

/** Every statement of the log is in the table, as the log says it, and nothing else is. */
async function tableFaults(world: World, workspace: string, facts: readonly Recorded[]): Promise<string[]> {
  const wanted = new Map<number, string>();
  for (const record of facts) {
    if (record.fact.type !== 'observations') continue;
    const { fact } = record;
    for (const row of observationRows(workspace, { ...record, fact }))
      wanted.set(
        Number(row.pos),
        JSON.stringify([
          row.metric,
          row.series,
          row.period,
          row.at,
          row.id,
          row.recorded_at,
          row.read_at,
          row.revision,
          row.feeder,
          scaled(row.value),
        ]),
      );
  }
  const faults: string[] = [];
  const missing = new Set(wanted.keys());
  for (const row of world.observations(workspace)) {
    const text = wanted.get(row.pos);
    missing.delete(row.pos);
    if (text !== row.text) faults.push(`the table holds ${row.text} at ${row.pos}, the log says ${text}`);
  }
  for (const pos of missing) faults.push(`the statement at ${pos} is not in the table: ${wanted.get(pos)}`);
  return faults.slice(0, SHOWN_MAX);
}

function scaled(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const [whole = '', fraction = ''] = value.split('.');
  return String(BigInt(whole + fraction.padEnd(9, '0')));
}

/** What is shown now is the evaluator's word on the whole log; what was written at a tick was its word on the prefix. */
async function statusFaults(
  world: World,
  store: Store,
  workspace: WorkspaceName,
  facts: readonly Recorded[],
  atTicks: ReadonlyMap<Position, ReadonlyMap<string, string>>,
): Promise<string[]> {
  const shown = await statusTexts(store, workspace);
  const wanted = new Map(statusOf(facts).map((each) => [each.subject, JSON.stringify(evaluationToJson(each))]));
  const faults = differences(
    'statuses',
    [...shown].map(([subject, text]) => `${subject} ${text}`),
    [...wanted].map(([subject, text]) => `${subject} ${text}`),
  );
  const written = world.statuses(workspace);
  for (const { subject, position: at, text } of written) {
    const prefix = atTicks.get(at);
    if (prefix !== undefined && prefix.get(subject) !== text)
      faults.push(`the status of ${subject} at the tick ${at} was ${text}, not ${prefix.get(subject)}`);
  }
  faults.push(...betweenTicks(written, facts, atTicks));
  return faults.slice(0, SHOWN_MAX);
}

const BETWEEN_MAX = 4;

/** Of the statuses written between ticks some are looked at: each needs a fold of its own. */
function betweenTicks(
  written: readonly { readonly subject: string; readonly position: Position; readonly text: string }[],
  facts: readonly Recorded[],
  atTicks: ReadonlyMap<Position, unknown>,
): string[] {
  const faults: string[] = [];
  // What cannot be read moves the place and the time, and is no fact to fold here.
  const readable = new Set(facts.map((fact) => offsetOf(fact.position) * 1024));
  const positions = [
    ...new Set(
      written.map(({ position: at }) => at).filter((at) => !atTicks.has(at) && readable.has(offsetOf(at) * 1024)),
    ),
  ];
  const every = Math.max(1, Math.floor(positions.length / BETWEEN_MAX));
  for (const at of positions.filter((_, index) => index % every === 0)) {
    const prefix = facts.filter((fact) => fact.position <= at);
    const wanted = new Map(statusOf(prefix).map((each) => [each.subject, JSON.stringify(evaluationToJson(each))]));
    for (const { subject, position: own, text } of written) {
      if (own === at && wanted.get(subject) !== text)
        faults.push(`the status of ${subject} at ${at} was ${text}, not ${wanted.get(subject)}`);
    }
  }
  return faults;
}

/** Each transition has one id, in the topic and in the table, and one id is one transition. */
function alertFaults(world: World): string[] {
  const faults: string[] = [];
  const byLine = new Map<string, string>();
  const byId = new Map<string, string>();
  for (const record of world.alertRecords()) {
    const decoded = decodeAlertRecord(record);
    if (!decoded.ok || decoded.record.type !== 'transition') continue;
    const { workspace, transition } = decoded.record;
    const { id, ...said } = transition;
    const line = JSON.stringify([workspace, said.alert, said.kind, said.episode, said.position]);
    const text = JSON.stringify([workspace, said]);
    if ((byLine.get(line) ?? id) !== id) faults.push(`${line} was announced under two ids`);
    if ((byId.get(id) ?? text) !== text) faults.push(`the id ${id} says ${text} and ${byId.get(id)}`);
    byLine.set(line, id);
    byId.set(id, text);
  }
  const table = new Set(world.transitionIds());
  for (const id of byId.keys())
    if (!table.has(id)) faults.push(`the transition ${id} is in the topic and not in the table`);
  for (const id of table)
    if (!byId.has(id)) faults.push(`the transition ${id} is in the table and was never announced`);
  return faults.slice(0, SHOWN_MAX);
}

/** What a sender was told to be in the log is there, once and where it was said to be; what it was not told is there once at most. */
function acceptedFaults(world: World, log: ReadonlyMap<WorkspaceName, readonly Recorded[]>): string[] {
  const places = new Map<string, number[]>();
  for (const [workspace, facts] of log) {
    for (const { fact, position: at } of facts) {
      if (fact.type !== 'observations' || fact.feeder !== 'push') continue;
      for (const { value } of fact.points) {
        if (value === null || value === undefined) continue;
        const key = `${workspace} ${fact.metric} ${value}`;
        places.set(key, [...(places.get(key) ?? []), at]);
      }
    }
  }
  const faults: string[] = [];
  for (const { workspace, metric, value, position: told } of world.accepted) {
    const found = places.get(`${workspace} ${metric} ${value}`) ?? [];
    if (found.length > 1) faults.push(`${workspace}: ${metric} ${value} is in the log ${found.length} times`);
    if (told === null) continue;
    const [at] = found;
    if (at === undefined) faults.push(`${workspace}: ${metric} ${value} was accepted at ${told} and is not in the log`);
    else if (offsetOf(at) > offsetOf(told)) faults.push(`${workspace}: ${metric} ${value} is at ${at}, not at ${told}`);
  }
  return faults.slice(0, SHOWN_MAX);
}

function differences(what: string, found: readonly string[], expected: readonly string[]): string[] {
  const [have, want] = [new Set(found), new Set(expected)];
  const missing = expected.filter((line) => !have.has(line));
  const wrong = found.filter((line) => !want.has(line));
  return [
    ...missing.slice(0, SHOWN_MAX).map((line) => `${what}: missing ${line}`),
    ...wrong.slice(0, SHOWN_MAX).map((line) => `${what}: wrong ${line}`),
  ];
}
