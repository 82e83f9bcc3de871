import type { Evaluation } from '../evaluation.ts';
import { type EvaluationDocument, evaluationToJson } from '../json.ts';
import { canonicalDecimal } from '../number/decimal.ts';
import { readInstant } from '../time/instant-text.ts';

export interface Difference {
  readonly key: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

/** Ratios are equal within this. */
const RATIO = 1e-9;

/** What an evaluation says otherwise than expected; only the keys given are looked at. */
export function differencesOf(evaluation: Evaluation, expected: Readonly<Record<string, unknown>>): Difference[] {
  const said: EvaluationDocument = evaluationToJson(evaluation);
  const actual: ReadonlyMap<string, unknown> = new Map(Object.entries(said));
  const differences: Difference[] = [];
  for (const [key, value] of Object.entries(expected)) {
    if (!actual.has(key)) differences.push({ key, expected: value, actual: 'an evaluation has no such key' });
    else if (!equal(value, actual.get(key))) differences.push({ key, expected: value, actual: actual.get(key) });
  }
  return differences;
}

function equal(expected: unknown, actual: unknown): boolean {
  if (typeof expected === 'number' && typeof actual === 'number') return Math.abs(expected - actual) <= RATIO;
  if (typeof actual === 'string' && (typeof expected === 'string' || typeof expected === 'number')) {
    return expected === actual || sameDecimal(expected, actual) || sameInstant(String(expected), actual);
  }
  if (isObject(expected) && isObject(actual)) {
    const values = new Map<string, unknown>(Object.entries(actual));
    return Object.entries(expected).every(([key, value]) => equal(value, values.get(key)));
  }
  return expected === actual;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** A number or text that means the decimal printed: 10 is "10". */
function sameDecimal(expected: string | number, actual: string): boolean {
  const canonical = canonicalDecimal(expected);
  return typeof canonical === 'string' && canonical === actual;
}

function sameInstant(expected: string, actual: string): boolean {
  const at = readInstant(expected);
  return at !== undefined && at === readInstant(actual);
}
