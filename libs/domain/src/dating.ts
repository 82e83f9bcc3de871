import type { Dated, DatedEntry } from './document.ts';
import type { Instant } from './instant.ts';

/** One entry of an effective-dated value, with the instant from which it holds. */
export interface EffectiveEntry<Value> {
  readonly from: Instant;
  /** 00:00 local of its own date; earlier entries of a list yield to later ones wherever both hold. */
  readonly dated: Instant;
  readonly value: Value;
}

/** Ascending by `dated`. A plain value is one entry that has always held. */
export type Effective<Value> = readonly EffectiveEntry<Value>[];

export function isDated<Value>(value: Dated<Value>): value is readonly DatedEntry<Value>[] {
  return Array.isArray(value);
}

/**
 * Dates to instants: an entry begins at 00:00 of its date, a retroactive one at the start of the period that contains
 * that instant (EVALUATION §7).
 */
export function effective<Written, Value>(
  value: Dated<Written> | undefined,
  read: (written: Written) => Value | undefined,
  calendar: EntryCalendar,
): Effective<Value> {
  if (value === undefined) return [];
  if (!isDated(value)) {
    const always = read(value);
    return always === undefined ? [] : [{ from: ALWAYS, dated: ALWAYS, value: always }];
  }
  const entries: EffectiveEntry<Value>[] = [];
  for (const entry of value) {
    const dated = calendar.dayStart(entry.effectiveFrom);
    const means = read(entry.value);
    // What cannot be read was refused before it came here; it must not take the rest with it.
    if (dated === undefined || means === undefined) continue;
    const from = entry.mode === 'retroactive' ? Math.min(dated, calendar.periodStart(dated)) : dated;
    entries.push({ from, dated, value: means });
  }
  return entries.sort((left, right) => left.dated - right.dated);
}

/** Where a subject's dates begin, and the periods a retroactive entry reaches back over. */
export interface EntryCalendar {
  /** 00:00 local of a date; `undefined` where the text is no date. */
  dayStart(date: string): Instant | undefined;
  /** Start of the period that contains an instant. */
  periodStart(at: Instant): Instant;
}

const ALWAYS = Number.NEGATIVE_INFINITY;

/** The nearest value in force: of layers (key result, objective, workspace) the first that has one. */
export function nearestInForce<Value>(
  layers: readonly Effective<Value>[],
  asOf: Instant,
  end: Instant,
): Value | undefined {
  for (const layer of layers) {
    const value = inForce(layer, asOf, end);
    if (value !== undefined) return value;
  }
  return undefined;
}

/**
 * The value in force: the entry at `asOf`, or at the last instant before `end` when the judged period is over by then.
 * Of entries that hold, the one with the latest date.
 */
export function inForce<Value>(entries: Effective<Value>, asOf: Instant, end: Instant): Value | undefined {
  for (let index = entries.length - 1; index >= 0; index -= 1) {
    const entry = entries[index];
    if (entry !== undefined && entry.from <= asOf && entry.from < end) return entry.value;
  }
  return undefined;
}

/** The first value ever set: what `scoreOriginal` is measured against. */
export function original<Value>(entries: Effective<Value>): Value | undefined {
  return entries[0]?.value;
}

/** Instants within `(after, upTo]` at which another entry begins to hold. */
export function effectiveEdges(entries: Effective<unknown>, after: Instant, upTo: Instant): Instant[] {
  return entries.map((entry) => entry.dated).filter((at) => at > after && at <= upTo);
}
