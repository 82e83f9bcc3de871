import type { Fact, Instant, PointStatement, Span } from '@paceline/domain';
import type { Metric } from '@paceline/domain/metric/metric';
import { bucketAt } from '@paceline/domain/time/bucket';
import { type ObservationsHead, observationFacts } from '@paceline/events';
import type { Row } from './connector.ts';
import { ConnectorFault } from './fault.ts';
import { type Mapped, type Mapping, mapRow, refuseUnseenColumns } from './mapping.ts';
import type { OpenPoint } from './state.ts';
import { instantLabel } from './window.ts';

/** A row that was not taken, and why. */
export interface RefusedRow {
  readonly metric: string;
  readonly at: string | null;
  readonly code: string;
  readonly message: string;
}

export interface Counts {
  rows: number;
  stated: number;
  unchanged: number;
  absent: number;
  outside: number;
  retracted: number;
  refused: number;
}

export function noCounts(): Counts {
  return { rows: 0, stated: 0, unchanged: 0, absent: 0, outside: 0, retracted: 0, refused: 0 };
}

export const REFUSED_SHOWN_MAX = 20;
/** Changed points held back at most while it is open whether the window loses too many. */
export const HELD_POINTS_MAX = 200_000;
const FLUSH_POINTS = 10_000;
/** Points of a window that are remembered by name, to find two rows that name one point and to know what is open. */
const REMEMBERED_POINTS_MAX = 100_000;
const LOST_FREELY_MAX = 10;

export interface WindowReadOptions {
  readonly source: string;
  readonly mappings: readonly Mapping[];
  readonly window: Span;
  readonly extent: 'window' | 'whole';
  /** What this source said of the window's points before; `null`: not known, so nothing can be skipped or missed. */
  readonly known: ReadonlyMap<string, ReadonlyMap<string, OpenPoint>> | null;
  /** State unchanged points too. */
  readonly whole: boolean;
  readonly allowMassRetraction: boolean;
  readonly now: Instant;
  readonly readAt: Instant;
  readonly run: string;
  /** Points before it need not be remembered for later runs. */
  readonly rememberFrom: Instant;
}

interface MetricRead {
  readonly metric: Metric;
  /** Known points of the window that no row has named yet. */
  readonly missing: Map<string, OpenPoint>;
  readonly knownCount: number;
  /** Hash by key of what the window's rows said, while it is remembered. */
  readonly said: Map<string, string>;
  readonly open: Map<string, OpenPoint>;
  held: PointStatement[];
  refused: number;
  firstAt: Instant;
  lastEnd: Instant;
  lastAt: Instant;
  /** A row at or after the window's end: what lies before it is all there. */
  beyond: boolean;
}

/** Takes the rows of one window, keeps what changed, and in the end says what is gone and what is covered. */
export class WindowRead {
  readonly counts = noCounts();
  readonly refusedRows: RefusedRow[] = [];
  readonly #options: WindowReadOptions;
  /** By metric, because several mappings may feed one. */
  readonly #metrics: readonly MetricRead[];
  readonly #mappings: readonly (readonly [Mapping, MetricRead])[];
  #sample: Row | null = null;
  #held = 0;
  #remembered = 0;
  #forgot = false;

  constructor(options: WindowReadOptions) {
    this.#options = options;
    const reads = new Map<string, MetricRead>();
    this.#mappings = options.mappings.map((mapping) => {
      const { metric } = mapping;
      const read = reads.get(metric.name) ?? metricRead(metric, options);
      reads.set(metric.name, read);
      return [mapping, read] as const;
    });
    this.#metrics = [...reads.values()];
  }

  add(row: Row, at: string | undefined): void {
    this.counts.rows++;
    this.#sample ??= row;
    const { window, now } = this.#options;
    for (const [mapping, read] of this.#mappings) {
      const mapped = mapRow(mapping, row, { from: window.from, to: window.to, now });
      switch (mapped.kind) {
        case 'refused':
          this.#refuse(read, at, mapped.code, mapped.message);
          break;
        case 'outside':
          this.counts.outside++;
          if (mapped.at >= window.to) read.beyond = true;
          break;
        case 'absent':
          this.counts.absent++;
          break;
        case 'point':
          this.#take(read, mapped, at);
      }
    }
  }

  /** Whether enough is held that it should be written now, and may be. */
  get flushable(): boolean {
    if (this.#held < FLUSH_POINTS) return false;
    if (!this.#metrics.some((read) => mayLoseTooMany(read)) || this.#options.allowMassRetraction) return true;
    if (this.#held < HELD_POINTS_MAX) return false;
    const { source, window } = this.#options;
    throw new ConnectorFault(
      'config',
      'window_too_large',
      `source ${source}: the window from ${instantLabel(window.from)} to ${instantLabel(window.to)} changes more than ${HELD_POINTS_MAX} points before it names those already known`,
      { remedy: 'Make window.period or window.lookback shorter.' },
    );
  }

  /** Statements held so far, as facts. */
  take(): Fact[] {
    const facts = this.#metrics.flatMap((read) => {
      const points = read.held;
      read.held = [];
      return observationFacts(this.#head(read), points);
    });
    this.#held = 0;
    return facts;
  }

  /**
   * After the last row: what is held, then retractions, then `covered`. Throws `mass_retraction` before anything of the
   * window's end is given out when too much would be lost.
   */
  finish(): {
    readonly facts: Fact[];
    readonly coveredTo: Instant | null;
    readonly open: ReadonlyMap<string, ReadonlyMap<string, OpenPoint>> | null;
  } {
    if (this.#sample !== null) for (const [mapping] of this.#mappings) refuseUnseenColumns(mapping, this.#sample);
    const retractions = this.#metrics.map((read) => this.#retractionsOf(read));
    const facts = this.take();
    for (const [index, read] of this.#metrics.entries()) {
      const points = retractions[index] ?? [];
      this.counts.retracted += points.length;
      facts.push(...observationFacts(this.#head(read), points));
    }
    let coveredTo: Instant | null = Number.POSITIVE_INFINITY;
    for (const read of this.#metrics) {
      const span = this.#coveredBy(read);
      if (span === null) {
        coveredTo = null;
        continue;
      }
      if (coveredTo !== null) coveredTo = Math.min(coveredTo, span.to);
      facts.push({
        type: 'covered',
        metric: read.metric.name,
        feeder: `source/${this.#options.source}`,
        readAt: this.#options.readAt,
        ...span,
      });
    }
    return { facts, coveredTo, open: this.#open() };
  }

  #take(read: MetricRead, mapped: Extract<Mapped, { kind: 'point' }>, at: string | undefined): void {
    const { metric } = read;
    const before = read.said.get(mapped.key);
    if (
      before !== undefined &&
      before !== mapped.hash &&
      metric.points === 'period' &&
      mapped.point.revision === undefined
    ) {
      const named = mapped.point.period ?? mapped.point.time;
      this.#refuse(
        read,
        at,
        'duplicate_point',
        `another row of this read gives ${metric.name} of ${named} another value: group the rows, or map the column that tells them apart`,
      );
      return;
    }
    const known = read.missing.get(mapped.key);
    read.missing.delete(mapped.key);
    read.firstAt = Math.min(read.firstAt, mapped.at);
    read.lastAt = Math.max(read.lastAt, mapped.at);
    read.lastEnd = Math.max(read.lastEnd, mapped.end);
    this.#remember(read, mapped);
    if (before === mapped.hash) return;
    if (known?.hash === mapped.hash && !this.#options.whole && before === undefined) {
      this.counts.unchanged++;
      return;
    }
    this.counts.stated++;
    read.held.push(mapped.point);
    this.#held++;
  }

  #remember(read: MetricRead, mapped: Extract<Mapped, { kind: 'point' }>): void {
    if (this.#remembered < REMEMBERED_POINTS_MAX) {
      if (!read.said.has(mapped.key)) this.#remembered++;
      read.said.set(mapped.key, mapped.hash);
    } else this.#forgot ||= mapped.at >= this.#options.rememberFrom;
    if (mapped.at < this.#options.rememberFrom || this.#forgot) return;
    const { period, time, id, dimensions } = mapped.point;
    read.open.set(mapped.key, {
      at: mapped.at,
      hash: mapped.hash,
      ...(period === undefined ? {} : { period }),
      ...(time === undefined ? {} : { time }),
      ...(id === undefined ? {} : { id }),
      ...(dimensions === undefined ? {} : { dimensions }),
    });
  }

  #refuse(read: MetricRead, at: string | undefined, code: string, message: string): void {
    this.counts.refused++;
    read.refused++;
    if (this.refusedRows.length >= REFUSED_SHOWN_MAX) return;
    this.refusedRows.push({ metric: read.metric.name, at: at ?? null, code, message });
  }

  /** Nothing is retracted while a row was refused: it may be the one that seems to be missing. */
  #retractionsOf(read: MetricRead): PointStatement[] {
    if (read.refused > 0) return [];
    const { source, window, allowMassRetraction } = this.#options;
    const { metric } = read;
    if (!allowMassRetraction && mayLoseTooMany(read)) {
      throw new ConnectorFault(
        'config',
        'mass_retraction',
        `source ${source}: the window from ${instantLabel(window.from)} to ${instantLabel(window.to)} would lose ${read.missing.size} of the ${read.knownCount} points of ${metric.name} known before; nothing of it was written`,
        {
          remedy: `Check the source. If they are really gone, confirm it: paceline run ${source} --once --confirm-retraction.`,
        },
      );
    }
    return [...read.missing.values()].map(({ period, time, id, dimensions }) => ({
      ...(period === undefined ? {} : { period }),
      ...(time === undefined ? {} : { time }),
      value: null,
      ...(dimensions === undefined ? {} : { dimensions }),
      ...(id === undefined ? {} : { id }),
    }));
  }

  /** A window that was asked for is covered whole; a file covers what its rows span, or up to the window's end when it goes on after it. */
  #coveredBy(read: MetricRead): Span | null {
    if (read.refused > 0) return null;
    const { window, extent } = this.#options;
    if (extent === 'window') return window;
    if (!Number.isFinite(read.lastAt)) {
      // No row lies in the window; one that comes after it says that what is before it is all there.
      return read.beyond && Number.isFinite(window.from) ? window : null;
    }
    const { metric } = read;
    const startOf = (at: Instant): Instant => bucketAt(metric.grid, at)?.from ?? at;
    const rowsTo = metric.points === 'period' ? read.lastEnd : startOf(read.lastAt);
    const to = read.beyond ? window.to : Math.min(window.to, rowsTo);
    const from = Number.isFinite(window.from) ? window.from : startOf(read.firstAt);
    return to > from ? { from, to } : null;
  }

  #open(): ReadonlyMap<string, ReadonlyMap<string, OpenPoint>> | null {
    if (this.#forgot) return null;
    const open = new Map<string, Map<string, OpenPoint>>();
    for (const read of this.#metrics) {
      const kept = open.get(read.metric.name) ?? new Map<string, OpenPoint>();
      // A refused row may hide a known point: what is remembered of it stays.
      if (read.refused > 0) for (const [key, point] of read.missing) kept.set(key, point);
      for (const [key, point] of read.open) kept.set(key, point);
      open.set(read.metric.name, kept);
    }
    return open;
  }

  #head(read: MetricRead): ObservationsHead {
    const { source, readAt, run } = this.#options;
    return { metric: read.metric.name, feeder: `source/${source}`, readAt, run };
  }
}

function metricRead(metric: Metric, { known, window }: WindowReadOptions): MetricRead {
  const points = known?.get(metric.name) ?? new Map<string, OpenPoint>();
  const missing = new Map([...points].filter(([, point]) => point.at >= window.from && point.at < window.to));
  return {
    metric,
    missing,
    knownCount: missing.size,
    said: new Map(),
    open: new Map(),
    held: [],
    refused: 0,
    firstAt: Number.POSITIVE_INFINITY,
    lastEnd: Number.NEGATIVE_INFINITY,
    lastAt: Number.NEGATIVE_INFINITY,
    beyond: false,
  };
}

function mayLoseTooMany(read: MetricRead): boolean {
  return read.missing.size > LOST_FREELY_MAX && read.missing.size * 2 > read.knownCount;
}
