import type { CalendarDocument } from '../document.ts';
import type { Compiled, Fault } from '../fault.ts';
import { type Day, formatDate, parseDate } from './date.ts';
import { type Zone, zoneOf } from './zone.ts';

/** A calendar ready for use: the rules by which days of a zone form weeks, fiscal years and periods. */
export interface Calendar {
  /** `null` for the plain calendar of a zone. */
  readonly name: string | null;
  readonly zone: Zone;
  /** 0 Monday (ISO weeks) … 6 Sunday. */
  readonly weekStart: number;
  /** 1..12 */
  readonly fiscalYearStart: number;
  /** Ascending, disjoint; gaps are allowed. `null` without a table. */
  readonly periods: readonly CalendarPeriod[] | null;
}

export interface CalendarPeriod {
  readonly label: string;
  readonly firstDay: Day;
  /** The day after the last one. */
  readonly endDay: Day;
}

const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;

const plain = new Map<string, Calendar>();

/** ISO weeks, fiscal year = year, no table. One object per zone, so that grids made of it are shared. */
export function plainCalendar(zone: Zone): Calendar {
  let calendar = plain.get(zone.name);
  if (calendar === undefined) {
    calendar = { name: null, zone, weekStart: 0, fiscalYearStart: 1, periods: null };
    plain.set(zone.name, calendar);
  }
  return calendar;
}

const moved = new WeakMap<Calendar, Map<string, Calendar>>();

/** The same rules in another zone: a KPI's calendar is read in the zone of its metric. */
export function calendarIn(calendar: Calendar, zone: Zone): Calendar {
  if (calendar.zone.name === zone.name) return calendar;
  let byZone = moved.get(calendar);
  if (byZone === undefined) {
    byZone = new Map();
    moved.set(calendar, byZone);
  }
  let there = byZone.get(zone.name);
  if (there === undefined) {
    there = { ...calendar, zone };
    byZone.set(zone.name, there);
  }
  return there;
}

/** Faults: `invalid_zone`, `invalid_type`, `invalid_date`, `overlapping_dates`, `duplicate_name`. */
export function compileCalendar(document: CalendarDocument): Compiled<Calendar> {
  const { spec, metadata } = document;
  const faults: Fault[] = [];
  const zone = zoneOf(spec.timezone);
  if (zone === undefined) faults.push(unknownZone(spec.timezone, '/spec/timezone'));
  const weekStart = spec.weekStart === undefined ? 0 : WEEKDAYS.indexOf(spec.weekStart);
  if (weekStart < 0) {
    faults.push({
      code: 'invalid_type',
      message: `weekStart is one of ${WEEKDAYS.join(', ')}`,
      pointer: '/spec/weekStart',
    });
  }
  const fiscalYearStart = spec.fiscalYearStart ?? 1;
  if (!Number.isInteger(fiscalYearStart) || fiscalYearStart < 1 || fiscalYearStart > 12) {
    faults.push({
      code: 'invalid_type',
      message: 'fiscalYearStart is the number of a month, 1 to 12',
      pointer: '/spec/fiscalYearStart',
    });
  }
  const periods = spec.periods === undefined ? null : compilePeriods(spec.periods, faults);
  if (zone === undefined || faults.length > 0) return { ok: false, faults };
  return { ok: true, value: { name: metadata.name, zone, weekStart, fiscalYearStart, periods } };
}

export function unknownZone(name: string, pointer: string): Fault {
  return {
    code: 'invalid_zone',
    message: `${JSON.stringify(name)} is no time zone; use an IANA name such as Europe/Berlin or UTC`,
    pointer,
  };
}

function compilePeriods(
  table: NonNullable<CalendarDocument['spec']['periods']>,
  faults: Fault[],
): readonly CalendarPeriod[] {
  const periods: CalendarPeriod[] = [];
  const labels = new Set<string>();
  for (const [index, row] of table.entries()) {
    const pointer = `/spec/periods/${index}`;
    const firstDay = parseDate(row.firstDay);
    const lastDay = parseDate(row.lastDay);
    if (firstDay === undefined) faults.push(noDate(row.firstDay, `${pointer}/firstDay`));
    if (lastDay === undefined) faults.push(noDate(row.lastDay, `${pointer}/lastDay`));
    if (labels.has(row.label)) {
      faults.push({
        code: 'duplicate_name',
        message: `two periods are labelled ${JSON.stringify(row.label)}; a label names one period`,
        pointer: `${pointer}/label`,
      });
    }
    labels.add(row.label);
    if (firstDay === undefined || lastDay === undefined) continue;
    if (lastDay < firstDay) {
      faults.push({
        code: 'invalid_date',
        message: `period ${JSON.stringify(row.label)} ends on ${row.lastDay}, before it starts on ${row.firstDay}`,
        pointer: `${pointer}/lastDay`,
      });
      continue;
    }
    periods.push({ label: row.label, firstDay, endDay: lastDay + 1 });
  }
  periods.sort((a, b) => a.firstDay - b.firstDay);
  for (const [index, period] of periods.entries()) {
    const before = periods[index - 1];
    if (before !== undefined && period.firstDay < before.endDay) {
      faults.push({
        code: 'overlapping_dates',
        message: `periods ${JSON.stringify(before.label)} and ${JSON.stringify(period.label)} share ${formatDate(period.firstDay)}; a day lies in one period`,
        pointer: '/spec/periods',
      });
    }
  }
  return periods;
}

function noDate(text: string, pointer: string): Fault {
  return { code: 'invalid_date', message: `${JSON.stringify(text)} is no date; write it like 2026-11-22`, pointer };
}
