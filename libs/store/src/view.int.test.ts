import { readdirSync, readFileSync } from 'node:fs';
import {
  documentId,
  evaluate,
  evaluationToJson,
  type Instant,
  memoryView,
  type Recorded,
  type ResolvedCovered,
  scenarioLog,
  subjectsOf,
  type View,
  WorkspaceFold,
} from '@paceline/domain';
import { readScenarios, type WrittenScenario } from '@paceline/events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { observationRows, timelineRows } from './observations.ts';
import type { Store } from './port.ts';
import type { Row } from './tables.ts';
import { temporaryStore } from './testing.ts';
import { knownPosition, loadView } from './view.ts';

let opened: Awaited<ReturnType<typeof temporaryStore>>;
let store: Store;
beforeAll(async () => {
  opened = await temporaryStore();
  store = opened.store;
});
afterAll(() => opened.stop());

const SCENARIOS = new URL('../../domain/scenarios/', import.meta.url);
/** Definitions of scenarios are known from before all time; tables begin here. */
const FIRST = Date.UTC(1900, 0, 1);

interface Rows {
  readonly command: Row<'command'>[];
  readonly definition: Row<'definition'>[];
  readonly check_in: Row<'check_in'>[];
  readonly observation: Row<'observation'>[];
  readonly covered: Row<'covered'>[];
}

/** What the processor writes of facts that evaluations read, without its ticks. */
function collect(workspace: string, facts: readonly Recorded[], rows: Rows): void {
  const fold = new WorkspaceFold();
  for (const record of facts) {
    const { fact } = record;
    const place = { workspace, position: record.position, recorded_at: Math.max(FIRST, record.recordedAt) };
    const { outcome, change } = fold.apply(record);
    if (outcome !== undefined) {
      const { kind, command, accepted, reason, actor } = outcome;
      rows.command.push({ ...place, kind, command, accepted, reason, actor });
    }
    for (const { document, shape } of change?.put ?? []) {
      const content = { id: documentId(document), shape: shape ?? 0, document: JSON.stringify(document) };
      rows.definition.push({ ...place, ...content, removed: false });
    }
    if (fact.type === 'check_in') {
      const { type: _, subject, ...body } = fact;
      rows.check_in.push({ ...place, subject, time: fact.time, body: JSON.stringify(body) });
    }
    if (fact.type === 'observations') rows.observation.push(...observationRows(workspace, { ...record, fact }));
  }
  rows.covered.push(...fold.takeResolved().map((statement) => coveredRow(workspace, statement)));
}

function coveredRow(workspace: string, { metric, feeder, position, recordedAt, from, to, before }: ResolvedCovered) {
  return {
    workspace,
    metric,
    feeder,
    position,
    recorded_at: recordedAt,
    covered_from: Number.isFinite(from) ? from : null,
    covered_to: to,
    before_from: before?.from ?? null,
    before_to: before?.to ?? null,
  };
}

interface Case {
  readonly workspace: string;
  readonly facts: readonly Recorded[];
  readonly scenario: WrittenScenario;
}

/** A third of them: every one is asked of the tables that a processor wrote, through this view, by test/scenarios. */
const files = readdirSync(SCENARIOS).filter((file, index) => file.endsWith('.yaml') && index % 3 === 0);
const cases = new Map<string, Case[]>();

beforeAll(async () => {
  const rows: Rows = { command: [], definition: [], check_in: [], observation: [], covered: [] };
  for (const file of files) {
    const text = readFileSync(new URL(file, SCENARIOS), 'utf8');
    const { scenarios } = await readScenarios({ file, text }, {}, async () => ({ texts: [], faults: [] }));
    const own: Case[] = [];
    for (const [index, scenario] of scenarios.entries()) {
      const { facts, refusals } = scenarioLog(scenario);
      if (refusals.some(({ list }) => list === 'definitions')) continue;
      own.push({ workspace: `${file} ${index}`, facts, scenario });
      collect(`${file} ${index}`, facts, rows);
    }
    cases.set(file, own);
  }
  await store.insert('command', rows.command);
  await store.insert('definition', rows.definition);
  await store.insert('check_in', rows.check_in);
  await store.insert('observation', rows.observation);
  await store.insert('covered', rows.covered);
});

test.each(files)('from the tables as from memory: %s', async (file) => {
  for (const { workspace, facts, scenario } of cases.get(file) ?? []) {
    for (const [knownAt, instants] of momentsOf(scenario)) {
      const memory = memoryView(facts, knownAt);
      const named = scenario.expect.flatMap((said) => ('subject' in said ? [said.subject] : []));
      const subjects = [...new Set([...instants.flatMap((asOf) => subjectsOf(memory.catalog, asOf)), ...named])];
      const known = { position: memory.position, knownAt, edition: 1 };
      const view = await loadView(store, workspace, { ...known, subjects, instants });
      for (const subject of subjects)
        for (const asOf of instants)
          expect(printed(view, subject, asOf), `${subject} at ${new Date(asOf).toISOString()}`).toEqual(
            printed(memory, subject, asOf),
          );
    }
  }
});

function printed(view: View, subject: string, asOf: Instant) {
  const evaluation = evaluate(view, subject, asOf);
  return evaluation === undefined ? undefined : evaluationToJson(evaluation);
}

/** The instants of a scenario by what was known. */
function momentsOf(scenario: WrittenScenario): Map<Instant, Instant[]> {
  const moments: Moment[] = [...scenario.at, ...scenario.expect.flatMap((said) => ('error' in said ? [] : [said]))];
  const byKnown = new Map<Instant, Instant[]>();
  for (const { asOf, knownAt } of moments) {
    const instants = byKnown.get(knownAt) ?? [];
    if (!instants.includes(asOf))
      byKnown.set(
        knownAt,
        [...instants, asOf].sort((a, b) => a - b),
      );
  }
  return byKnown;
}

interface Moment {
  readonly asOf: Instant;
  readonly knownAt: Instant;
}

test('what is known is what the store has whole, and an instant names the record before it', async () => {
  expect(await knownPosition(store, 'nobody')).toBeUndefined();
  const records = [0, 1, 2].map((offset) => ({
    position: offset * 1024,
    recordedAt: Date.UTC(2026, 0, 1) + offset * 1000,
  }));
  await store.insert('timeline', timelineRows('known', records));
  await store.insert('progress', [{ workspace: 'known', position: 1024, recorded_at: records[1]!.recordedAt }]);
  expect(await knownPosition(store, 'known')).toEqual({ position: 1024, recordedAt: records[1]!.recordedAt });
  expect(await knownPosition(store, 'known', Date.UTC(2026, 0, 2))).toEqual({
    position: 1024,
    recordedAt: records[1]!.recordedAt,
  });
  expect(await knownPosition(store, 'known', records[0]!.recordedAt + 999)).toEqual({
    position: 0,
    recordedAt: records[0]!.recordedAt,
  });
  expect(await knownPosition(store, 'known', records[0]!.recordedAt - 1)).toBeUndefined();
});
