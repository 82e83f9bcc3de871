import type { Threshold } from '../document.ts';
import type { Verdict } from '../evaluation.ts';
import type { Instant } from '../instant.ts';
import { round12 } from '../number/round.ts';
import { civilOf, pad } from '../time/date.ts';
import type { Zone } from '../time/zone.ts';

export const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  missed: 'missed',
  off_track: 'off track',
  at_risk: 'at risk',
  no_target: 'no target',
  no_data: 'no data',
  insufficient_data: 'not enough data',
  not_started: 'not started',
  on_track: 'on track',
  achieved: 'achieved',
};

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** What was said is said again at every instant: kept by what it says, emptied when full. */
const KEPT_MAX = 10_000;
const dates = new Map<number, string>();
/** What was measured by one instant is said one after another. */
const recent: { at: Instant; zone: Zone | null; words: string } = { at: Number.NaN, zone: null, words: '' };

/** `22 Nov 2026`, in the subject's zone. */
export function dateWords(at: Instant, zone: Zone): string {
  if (recent.at !== at || recent.zone !== zone) {
    recent.words = wordsOfDay(at, zone);
    recent.at = at;
    recent.zone = zone;
  }
  return recent.words;
}

function wordsOfDay(at: Instant, zone: Zone): string {
  const of = zone.dayAt(at);
  let words = dates.get(of);
  if (words === undefined) {
    const { year, month, day } = civilOf(of);
    words = `${day} ${MONTHS[month - 1] ?? ''} ${pad(year, 4)}`;
    if (dates.size >= KEPT_MAX) dates.clear();
    dates.set(of, words);
  }
  return words;
}

const targets = new Map<string, string>();

/** `numberWords` of what stands in a definition. */
export function targetWords(text: string): string {
  let words = targets.get(text);
  if (words === undefined) {
    words = numberWords(text);
    if (targets.size >= KEPT_MAX) targets.clear();
    targets.set(text, words);
  }
  return words;
}

/**
 * Canonical decimal text for people: `912,000`, `0.4636`. Two places are kept as they are; more are rounded to what is worth
 * reading, so a sentence never claims a precision nobody compares by eye.
 */
export function numberWords(text: string): string {
  if (text.charCodeAt(0) === MINUS) return `-${numberWords(text.slice(1))}`;
  const dot = text.indexOf('.');
  if (dot < 0) return grouped(text);
  const places = text.length - dot - 1;
  if (places <= 2 && dot < 4) return text;
  const keep = dot >= 4 ? 0 : dot === 3 ? 1 : text.charCodeAt(0) !== ZERO ? 2 : leadingZeros(text) + 3;
  return rounded(text, dot, keep);
}

const MINUS = 45;
const ZERO = 48;
const FIVE = 53;

/** Of `0.00…`. */
function leadingZeros(text: string): number {
  let at = 2;
  while (text.charCodeAt(at) === ZERO) at++;
  return at - 2;
}

/** Longer numbers than this no double holds. */
const SAFE_DIGITS = 15;

/** Half up on the digits themselves; doubles do not hold 38 of them. */
function rounded(text: string, dot: number, keep: number): string {
  const head = text.slice(0, dot);
  const up = text.charCodeAt(dot + 1 + keep) >= FIVE;
  if (keep === 0) return grouped(up ? nextOf(head) : head);
  const digits = head + text.slice(dot + 1, dot + 1 + keep).padEnd(keep, '0');
  const all = up ? nextOf(digits) : digits;
  let end = all.length;
  const point = end - keep;
  while (end > point && all.charCodeAt(end - 1) === ZERO) end--;
  const whole = all.slice(0, point);
  return end === point ? grouped(whole) : `${grouped(whole)}.${all.slice(point, end)}`;
}

function nextOf(digits: string): string {
  return digits.length <= SAFE_DIGITS
    ? String(Number(digits) + 1).padStart(digits.length, '0')
    : (BigInt(digits) + 1n).toString();
}

function grouped(whole: string): string {
  if (whole.length <= 3) return whole;
  let text = whole.slice(-3);
  for (let end = whole.length - 3; end > 0; end -= 3) text = `${whole.slice(Math.max(0, end - 3), end)},${text}`;
  return text;
}

/** How many places a bar needs to be said in percent: .165 needs one. */
export function placesOf(bar: number): number {
  if (Number.isInteger(round12(bar * 100))) return 0;
  const text = String(round12(bar * 100));
  return Math.min(4, text.length - text.indexOf('.') - 1);
}

/** A share in percent, cut towards less: 89.57 % is 89 %, never 90 %. */
export function percentDown(share: number, places = 0): string {
  return shown(Math.floor(scaled(share, places) + TINY), places);
}

/** A gap in percentage points, cut towards more: the worse side of its bar. */
export function percentUp(share: number, places = 0): string {
  return shown(Math.ceil(scaled(share, places) - TINY), places);
}

/** Less than the last of twelve decimals, more than a double's own error. */
const TINY = 5e-11;

function scaled(share: number, places: number): number {
  return round12(share) * 100 * 10 ** places;
}

function shown(value: number, places: number): string {
  if (places === 0 && value >= 0 && value < 1000) return String(value);
  return numberWords(String((value === 0 ? 0 : value) / 10 ** places));
}

/** `90 % or more`, `less than 16.5 points`. */
export function barWords(bar: Threshold, unit: '%' | 'points'): string {
  const say = (value: number): string => `${numberWords(String(round12(value * 100)))} ${unit}`;
  if (bar.atLeast !== undefined) return `${say(bar.atLeast)} or more`;
  if (bar.above !== undefined) return `more than ${say(bar.above)}`;
  if (bar.atMost !== undefined) return `${say(bar.atMost)} or less`;
  return bar.below === undefined ? '' : `less than ${say(bar.below)}`;
}

/** What it is not to pass a bar. */
export function beyondWords(bar: Threshold, unit: '%' | 'points'): string {
  if (bar.atLeast !== undefined) return barWords({ below: bar.atLeast }, unit);
  if (bar.above !== undefined) return barWords({ atMost: bar.above }, unit);
  if (bar.atMost !== undefined) return barWords({ above: bar.atMost }, unit);
  return bar.below === undefined ? '' : barWords({ atLeast: bar.below }, unit);
}
