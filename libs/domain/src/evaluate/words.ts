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

/** `22 Nov 2026`, in the subject's zone. */
export function dateWords(at: Instant, zone: Zone): string {
  const { year, month, day } = civilOf(zone.dayAt(at));
  return `${day} ${MONTHS[month - 1] ?? ''} ${pad(year, 4)}`;
}

/**
 * Canonical decimal text for people: `912,000`, `0.4636`. Two places are kept as they are; more are rounded to what is worth
 * reading, so a sentence never claims a precision nobody compares by eye.
 */
export function numberWords(text: string): string {
  const [whole = '0', places = ''] = text.replace('-', '').split('.');
  const sign = text.startsWith('-') ? '-' : '';
  if (places.length <= 2 && (whole.length < 4 || places === ''))
    return sign + grouped(whole) + (places === '' ? '' : `.${places}`);
  const keep = whole.length >= 4 ? 0 : whole.length === 3 ? 1 : whole !== '0' ? 2 : leadingZeros(places) + 3;
  return sign + rounded(whole, places, keep);
}

function leadingZeros(places: string): number {
  return /^0*/.exec(places)?.[0].length ?? 0;
}

/** Half up on the digits themselves; doubles do not hold 38 of them. */
function rounded(whole: string, places: string, keep: number): string {
  const digits = BigInt(whole + places.padEnd(keep, '0').slice(0, keep));
  const up = Number(places[keep] ?? '0') >= 5 ? 1n : 0n;
  const text = (digits + up).toString().padStart(keep + 1, '0');
  const head = text.slice(0, text.length - keep);
  const tail = text.slice(text.length - keep).replace(/0+$/, '');
  return grouped(head) + (keep === 0 || tail === '' ? '' : `.${tail}`);
}

function grouped(whole: string): string {
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
