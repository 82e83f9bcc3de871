import type { Across, Aggregation, Grain, MetricDocument } from '../document.ts';
import type { Compiled, Fault } from '../fault.ts';
import type { Instant } from '../instant.ts';
import { type Bucket, bucketAt, bucketFrom, type Grid, gridOf, nextBucket, sameGrid } from '../time/bucket.ts';
import { type Calendar, calendarIn, plainCalendar, unknownZone } from '../time/calendar.ts';
import { type Duration, longer, NO_TIME, parseDuration } from '../time/duration.ts';
import { bucketOfLabel } from '../time/label.ts';
import { type Zone, zoneOf } from '../time/zone.ts';
import { type Expression, isAdditive, parseExpression } from './expression.ts';
import { type Rhythm, rhythmOf } from './rhythm.ts';
import { suggestion } from './suggest.ts';

/** A metric ready for use. Compiled once per definition; compared by identity. */
export interface Metric {
  readonly name: string;
  readonly document: MetricDocument;
  /** `null` for a derived metric. */
  readonly aggregation: Aggregation | null;
  readonly expression: Expression | null;
  /** What the expression reads, by name; empty for a metric with points of its own. */
  readonly operands: ReadonlyMap<string, Metric>;
  readonly across: Across;
  readonly points: 'period' | 'time';
  readonly unit: string | null;
  readonly grain: Grain;
  readonly calendar: Calendar;
  readonly zone: Zone;
  /** The buckets of the metric's own grain. */
  readonly grid: Grid;
  readonly settle: Duration;
  readonly cadence: Duration;
  /** Grid, settle and cadence, in one object for all metrics that share them. */
  readonly rhythm: Rhythm;
  readonly dimensions: readonly string[];
  /** Revisions of the source count; else every statement has revision 0. */
  readonly revisions: boolean;
  readonly future: boolean;
  readonly push: boolean;
  /** Read to date over complete buckets (EVALUATION §3); else it is a level. */
  readonly cumulative: boolean;
  /** A complete bucket without points is 0 and counts as data. */
  readonly zeroWhenEmpty: boolean;
  /** Its time points need the source's key. */
  readonly needsId: boolean;
}

const CUMULATIVE: ReadonlySet<Aggregation> = new Set(['sum', 'count', 'distinct', 'counter']);
const NEEDS_ID: ReadonlySet<Aggregation> = new Set(['sum', 'count', 'avg', 'distinct']);

/** One bucket of each grain. */
const CADENCE: Readonly<Record<Grain, string>> = {
  hour: 'PT1H',
  day: 'P1D',
  week: 'P7D',
  month: 'P1M',
  quarter: 'P3M',
  year: 'P1Y',
  fiscal_quarter: 'P3M',
  fiscal_year: 'P1Y',
  // The longest period of a 4-4-5 calendar: a healthy feed is never called late.
  period: 'P35D',
};

export function defaultAcross(aggregation: Aggregation): Across {
  switch (aggregation) {
    case 'sum':
    case 'count':
    case 'counter':
      return 'sum';
    case 'first':
    case 'last':
      return 'none';
    default:
      return 'pool';
  }
}

export function isCumulative(aggregation: Aggregation): boolean {
  return CUMULATIVE.has(aggregation);
}

/**
 * Compiles one document. `metrics` holds what is already compiled: every operand of a derived metric must be there
 * (`compileMetrics` finds the order). Faults: `missing_key`, `invalid_type`, `invalid_zone`, `invalid_expression`,
 * `unknown_reference`, `wrong_grain`, `distinct_on_periods`.
 */
export function compileMetric(
  document: MetricDocument,
  calendars: ReadonlyMap<string, Calendar>,
  metrics: ReadonlyMap<string, Metric>,
): Compiled<Metric> {
  const faults: Fault[] = [];
  const { spec } = document;
  const expression = spec.derived === undefined ? null : readExpression(spec.derived, faults);
  const operands = expression === null ? new Map<string, Metric>() : readOperands(expression.operands, metrics, faults);
  const calendar = readCalendar(document, calendars, operands, faults);
  const settle = readDuration(spec.settle, NO_TIME, '/spec/settle', faults);
  const fallback = expression === null ? parseDuration(CADENCE[spec.grain])! : NO_TIME;
  const cadence = readDuration(spec.cadence, fallback, '/spec/cadence', faults);
  if (spec.aggregation === undefined && spec.derived === undefined) {
    faults.push({
      code: 'missing_key',
      message: 'a metric has an aggregation, or is derived from others',
      pointer: '/spec/aggregation',
    });
  }
  if (spec.aggregation === 'distinct' && spec.points !== 'time') {
    faults.push({
      code: 'distinct_on_periods',
      message: 'distinct counts different values and needs every one of them: use `points: time`',
      pointer: '/spec/points',
    });
  }
  if (calendar === undefined || faults.length > 0) return { ok: false, faults };
  const grid = gridOf(calendar, spec.grain);
  for (const operand of operands.values()) {
    if (!sameGrid(operand.grid, grid)) faults.push(otherGrid(document, operand, grid));
  }
  if (faults.length > 0) return { ok: false, faults };
  return {
    ok: true,
    value: build(document, calendar, grid, { expression: expression?.tree ?? null, operands, settle, cadence }),
  };
}

/** Compiles all metrics, operands before what is derived from them; a loop is a fault of each member. */
export function compileMetrics(
  documents: Iterable<MetricDocument>,
  calendars: ReadonlyMap<string, Calendar>,
): { readonly metrics: ReadonlyMap<string, Metric>; readonly faults: ReadonlyMap<string, readonly Fault[]> } {
  const waiting = new Map<string, MetricDocument>();
  for (const document of documents) waiting.set(document.metadata.name, document);
  const metrics = new Map<string, Metric>();
  const faults = new Map<string, readonly Fault[]>();
  const open = new Set<string>();
  const visit = (document: MetricDocument): void => {
    const { name } = document.metadata;
    if (metrics.has(name) || faults.has(name) || open.has(name)) return;
    open.add(name);
    const parsed = document.spec.derived === undefined ? undefined : parseExpression(document.spec.derived);
    for (const operand of parsed?.ok === true ? parsed.operands : []) {
      const needed = waiting.get(operand);
      if (needed !== undefined) visit(needed);
    }
    const looping = parsed?.ok === true && parsed.operands.some((operand) => open.has(operand));
    open.delete(name);
    const compiled = looping ? loopOf(name) : compileMetric(document, calendars, metrics);
    if (compiled.ok) metrics.set(name, compiled.value);
    else faults.set(name, compiled.faults);
  };
  for (const document of waiting.values()) visit(document);
  return { metrics, faults };
}

/** The bucket a statement of this metric belongs to; `undefined` when it is none of this metric's (another grain, other points). */
export function bucketOfPoint(
  metric: Metric,
  point: { readonly period?: string; readonly at?: Instant },
): Bucket | undefined {
  if (metric.points === 'period')
    return point.period === undefined ? undefined : bucketOfLabel(metric.grid, point.period);
  return point.at === undefined ? undefined : bucketAt(metric.grid, point.at);
}

/** The instant from which points are more than one grain ahead of `now`: the end of the next bucket. */
export function futureFrom(metric: Metric, now: Instant): Instant {
  const running = bucketAt(metric.grid, now);
  const next = running === undefined ? bucketFrom(metric.grid, now) : nextBucket(metric.grid, running);
  return (next ?? running)?.to ?? now;
}

/** When a bucket is settled, if it is covered. */
export function settledAt(metric: Metric, bucketEnd: Instant): Instant {
  return metric.rhythm.settledAt(bucketEnd);
}

/** age ≤ cadence + settle is fresh (EVALUATION §9); age counts from the end of the last bucket observed. */
export function lateAt(metric: Metric, observedUntil: Instant): Instant {
  return metric.rhythm.lateAt(observedUntil);
}

/** age > 2·cadence + settle is stale. */
export function staleAt(metric: Metric, observedUntil: Instant): Instant {
  return metric.rhythm.staleAt(observedUntil);
}

/** Every metric with points of its own that a metric reads, itself if it has some. */
export function sourcesOf(metric: Metric): readonly Metric[] {
  if (metric.expression === null) return [metric];
  const found = new Map<string, Metric>();
  for (const operand of metric.operands.values()) {
    for (const source of sourcesOf(operand)) found.set(source.name, source);
  }
  return [...found.values()];
}

interface Parts {
  readonly expression: Expression | null;
  readonly operands: ReadonlyMap<string, Metric>;
  readonly settle: Duration;
  readonly cadence: Duration;
}

function build(document: MetricDocument, calendar: Calendar, grid: Grid, parts: Parts): Metric {
  const { spec } = document;
  const { expression, operands } = parts;
  const sides = [...operands.values()];
  const aggregation = expression === null ? (spec.aggregation ?? null) : null;
  const settle = sides.reduce((slowest, side) => longer(slowest, side.settle), parts.settle);
  const cadence = sides.reduce((slowest, side) => longer(slowest, side.cadence), parts.cadence);
  return {
    name: document.metadata.name,
    document,
    aggregation,
    expression,
    operands,
    across: spec.across ?? (aggregation === null ? 'none' : defaultAcross(aggregation)),
    points: spec.points ?? 'period',
    unit: spec.unit ?? null,
    grain: spec.grain,
    calendar,
    zone: calendar.zone,
    grid,
    settle,
    cadence,
    rhythm: rhythmOf(grid, settle, cadence),
    dimensions: spec.dimensions ?? commonDimensions(sides),
    revisions: spec.revisions === 'source',
    future: spec.future ?? false,
    push: spec.push ?? true,
    cumulative:
      expression === null
        ? aggregation !== null && isCumulative(aggregation)
        : isAdditive(expression) && sides.every((side) => side.cumulative),
    zeroWhenEmpty: aggregation !== null && isCumulative(aggregation),
    needsId: (spec.points ?? 'period') === 'time' && aggregation !== null && NEEDS_ID.has(aggregation),
  };
}

function commonDimensions(sides: readonly Metric[]): readonly string[] {
  const [first, ...rest] = sides;
  return (first?.dimensions ?? []).filter((name) => rest.every((side) => side.dimensions.includes(name)));
}

function readExpression(
  text: string,
  faults: Fault[],
): { readonly tree: Expression; readonly operands: readonly string[] } | null {
  const parsed = parseExpression(text);
  const fault = (message: string) => {
    faults.push({
      code: 'invalid_expression',
      message: `${JSON.stringify(text)}: ${message}`,
      pointer: '/spec/derived',
    });
    return null;
  };
  if (!parsed.ok) return fault(`column ${parsed.column}: ${parsed.message}`);
  if (parsed.operands.length === 0) return fault('it reads no metric');
  return { tree: parsed.expression, operands: parsed.operands };
}

function readOperands(
  names: readonly string[],
  metrics: ReadonlyMap<string, Metric>,
  faults: Fault[],
): ReadonlyMap<string, Metric> {
  const operands = new Map<string, Metric>();
  for (const name of names) {
    const metric = metrics.get(name);
    if (metric !== undefined) operands.set(name, metric);
    else {
      const spaced = name.includes('-') ? '; a difference needs spaces around its "-"' : '';
      faults.push({
        code: 'unknown_reference',
        message: `there is no metric ${JSON.stringify(name)}${suggestion(name, metrics.keys())}${spaced}`,
        pointer: '/spec/derived',
      });
    }
  }
  return operands;
}

/** Own zone, else the calendar's, else (derived) the operands', else UTC. */
function readCalendar(
  document: MetricDocument,
  calendars: ReadonlyMap<string, Calendar>,
  operands: ReadonlyMap<string, Metric>,
  faults: Fault[],
): Calendar | undefined {
  const { spec } = document;
  const named = spec.calendar === undefined ? undefined : calendars.get(spec.calendar);
  if (spec.calendar !== undefined && named === undefined) {
    faults.push({
      code: 'unknown_reference',
      message: `there is no calendar ${JSON.stringify(spec.calendar)}${suggestion(spec.calendar, calendars.keys())}`,
      pointer: '/spec/calendar',
    });
    return undefined;
  }
  const zone = spec.timezone === undefined ? undefined : zoneOf(spec.timezone);
  if (spec.timezone !== undefined && zone === undefined) {
    faults.push(unknownZone(spec.timezone, '/spec/timezone'));
    return undefined;
  }
  const inherited = named ?? operands.values().next().value?.calendar;
  const calendar = inherited ?? plainCalendar(zone ?? zoneOf('UTC')!);
  if (spec.grain === 'period' && calendar.periods === null) {
    faults.push({
      code: 'missing_key',
      message: 'the grain `period` needs a `calendar` that has `periods`',
      pointer: '/spec/grain',
    });
    return undefined;
  }
  return zone === undefined ? calendar : calendarIn(calendar, zone);
}

function readDuration(text: string | undefined, fallback: Duration, pointer: string, faults: Fault[]): Duration {
  if (text === undefined) return fallback;
  const duration = parseDuration(text);
  if (duration !== undefined) return duration;
  faults.push({
    code: 'invalid_type',
    message: `${JSON.stringify(text)} is no duration; write it like PT6H, P1D or P2W`,
    pointer,
  });
  return fallback;
}

function otherGrid(document: MetricDocument, operand: Metric, grid: Grid): Fault {
  return {
    code: 'wrong_grain',
    message: `${operand.name} counts by ${operand.grain} in ${operand.zone.name}, ${document.metadata.name} by ${grid.grain} in ${grid.zone.name}; a derived metric and its operands cut time alike`,
    pointer: '/spec/derived',
  };
}

function loopOf(name: string): Compiled<Metric> {
  return {
    ok: false,
    faults: [{ code: 'loop', message: `${name} is derived from itself`, pointer: '/spec/derived' }],
  };
}
