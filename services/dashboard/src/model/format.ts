import { numberWords } from '@paceline/domain/evaluate/words';
import { percent } from '@paceline/domain/look';
import type { Evaluation } from '../wire.ts';
import type { Rollup } from './tree.ts';

/** A decimal for people, `''` for none. */
export function numberText(decimal: string | null | undefined): string {
  return decimal === null || decimal === undefined ? '' : numberWords(decimal);
}

/** A double for people: long enough to tell apart, without the noise of binary fractions. */
export function doubleText(value: number): string {
  if (!Number.isFinite(value)) return '';
  const plain = Number(value.toPrecision(10));
  return Math.abs(plain) >= 1e21 ? String(plain) : numberWords(plainText(plain));
}

function plainText(value: number): string {
  const text = String(value);
  return text.includes('e') ? value.toFixed(9).replace(/\.?0+$/, '') || '0' : text;
}

export interface ValueWords {
  readonly value: string;
  readonly target: string;
  readonly measure: string;
}

/** `912,000`, `1,000,000`, `EUR`; of goals without a number of their own their progress. */
export function valueWords(evaluation: Evaluation, measure: string | null): ValueWords {
  const { value, target, targetLow, targetHigh, progress, subject } = evaluation;
  const isGoal = subject.startsWith('objective/') || subject.startsWith('unit/');
  if (isGoal || (value === null && target === null && targetLow === null && progress !== null)) {
    return {
      value: progress === null ? '–' : percent(progress),
      target: progress === null ? '' : '100 %',
      measure: '',
    };
  }
  const range = targetLow === null || targetHigh === null ? '' : `${numberText(targetLow)} – ${numberText(targetHigh)}`;
  return {
    value: value === null ? '–' : numberText(value),
    target: target === null ? range : numberText(target),
    measure: measure ?? '',
  };
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `just now`, `4 min old`, `3 h old`, `5 months old`: an age, cut. */
export function ageText(ms: number): string {
  if (ms < MINUTE) return 'just now';
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min old`;
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)} h old`;
  if (ms < 60 * DAY) return `${Math.floor(ms / DAY)} d old`;
  if (ms < 730 * DAY) return `${Math.floor(ms / (30.44 * DAY))} months old`;
  return `${Math.floor(ms / (365.25 * DAY))} years old`;
}

/** `22 Nov 2026, 06:00`, in a zone; `UTC` where none is given. */
export function instantWords(iso: string, timezone = 'UTC'): string {
  return new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZone: timezone,
  }).format(Date.parse(iso));
}

export function dayWords(iso: string, timezone = 'UTC'): string {
  return new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    timeZone: timezone,
  }).format(Date.parse(iso));
}

/** `20 Nov` for a day; other labels are words already. */
export function bucketWords(label: string): string {
  return /^\d{4}-\d{2}-\d{2}$/.test(label) ? dayWords(label).replace(/ \d{4}$/, '') : label;
}

export const KIND_WORDS = {
  unit: 'unit',
  objective: 'objective',
  key_result: 'key result',
  kpi: 'KPI',
  group: 'group',
} as const;

/** How members add up, in the words a reader can check: `mean of 3, by weight`, `weakest of 3`. */
export function rollupWords(rollup: Rollup | null): string {
  if (rollup === null || rollup.members.length === 0) return '';
  const count = rollup.members.length;
  if (count === 1) return 'one member';
  if (rollup.rule === 'min') return `weakest of ${count}`;
  const [first] = rollup.members;
  const alike = rollup.members.every(({ weight }) => weight === first?.weight);
  return alike ? `mean of ${count}` : `mean of ${count}, by weight`;
}

/** `weight 2 · 50 %`; nothing where all weigh alike and so nothing is to be told. */
export function weightWords(weight: number | null, share: number | null): string {
  if (weight === null) return '';
  if (weight === 0) return 'weight 0, counts in nothing';
  return share === null
    ? `weight ${doubleText(weight)}`
    : `weight ${doubleText(weight)} · ${Math.round(share * 100)} %`;
}
