import { type Evaluation, evaluationToJson, type Transition } from '@paceline/domain';
import { describe, expect, it } from 'vitest';
import { type AlertRecord, decodeAlertRecord, encodeAlertRecord } from './alert-records.ts';
import { encodeFact, type WireRecord } from './codec.ts';
import { type DeadLetter, decodeDeadLetter, encodeDeadLetter } from './dead-letter.ts';

const at = Date.UTC(2026, 10, 22, 6);
const evaluation: Evaluation = {
  subject: 'kpi/new-revenue',
  asOf: at,
  knownAt: at + 0.001,
  measuredAt: null,
  period: { from: at - 1000, to: at, label: '2026-Q4' },
  position: 1841 * 1024,
  value: '912000',
  baseline: null,
  target: '1000000',
  targetLow: null,
  targetHigh: null,
  progress: 0.56,
  progressRaw: 0.56,
  elapsed: 0.5654142145767316,
  expected: 0.5654142145767316,
  expectedValue: '913082.842915346',
  pace: 0.9904243394715773,
  gap: 0.005414214576731524,
  paceMethod: 'linear',
  verdict: 'off_track',
  reason: 'below_at_risk',
  freshness: 'late',
  lateAt: at,
  staleAt: null,
  lastObservedAt: at,
  provisional: false,
  carried: true,
  resets: 1,
  coverage: 1,
  freshCoverage: 0,
  worstChild: 'missed',
  score: null,
  scoreOriginal: null,
  forecast: null,
  definitions: 120 * 1024,
  policy: 'paceline@1',
  edition: 1,
  sentence: '…',
};
const transition: Transition = {
  id: 't-1',
  alert: 'abc',
  rule: 'mrr-off-track',
  subject: 'kpi/new-revenue',
  period: '2026-Q4',
  episode: at,
  kind: 'opened',
  severity: 'page',
  at,
  position: 1842 * 1024,
  recordedAt: at + 0.5,
  channels: ['ops-hook'],
  evaluation,
  previous: { value: null, verdict: 'on_track' },
};
const RECORDS: readonly AlertRecord[] = [
  { type: 'transition', workspace: 'acme', transition },
  { type: 'transition', workspace: 'acme', transition: { ...transition, previous: null } },
  {
    type: 'delivery',
    workspace: 'acme',
    delivery: { transition: 't-1', channel: 'ops-hook', attempt: 1, at, outcome: 'retry', status: 503, nextAt: at + 1 },
  },
  {
    type: 'delivery',
    workspace: 'acme',
    delivery: { transition: 't-1', channel: 'ops-hook', attempt: 0, at, outcome: 'expired', message: 'a day late' },
  },
];
const recordOf = (record: AlertRecord): WireRecord => ({
  ...encodeAlertRecord(record, { id: 'i', source: 'alerts' }),
  offset: 1,
  appendedAt: at,
});

describe('records of topic alerts', () => {
  it.each(RECORDS)('come back as they went in: $type', (record) => {
    expect(decodeAlertRecord(recordOf(record))).toStrictEqual({ ok: true, id: 'i', record, recordedAt: at });
  });
  it('hold the evaluation as every surface prints it', () => {
    const { evaluation: written } = JSON.parse(new TextDecoder().decode(recordOf(RECORDS[0]!).value));
    expect(written).toEqual(evaluationToJson(evaluation));
  });
  it('refuse a fact', () => {
    const message = encodeFact('acme', { type: 'tick', edition: 1 }, { id: 'i', source: 's' });
    expect(decodeAlertRecord({ ...message, offset: 1, appendedAt: at })).toMatchObject({ code: 'unknown_type' });
  });
  it('refuse another version', () => {
    const record = recordOf(RECORDS[0]!);
    const headers = { ...record.headers, ce_type: 'paceline.transition.v2' };
    expect(decodeAlertRecord({ ...record, headers })).toMatchObject({ code: 'unknown_version' });
  });
  it('refuse a body of another shape', () => {
    const record = { ...recordOf(RECORDS[0]!), value: recordOf(RECORDS[2]!).value };
    expect(decodeAlertRecord(record)).toMatchObject({ code: 'invalid_fact' });
  });
});

describe('a dead letter', () => {
  const poison: DeadLetter = {
    topic: 'facts.acme',
    offset: 12,
    appendedAt: at,
    index: 3,
    code: 'unknown_dimension',
    message: 'region? pays? ünbekannt',
    key: null,
    value: new Uint8Array([0, 255, 1]),
    headers: { ce_id: 'x' },
  };
  it('keeps the record byte for byte, and the reason', () => {
    expect(decodeDeadLetter({ ...encodeDeadLetter(poison), offset: 0, appendedAt: 0 })).toStrictEqual({
      ok: true,
      letter: poison,
    });
  });
  it('that is none says what is missing', () => {
    const { headers, ...rest } = encodeDeadLetter(poison);
    const decoded = decodeDeadLetter({
      ...rest,
      headers: { ...headers, 'dead-offset': 'x' },
      offset: 0,
      appendedAt: 0,
    });
    expect(decoded).toMatchObject({ ok: false, message: expect.stringContaining('dead-offset') });
  });
});
