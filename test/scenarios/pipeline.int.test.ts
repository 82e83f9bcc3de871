import { readdirSync, readFileSync } from 'node:fs';
import {
  differencesOf,
  type EvaluationDocument,
  evaluate,
  evaluationFromJson,
  evaluationToJson,
  type Instant,
  instantText,
  memoryView,
  nextRecordedAt,
  position,
  type Recorded,
  scenarioLog,
  subjectsOf,
} from '@paceline/domain';
import { EDITION } from '@paceline/domain/edition';
import { encodeFact, factsTopic, readScenarios, type WrittenScenario } from '@paceline/events';
import { type MemoryLog, memoryDisk, openMemoryLog } from '@paceline/log/memory';
import type { Processor } from '@paceline/processor';
import { testProcessor } from '@paceline/processor/testing/log';
import { createQuery, type Query } from '@paceline/query';
import { createHttp, createMetrics, type HttpServer, silentLogger, systemClock } from '@paceline/runtime';
import type { Store } from '@paceline/store';
import { temporaryStore } from '@paceline/store/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/**
 * Every scenario through the whole pipeline: its facts lie in a log, each with the time it was recorded; the processor folds them
 * into the engine's tables and judges at a tick; what is compared is what the query service answers over HTTP, as of and as known
 * at each instant. All scenarios share one log, one processor, one engine, as workspaces of their own.
 */
const FOLDER = new URL('../../libs/domain/scenarios/', import.meta.url);
/** What scenarios know from before all time is known, and covered, from here: before all their points, and not 46,000 days to judge. */
const FIRST = Date.UTC(2019, 0, 1);

interface Case {
  readonly workspace: string;
  readonly scenario: WrittenScenario;
  readonly facts: readonly Recorded[];
  readonly moments: readonly Moment[];
  /** When the tick is appended: after all that is asked. */
  readonly ticked: Instant;
}

interface Moment {
  readonly asOf: Instant;
  readonly knownAt: Instant;
}

let log: MemoryLog;
let store: Store;
let closeStore: () => Promise<void>;
let processor: Processor;
let query: Query;
let app: HttpServer;

const files = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));
const cases = await Promise.all(files.map(caseOf));

async function caseOf(file: string, index: number): Promise<Case> {
  const text = readFileSync(new URL(file, FOLDER), 'utf8');
  const { scenarios, faults } = await readScenarios({ file, text }, {}, async () => ({ texts: [], faults: [] }));
  const [scenario] = scenarios;
  if (scenario === undefined || scenarios.length > 1 || faults.length > 0)
    throw new Error(`${file} is not one scenario`);
  const { facts, refusals } = scenarioLog(scenario);
  const refused = [...refusals, ...scenario.refused].some(
    (refusal) => !('list' in refusal) || refusal.list === 'definitions',
  );
  const asked: Moment[] = refused
    ? []
    : [...scenario.at, ...scenario.expect.flatMap((said) => ('error' in said ? [] : [said]))];
  const moments = new Map(asked.map(({ asOf, knownAt }) => [`${asOf} ${knownAt}`, { asOf, knownAt }]));
  const last = facts.reduce((latest, { recordedAt }) => Math.max(latest, recordedAt), FIRST);
  return {
    workspace: `s${index}-${file.replace('.yaml', '')}`.slice(0, 63),
    scenario,
    facts: refused ? [] : inOneOrder(facts),
    moments: [...moments.values()],
    ticked: [...moments.values()].reduce((latest, each) => Math.max(latest, each.asOf, each.knownAt), last) + 1000,
  };
}

function storable({ fact, ...record }: Recorded): Recorded {
  const bounded =
    fact.type === 'covered' && fact.from !== undefined ? { ...fact, from: Math.max(FIRST, fact.from) } : fact;
  return { ...record, recordedAt: Math.max(FIRST, record.recordedAt), fact: bounded };
}

/** As the fold does: of records of one instant each comes a microsecond after the one before. */
function inOneOrder(facts: readonly Recorded[]): Recorded[] {
  let last = Number.NEGATIVE_INFINITY;
  return facts.map((fact) => {
    const stored = storable(fact);
    last = nextRecordedAt(last, stored.recordedAt);
    return { ...stored, recordedAt: last };
  });
}

/** All records of an instant are known then, the last of them a little later. */
function within({ asOf, knownAt }: Moment): Moment {
  return { asOf, knownAt: knownAt + 0.999 };
}

beforeAll(async () => {
  const opened = await temporaryStore();
  store = opened.store;
  closeStore = opened.stop;
  log = openMemoryLog({ disk: memoryDisk(), now: () => Date.now() });
  for (const { workspace, facts, ticked } of cases.filter(({ moments }) => moments.length > 0)) {
    await log.ensureTopic(factsTopic(workspace));
    const messages = facts.map(({ fact, id, recordedAt }) =>
      encodeFact(workspace, fact, { id, source: 'scenario', recordedAt }),
    );
    const tick = { id: 'tick', source: 'processor', recordedAt: ticked };
    await log.append(factsTopic(workspace), [
      ...messages,
      encodeFact(workspace, { type: 'tick', edition: EDITION }, tick),
    ]);
  }
  processor = testProcessor(log, store);
  await processor.start();
  const metrics = createMetrics({ defaults: false });
  query = createQuery({
    store,
    log,
    clock: systemClock,
    logger: silentLogger,
    metrics,
    workspace: 'none',
    edition: EDITION,
    limits: { rows: 100_000, waitMs: 2_000, queryMs: 30_000 },
  });
  app = await createHttp({
    logger: silentLogger,
    metrics,
    health: () => ({ live: true, ready: true, parts: [] }),
    title: 'scenarios',
    version: '0',
    bodyBytesMax: 1024,
    requestsPerMinuteMax: null,
    docs: false,
  });
  await app.register(query.routes);
  await app.ready();
});

afterAll(async () => {
  await query.stop();
  await app.close();
  await processor.stop();
  await closeStore();
});

async function get<T>(path: string, parameters: Readonly<Record<string, string>>): Promise<T | undefined> {
  const answer = await app.inject({ method: 'GET', url: `${path}?${new URLSearchParams(parameters)}` });
  if (answer.statusCode === 404) return undefined;
  expect(answer.statusCode, answer.body).toBe(200);
  return JSON.parse(answer.body).data;
}

describe.concurrent('scenarios through the whole pipeline', () => {
  it.each(cases.filter(({ moments }) => moments.length > 0))('$scenario.file', async (one) => {
    const { workspace, scenario, facts, moments } = one;
    await processor.settle(workspace, position(facts.length));
    for (const moment of moments) {
      const { knownAt } = within(moment);
      const asked = { workspace, as_of: instantText(moment.asOf), known_at: instantText(knownAt) };
      const view = memoryView(facts, knownAt);
      const listed = subjectsOf(view.catalog, moment.asOf).flatMap(
        (subject) => evaluate(view, subject, moment.asOf) ?? [],
      );
      const answered = (await get<EvaluationDocument[]>('/v1/status', asked)) ?? [];
      expect(bySubject(answered), asked.as_of).toEqual(bySubject(listed.map(evaluationToJson)));
      for (const said of scenario.expect) {
        if ('error' in said || said.asOf !== moment.asOf || said.knownAt !== moment.knownAt) continue;
        const found =
          answered.find(({ subject }) => subject === said.subject) ??
          (await get<EvaluationDocument>(`/v1/status/${said.subject}`, asked));
        if (found === undefined) throw new Error(`${said.subject} is not answered`);
        expect(differencesOf(evaluationFromJson(found), said.values), `${said.subject} at ${asked.as_of}`).toEqual([]);
      }
    }
  });
});

function bySubject(documents: readonly EvaluationDocument[]): ReadonlyMap<string, EvaluationDocument> {
  return new Map(documents.map((document) => [document.subject, document]));
}
