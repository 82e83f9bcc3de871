import type { Span } from '../instant.ts';
import { type Bucket, bucketAt, type Grid, previousBucket } from './bucket.ts';
import { addYears, type Day } from './date.ts';
import type { Zone } from './zone.ts';

/** A span of whole civil days in a zone; `endDay` is the day after the last. */
export function daysSpan(zone: Zone, firstDay: Day, endDay: Day): Span {
  return { from: zone.dayStart(firstDay), to: zone.dayStart(endDay) };
}

/** Moves a span of whole days by a number of days. */
export function shiftDays(zone: Zone, span: Span, days: number): Span {
  return daysSpan(zone, zone.dayAt(span.from) + days, zone.dayAt(span.to) + days);
}

/** The same dates of another year; 29 February becomes the 28th. */
export function shiftYears(zone: Zone, span: Span, years: number): Span {
  return daysSpan(zone, addYears(zone.dayAt(span.from), years), addYears(zone.dayAt(span.to), years));
}

/**
 * The earlier spans of a season, nearest first (EVALUATION §4, seasonal): the k-th is k calendar periods before where the
 * span is a bucket of `periods`, else k times its own number of days; with `season: 'year'` the same span k years before.
 * A calendar's table may have fewer.
 */
export function earlierSpans(
  zone: Zone,
  span: Span,
  count: number,
  options: { readonly periods?: Grid; readonly season?: 'year' } = {},
): Span[] {
  const { periods, season } = options;
  const spans: Span[] = [];
  if (season === 'year') {
    for (let years = 1; years <= count; years++) spans.push(shiftYears(zone, span, -years));
    return spans;
  }
  if (periods !== undefined) {
    let bucket: Bucket | undefined = bucketAt(periods, span.from);
    while (bucket !== undefined && spans.length < count) {
      bucket = previousBucket(periods, bucket);
      if (bucket !== undefined) spans.push(bucket);
    }
    return spans;
  }
  const days = zone.dayAt(span.to) - zone.dayAt(span.from);
  for (let step = 1; step <= count; step++) spans.push(shiftDays(zone, span, -step * days));
  return spans;
}
