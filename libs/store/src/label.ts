import { dayOfParts, grainsOfLabel, type Instant, mondayOfIsoWeek, parseDate } from '@paceline/domain';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/**
 * What a label says as if it were UTC: the column `at` of a period point. It depends on the text alone, never on a
 * definition, so a row is the same in every replay and for a metric nobody has defined yet. Labels of one grain ascend
 * with their buckets, so it bounds reads; which bucket a point belongs to is asked of the metric's grid. 0 for a table's
 * own label.
 */
export function atOfLabel(label: string): Instant {
  switch (grainsOfLabel(label)[0]) {
    case 'hour':
      return atOfHour(label);
    case 'day':
      return days(parseDate(label));
    case 'week':
      return label.endsWith('/P7D')
        ? days(parseDate(label.slice(0, -4)))
        : days(mondayOfIsoWeek(Number(label.slice(0, 4)), Number(label.slice(6))));
    case 'month':
      return days(dayOfParts(Number(label.slice(0, 4)), Number(label.slice(5)), 1));
    case 'quarter':
      return days(dayOfParts(Number(label.slice(0, 4)), Number(label.slice(6)) * 3 - 2, 1));
    case 'year':
      return days(dayOfParts(Number(label), 1, 1));
    case 'fiscal_year':
      return days(dayOfParts(Number(label.slice(2, 6)), 1, 1));
    case 'fiscal_quarter':
      return days(dayOfParts(Number(label.slice(2, 6)), Number(label.slice(8)) * 3 - 2, 1));
    default:
      return 0;
  }
}

/** Stored years are 1900 to 2299; labels beyond name no bucket that could be judged and stand at the edge. */
const AT_MIN = Date.UTC(1900, 0, 1);
const AT_MAX = Date.UTC(2299, 11, 31);

function days(day: number | undefined): Instant {
  return day === undefined ? 0 : Math.min(AT_MAX, Math.max(AT_MIN, day * DAY_MS));
}

function atOfHour(label: string): Instant {
  const day = parseDate(label.slice(0, 10));
  const offset = /([+-])(\d{2}):(\d{2})(?::(\d{2}))?$/.exec(label);
  if (day === undefined) return 0;
  const seconds = offset === null ? 0 : (Number(offset[2]) * 60 + Number(offset[3])) * 60 + Number(offset[4] ?? 0);
  const east = offset?.[1] === '-' ? -seconds : seconds;
  return Math.min(AT_MAX, Math.max(AT_MIN, day * DAY_MS + Number(label.slice(11, 13)) * HOUR_MS - east * 1000));
}
