import type { Instant } from '../instant.ts';
import { DAY_MS, type Day, dayOf } from './date.ts';

/**
 * An IANA zone: offsets, and the first instant of each civil day. Offsets are read from `Intl` once and kept as sorted
 * transitions, so a lookup after warm-up is a binary search.
 */
export interface Zone {
  readonly name: string;
  /** Milliseconds east of UTC. */
  offsetAt(at: Instant): number;
  /** The stretch of one offset around an instant; infinite where the zone knows no transition. */
  stretchAt(at: Instant): Stretch;
  /** The first instant of a civil day. A day the zone skipped has the first instant of the next one. */
  dayStart(day: Day): Instant;
  /** The civil day an instant belongs to: `dayStart(day) <= at < dayStart(day + 1)`. */
  dayAt(at: Instant): Day;
  /** The first instant at which local clocks show `local` (epoch milliseconds of the wall clock read as UTC) or later. */
  instantOfLocal(local: number): Instant;
}

export interface Stretch {
  readonly from: Instant;
  readonly to: Instant;
  readonly offset: number;
}

const zones = new Map<string, Zone>();
const NAME = /^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/;

/** The zone of an IANA name (`Europe/Berlin`, `UTC`), or `undefined` where `Intl` knows none. Bare offsets are no zones. */
export function zoneOf(name: string): Zone | undefined {
  const known = zones.get(name);
  if (known !== undefined) return known;
  if (!NAME.test(name)) return undefined;
  const format = formatterOf(name);
  if (format === undefined) return undefined;
  const zone = new TransitionZone(name, format);
  zones.set(name, zone);
  return zone;
}

/** Names to suggest from. */
export function zoneNames(): readonly string[] {
  return ['UTC', ...Intl.supportedValuesOf('timeZone')];
}

/** Every day that a local clock shows lies within this of the same day in UTC; offsets reach 15:56:08 in history. */
const OFFSET_MAX = 26 * 3_600_000;
/** The shortest time between two transitions in the database since 1900 is seven days (Recife, October 2000). */
const PROBE_MS = 3 * DAY_MS;
const CHUNK_YEARS = 4;
const YEAR_MIN = 1800;
const YEAR_MAX = 2400;

class TransitionZone implements Zone {
  readonly name: string;
  private readonly format: Intl.DateTimeFormat;
  /** Parallel: stretch i runs from starts[i] to starts[i + 1] with offsets[i]. The ends are open. */
  private stretches: Stretch[] = [];
  private low = Number.POSITIVE_INFINITY;
  private high = Number.NEGATIVE_INFINITY;
  private yearLow = 0;
  private yearHigh = 0;
  private hint = 0;

  constructor(name: string, format: Intl.DateTimeFormat) {
    this.name = name;
    this.format = format;
  }

  offsetAt(at: Instant): number {
    return this.stretchAt(at).offset;
  }

  stretchAt(at: Instant): Stretch {
    // The index first: finding it may replace the list.
    const index = this.indexAt(at);
    return this.stretches[index]!;
  }

  dayStart(day: Day): Instant {
    return this.instantOfLocal(day * DAY_MS);
  }

  dayAt(at: Instant): Day {
    const stretch = this.stretchAt(at);
    const day = Math.floor((at + stretch.offset) / DAY_MS);
    // Clocks turned back over a midnight show yesterday's date again; the day that has begun goes on.
    if (at - stretch.from < DAY_MS && this.dayStart(day + 1) <= at) return day + 1;
    return day;
  }

  instantOfLocal(local: number): Instant {
    this.cover(local - 2 * OFFSET_MAX, local + 2 * OFFSET_MAX);
    let index = this.indexAt(local - OFFSET_MAX);
    const { stretches } = this;
    for (; index < stretches.length - 1; index++) {
      const stretch = stretches[index]!;
      const at = local - stretch.offset;
      if (at < stretch.to) return Math.max(at, stretch.from);
    }
    const last = stretches[index]!;
    return Math.max(local - last.offset, last.from);
  }

  private indexAt(at: Instant): number {
    if (!(at - OFFSET_MAX >= this.low && at + OFFSET_MAX < this.high)) this.cover(at - OFFSET_MAX, at + OFFSET_MAX);
    const { stretches, hint } = this;
    const hinted = stretches[hint];
    if (hinted !== undefined && at >= hinted.from && at < hinted.to) return hint;
    let first = 0;
    let last = stretches.length - 1;
    while (first < last) {
      const middle = (first + last + 1) >>> 1;
      if (stretches[middle]!.from <= at) first = middle;
      else last = middle - 1;
    }
    this.hint = first;
    return first;
  }

  /** Reads further years until [from, to) is known, or until the bounds of history that we keep. */
  private cover(from: Instant, to: Instant): void {
    if (from >= this.low && to < this.high) return;
    if (Number.isNaN(from) || Number.isNaN(to)) throw new RangeError(`${from} is no instant`);
    if (this.stretches.length === 0) this.begin(yearOf(from));
    while (to >= this.high && this.yearHigh < YEAR_MAX) {
      this.append(this.yearHigh, Math.min(this.yearHigh + CHUNK_YEARS, YEAR_MAX));
    }
    while (from < this.low && this.yearLow > YEAR_MIN) {
      this.prepend(Math.max(this.yearLow - CHUNK_YEARS, YEAR_MIN), this.yearLow);
    }
    if (this.yearHigh >= YEAR_MAX) this.high = Number.POSITIVE_INFINITY;
    if (this.yearLow <= YEAR_MIN) this.low = Number.NEGATIVE_INFINITY;
  }

  private begin(year: number): void {
    this.yearLow = year;
    this.yearHigh = year;
    this.low = startOfYear(year);
    this.high = this.low;
    this.stretches = [
      { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY, offset: readOffset(this.format, this.low) },
    ];
  }

  private append(fromYear: number, toYear: number): void {
    const found = this.transitionsBetween(startOfYear(fromYear), startOfYear(toYear));
    for (const next of found) {
      const last = this.stretches.pop()!;
      this.stretches.push({ from: last.from, to: next.at, offset: last.offset });
      this.stretches.push({ from: next.at, to: Number.POSITIVE_INFINITY, offset: next.offset });
    }
    this.yearHigh = toYear;
    this.high = startOfYear(toYear);
  }

  private prepend(fromYear: number, toYear: number): void {
    const start = startOfYear(fromYear);
    const found = this.transitionsBetween(start, startOfYear(toYear));
    const older: Stretch[] = [];
    let from = Number.NEGATIVE_INFINITY;
    let offset = readOffset(this.format, start);
    for (const next of found) {
      older.push({ from, to: next.at, offset });
      from = next.at;
      offset = next.offset;
    }
    const first = this.stretches[0]!;
    this.stretches = [...older, { from, to: first.to, offset: first.offset }, ...this.stretches.slice(1)];
    this.yearLow = fromYear;
    this.low = start;
    this.hint = 0;
  }

  private transitionsBetween(from: Instant, to: Instant): { readonly at: Instant; readonly offset: number }[] {
    const found: { at: Instant; offset: number }[] = [];
    let at = from;
    let offset = readOffset(this.format, from);
    while (at < to) {
      const next = Math.min(at + PROBE_MS, to);
      const there = readOffset(this.format, next);
      if (there !== offset) found.push({ at: this.transitionIn(at, next, offset), offset: there });
      at = next;
      offset = there;
    }
    return found;
  }

  /** The first whole second of (low, high] whose offset is not `offset`. */
  private transitionIn(low: Instant, high: Instant, offset: number): Instant {
    let before = low / 1000;
    let after = high / 1000;
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (readOffset(this.format, middle * 1000) === offset) before = middle;
      else after = middle;
    }
    return after * 1000;
  }
}

function yearOf(at: Instant): number {
  const bounded = Math.min(Math.max(at, startOfYear(YEAR_MIN)), startOfYear(YEAR_MAX) - 1);
  return new Date(bounded).getUTCFullYear();
}

function startOfYear(year: number): Instant {
  return dayOf(year, 1, 1) * DAY_MS;
}

function formatterOf(name: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    // A RangeError is how Intl says that it knows no such zone.
    return undefined;
  }
}

const CLOCK = /^(\d+)\/(\d+)\/(\d+), (\d+):(\d+):(\d+)$/;

/** Offset at a whole second. */
function readOffset(format: Intl.DateTimeFormat, at: Instant): number {
  const match = CLOCK.exec(format.format(at));
  if (match === null) throw new RangeError(`Intl printed an unreadable time for ${at}: ${format.format(at)}`);
  const day = dayOf(Number(match[3]), Number(match[1]), Number(match[2]));
  const clock = Number(match[4]) * 3600 + Number(match[5]) * 60 + Number(match[6]);
  return day * DAY_MS + clock * 1000 - at;
}
