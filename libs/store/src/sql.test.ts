import { position } from '@paceline/domain';
import { expect, test } from 'vitest';
import { bind } from './bind.ts';
import {
  lastBefore,
  lastStandingBefore,
  periodPoints,
  standingAt,
  standingPlaces,
  statedExtents,
  statedRange,
  timeCells,
} from './cells/sql.ts';
import type { Statement } from './port.ts';
import * as sql from './sql.ts';

const P = position(7, 3);
const at = { workspace: 'w', edition: 1, position: P };
const points = {
  workspace: 'w',
  metrics: ['m', 'n'],
  bound: position(8),
  ratio: false,
  revisions: true,
  grain: 'day',
} as const;

/** Every read of a table that holds history, with all its options and with none. */
const BOUNDED: Readonly<Record<string, Statement>> = {
  definitionsAt: sql.definitionsAt('w', P),
  definitionVersions: sql.definitionVersions('w', P),
  definitionVersionsOfOne: sql.definitionVersions('w', P, 'kpi/x'),
  definitionsPosition: sql.definitionsPosition('w', P),
  checkInsAt: sql.checkInsAt('w', P),
  checkInsOfSome: sql.checkInsAt('w', P, ['key_result/o/k']),
  coveredAt: sql.coveredAt('w', P),
  coveredOfSome: sql.coveredAt('w', P, ['m']),
  pushedMetrics: sql.pushedMetrics('w', ['m'], P),
  judgementsAt: sql.judgementsAt(at),
  judgementsOfSome: sql.judgementsAt({ ...at, subjects: ['kpi/x'], from: 0, to: 1 }),
  judgementHashesAt: sql.judgementHashesAt({ ...at, subjects: ['kpi/x'], from: 0, to: 1 }),
  latestJudgements: sql.latestJudgements({ ...at, perSubject: 2 }),
  judgementHistory: sql.judgementHistory({ ...at, subjects: ['kpi/x'] }),
  observationStatements: sql.observationStatements({ workspace: 'w', position: P, metric: 'm' }, { limit: 10 }),
  observationStatementsOfOne: sql.observationStatements(
    { workspace: 'w', position: P, metric: 'm', series: '{}', from: 0, to: 1, period: '2026' },
    { limit: 10, after: position(9) },
  ),
  alertEvents: sql.alertEvents({ ...at, alerts: ['a'], rule: 'r', subject: 's' }, { limit: 10 }),
  rollupsAt: sql.rollupsAt({ workspace: 'w', metric: 'm', grain: 'day', shape: 0, from: 0, to: 1, position: P }),
  latestSnapshot: sql.latestSnapshot('w', 1, P),
  periodPoints: periodPoints({
    ...points,
    ranges: [
      { atFrom: 0, atTo: 1 },
      { atFrom: 1, atTo: 2 },
    ],
    earlyMs: 5,
  }),
  timeCells: timeCells({ ...points, edges: [0, 1, 2], only: [1], pairs: [['m', '{}']], extra: 'counter' }),
  lastBefore: lastBefore({ ...points, befores: [1, 2] }),
  lastStandingBefore: lastStandingBefore({ ...points, before: 1, series: ['{}'] }),
  statedRange: statedRange(points),
  statedExtents: statedExtents(points),
  standingAt: standingAt({ ...points, places: [['m', 0]] }),
  standingPlaces: standingPlaces(points),
};

test.each(Object.entries(BOUNDED))(
  '%s sees one workspace, and of it the records up to its position',
  (_, statement) => {
    expect(statement.sql).toMatch(/\bworkspace = \{workspace:String\}/);
    expect(statement.sql).toMatch(/\b(\w+\.)?pos(ition)? < \{bound:UInt64\}/);
    expect(statement.params).toMatchObject({ workspace: 'w', bound: position(8) });
    // Every table named is named within the condition.
    expect(
      statement.sql.match(/\bFROM (observation|judgement|definition|check_in|covered|alert|command|snapshot|rollup)\b/g)
        ?.length,
    ).toBe(statement.sql.match(/workspace = \{workspace:String\}/g)?.length);
  },
);

const OTHERS: Readonly<Record<string, Statement>> = {
  commandOutcome: sql.commandOutcome('w', 'c'),
  statusList: sql.statusList('w', 1),
  statusOfSome: sql.statusList('w', 1, ['kpi/x']),
  deadLetters: sql.deadLetters('w', { limit: 5 }),
  deadLetter: sql.deadLetters('w', { limit: 5 }, P),
  progressOf: sql.progressOf('w'),
  progressOfAll: sql.progressOf(),
  positionAt: sql.positionAt('w', 5),
  recordedAtOf: sql.recordedAtOf('w', P),
};

test.each(Object.entries({ ...BOUNDED, ...OTHERS }))(
  '%s has a value for every place and a place for every value',
  (_, statement) => {
    expect(() => bind(statement)).not.toThrow();
  },
);

test('pages are bounded whatever is asked for', () => {
  const { params } = sql.observationStatements({ workspace: 'w', position: P, metric: 'm' }, { limit: 1e9 });
  expect(params.limit).toBe(sql.PAGE_MAX);
  expect(sql.deadLetters('w', { limit: -1 }).params.limit).toBe(1);
});

test('a page after a row ends before it and never passes the reader’s own bound', () => {
  const wanted = { workspace: 'w', position: P, metric: 'm' };
  expect(sql.observationStatements(wanted, { limit: 1, after: position(3, 2) }).params.bound).toBe(position(3, 2));
  expect(sql.observationStatements(wanted, { limit: 1, after: position(99) }).params.bound).toBe(position(8));
});

test('a standing statement is chosen whole: no aggregate that passes over NULL stands between', () => {
  for (const ratio of [false, true]) {
    const text = timeCells({ ...points, ratio, edges: [0, 1], extra: 'none' }).sql;
    expect(text).toContain('LIMIT 1 BY metric, series, at, id');
    expect(text.indexOf('LIMIT 1 BY')).toBeLessThan(text.indexOf('IS NOT NULL'));
  }
  expect(periodPoints({ ...points, ranges: [], earlyMs: 0 }).sql).toContain(
    'ORDER BY metric, series, at, period, id, revision DESC, read_at DESC, pos DESC',
  );
  expect(periodPoints({ ...points, revisions: false, ranges: [], earlyMs: 0 }).sql).toContain(
    'id, read_at DESC, pos DESC',
  );
});
