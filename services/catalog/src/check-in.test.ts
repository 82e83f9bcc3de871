import { type Catalog, DefinitionFold } from '@paceline/domain';
import { loadDocuments } from '@paceline/events';
import { describe, expect, it } from 'vitest';
import { type CheckInRequest, checkIn } from './check-in.ts';

const TEXT = `apiVersion: paceline/v1
kind: Cycle
metadata: {name: 2026-q4}
spec: {firstDay: 2026-10-01, lastDay: 2026-12-31, timezone: Europe/Berlin}
---
apiVersion: paceline/v1
kind: Metric
metadata: {name: mrr}
spec: {aggregation: last, grain: day}
---
apiVersion: paceline/v1
kind: Objective
metadata: {name: grow}
spec:
  cycle: 2026-q4
  keyResults:
    - {name: nps, type: reach, baseline: 20, target: 50}
    - {name: launch, type: milestones, milestones: [{name: beta}, {name: ga}]}
    - {name: hire, type: done}
    - {name: mrr, metric: mrr, type: reach, baseline: 1, target: 2}
`;
const now = Date.UTC(2026, 10, 22, 6);

function catalog(): Catalog {
  const { documents, faults } = loadDocuments([{ file: 't', text: TEXT }], {});
  expect(faults).toEqual([]);
  const fold = new DefinitionFold();
  const put = documents.map(({ document }) => document);
  fold.apply(
    { type: 'definitions', command: 'c', expects: null, put, remove: [] },
    { position: 0, appendedAt: 1, id: 'c' },
  );
  return fold.catalog;
}
const say = (name: string, said: Omit<CheckInRequest, 'subject'>) =>
  checkIn(catalog(), { subject: `key_result/grow/${name}`, ...said }, now);

describe('a check-in becomes a fact', () => {
  it.each([
    ['nps', { value: 34 }, { value: '34' }],
    [
      'nps',
      { value: '34.50', confidence: 0.7, note: 'n', actor: 'ada' },
      { value: '34.5', confidence: 0.7, note: 'n', actor: 'ada' },
    ],
    ['launch', { milestones: { beta: true } }, { milestones: { beta: true } }],
    ['launch', { note: 'still on it' }, { note: 'still on it' }],
    ['hire', { done: false }, { done: false }],
    ['mrr', { confidence: 0.2 }, { confidence: 0.2 }],
  ])('of %s: %j', (name, said, fact) => {
    expect(say(name, said)).toEqual({
      ok: true,
      fact: { type: 'check_in', subject: `key_result/grow/${name}`, time: now, ...fact },
    });
  });
  it('as of its own time, however late it is said', () => {
    expect(say('nps', { value: 1, time: now - 1e10 })).toMatchObject({ ok: true, fact: { time: now - 1e10 } });
  });
  it('at most one bucket ahead', () => {
    // Weeks of the cycle's zone: the running one ends on the 22nd at 23:00 UTC, the next a week later.
    const end = Date.UTC(2026, 10, 29, 23);
    expect(say('nps', { value: 1, time: end - 1 })).toMatchObject({ ok: true });
    expect(say('nps', { value: 1, time: end })).toMatchObject({ ok: false, code: 'in_future', pointer: '/time' });
  });
});

describe('a check-in is refused', () => {
  it.each([
    ['nps', {}, 'invalid_check_in', '/value'],
    ['nps', { note: 'no value' }, 'invalid_check_in', '/value'],
    ['nps', { done: true }, 'invalid_check_in', '/done'],
    ['nps', { value: 'NaN' }, 'not_a_number', '/value'],
    ['nps', { value: '0.1234567891' }, 'too_many_digits', '/value'],
    ['launch', { milestones: { bta: true } }, 'invalid_check_in', '/milestones/bta'],
    ['launch', { milestones: {} }, 'invalid_check_in', '/milestones'],
    ['launch', { value: 1 }, 'invalid_check_in', '/value'],
    ['launch', {}, 'invalid_check_in', ''],
    ['hire', { milestones: { beta: true } }, 'invalid_check_in', '/milestones'],
    ['mrr', { value: 1 }, 'not_check_in_fed', '/value'],
    ['mrr', {}, 'invalid_check_in', ''],
  ])('of %s: %j', (name, said, code, pointer) => {
    expect(say(name, said)).toMatchObject({ ok: false, code, pointer });
  });
  it.each([
    ['key_result/grow/nsp', 'unknown_subject', 'did you mean key_result/grow/nps?'],
    ['objective/grow', 'invalid_check_in', 'a check-in is said of a key result'],
    ['kpi/none', 'unknown_subject', 'there is no key result kpi/none'],
    ['nonsense', 'unknown_subject', 'there is no key result nonsense'],
  ])('of %s', (subject, code, message) => {
    expect(checkIn(catalog(), { subject, value: 1 }, now)).toMatchObject({
      ok: false,
      code,
      message: expect.stringContaining(message),
    });
  });
});
