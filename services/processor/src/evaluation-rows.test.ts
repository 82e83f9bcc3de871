import { hash } from 'node:crypto';
import { type Evaluation, evaluationToJson, position } from '@paceline/domain';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { print } from './evaluation-rows.ts';
import { EVALUATION } from './testing/evaluation.ts';

/** Keys and quotes in a text must not be taken for the document's own. */
const text = fc.oneof(
  fc.string(),
  fc
    .array(fc.constantFrom('"knownAt":', '"position":"', '"definitions":null', ',', '\\', '"', '"sentence":'))
    .map((parts) => parts.join('')),
);
const instant = fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2040, 0, 1) });
const evaluation: fc.Arbitrary<Evaluation> = fc
  .record({
    subject: text,
    knownAt: instant,
    label: text,
    position: fc.nat().map((offset) => position(offset)),
    definitions: fc.option(fc.nat().map((offset) => position(offset))),
    policy: fc.option(text),
    sentence: text,
  })
  .map(({ label, ...own }) => ({ ...EVALUATION, ...NUMBERS, ...own, period: { from: 0, to: 1, label } }));

/** Numbers that have many digits, and values that are not there. */
const NUMBERS: Partial<Evaluation> = {
  asOf: Date.UTC(2026, 10, 22),
  measuredAt: null,
  value: '912000.5',
  target: '1000000',
  progress: 0.1 + 0.2,
  progressRaw: 0.1 + 0.2,
  elapsed: 1 / 3,
  expected: 1 / 3,
  expectedValue: null,
  pace: null,
  gap: -0.25,
  verdict: 'on_track',
  reason: 'at_or_above_on_track',
  lastObservedAt: null,
};

test('a judgement has the text of its document, and the hash of that text without what was known when', () => {
  fc.assert(
    fc.property(evaluation, (of) => {
      const document = evaluationToJson(of);
      const { text, hash: printed } = print(of);
      expect(text).toBe(JSON.stringify(document));
      const said = JSON.stringify({ ...document, knownAt: '', position: '', definitions: null });
      expect(printed.toString('hex')).toBe(hash('sha256', said, 'hex').slice(0, 32));
    }),
  );
});
