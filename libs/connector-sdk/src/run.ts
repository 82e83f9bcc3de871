import { hash } from 'node:crypto';
import type { Fact, Instant, JsonValue, Position, SourceDocument, Span } from '@paceline/domain';
import type { Metric } from '@paceline/domain/metric/metric';
import { parseDate } from '@paceline/domain/time/date';
import { approximateMs, type Duration, parseDuration } from '@paceline/domain/time/duration';
import type { Connector, StreamQuery } from './connector.ts';
import { abortReason, ConnectorFault } from './fault.ts';
import { type Mapping, mappingsOf } from './mapping.ts';
import { type Session, type SessionDeps, streamOf, withSession } from './session.ts';
import { decodeState, encodeState, type OpenPoint, RUN_STATE_VERSION, type RunState } from './state.ts';
import { edgeOf, openFrom, planLive, type WindowShape } from './window.ts';
import { type Counts, noCounts, REFUSED_SHOWN_MAX, type RefusedRow, WindowRead } from './window-read.ts';

/** Where a run writes: the workspace's one order. */
export interface Sink {
  /** Appends in this order and resolves when durable; answers the position of the last one. */
  append(facts: readonly Fact[]): Promise<Position>;
  /** Resolves once fewer than `pointsMax` points wait to be processed; rejects when the signal is aborted. */
  room(pointsMax: number, signal: AbortSignal): Promise<void>;
}

/** A live run pauses above it, a backfill much earlier: it must not stand in the way of what is new. */
export const LIVE_BEHIND_MAX = 2_000_000;
export const BACKFILL_BEHIND_MAX = 200_000;
const DAY_MS = 86_400_000;
/** How long a window with refused rows is read again before a person must backfill it. */
const GAP_MS_MAX = 31 * DAY_MS;

export interface RunInput extends SessionDeps {
  readonly source: SourceDocument;
  readonly connector: Connector;
  readonly metrics: ReadonlyMap<string, Metric>;
  readonly sink: Sink;
  readonly signal: AbortSignal;
  /** Names the run in its facts. */
  readonly run: string;
}

export interface LiveInput extends RunInput {
  readonly state: { readonly stateVersion: number; readonly state: JsonValue } | undefined;
  /** The latest word of a person that this source may retract in mass. */
  readonly override?: { readonly command: string; readonly until: Instant } | undefined;
  /** State the whole window, whatever is known. */
  readonly whole?: boolean;
}

export interface RunReport extends Counts {
  readonly source: string;
  readonly run: string;
  readonly mode: 'window' | 'cursor' | 'backfill';
  /** What was read; `null` when there was nothing to read yet. */
  readonly from: Instant | null;
  readonly to: Instant | null;
  readonly windows: number;
  /** Up to twenty of the refused rows. */
  readonly refusedRows: readonly RefusedRow[];
  /** Of the last fact written. */
  readonly position: Position | null;
  /** What a person should know, though the run went well. */
  readonly notes: readonly string[];
  readonly elapsedMs: number;
}

export interface Prepared {
  readonly mappings: readonly Mapping[];
  readonly shape: WindowShape;
  readonly stream: StreamQuery;
}

/** Everything about a source that needs no connection. Faults name what is wrong in the document. */
export function prepare(source: SourceDocument, metrics: ReadonlyMap<string, Metric>, whole: boolean): Prepared {
  const mappings = mappingsOf(source, metrics);
  const { window = {}, schedule = {} } = source.spec;
  const metric = mappings[0]?.metric;
  if (metric === undefined) {
    throw new ConnectorFault('config', 'invalid_map', `source ${source.metadata.name} maps no metric`, {
      remedy: 'Add map.',
    });
  }
  const { zone } = metric;
  const day = window.start === undefined ? undefined : parseDate(window.start);
  if (window.start !== undefined && day === undefined) throw badWindow(source, 'start', window.start, '2024-01-01');
  const grids = mappings.filter((mapping) => mapping.metric.points === 'period').map((mapping) => mapping.metric.grid);
  const shape: WindowShape = {
    zone,
    grids: [...new Set(grids)],
    period: durationOf(source, 'period', window.period),
    lookback:
      window.lookback === undefined ? (whole ? null : NOTHING) : durationOf(source, 'lookback', window.lookback),
    start: day === undefined ? null : zone.dayStart(day),
    settleMs: approximateMs(durationOf(source, 'settle', schedule.settle) ?? NOTHING),
  };
  return { mappings, shape, stream: streamOf(source) };
}

const NOTHING: Duration = { months: 0, days: 0, ms: 0 };

function durationOf(source: SourceDocument, key: string, text: string | undefined): Duration | null {
  if (text === undefined) return null;
  const duration = parseDuration(text);
  if (duration !== undefined) return duration;
  throw badWindow(source, key, text, 'P1D or PT6H');
}

function badWindow(source: SourceDocument, key: string, text: string, example: string): ConnectorFault {
  return new ConnectorFault(
    'config',
    'invalid_config',
    `source ${source.metadata.name}: ${key} ${JSON.stringify(text)} cannot be read`,
    {
      remedy: `Write it like ${example}.`,
    },
  );
}

export function extentOf(connector: Connector, config: unknown, stream: StreamQuery): 'window' | 'whole' {
  return connector.spec.extent?.(config, stream) ?? 'window';
}

export function modeOf(connector: Connector, config: unknown): 'window' | 'cursor' {
  const [first] = connector.spec.modes;
  return connector.spec.mode?.(config) ?? (first === 'cursor' ? 'cursor' : 'window');
}

/** One scheduled or manual run: what is new and what the lookback reads again, each window with its values, retractions, `covered` and state in this order. */
export async function runLive(input: LiveInput): Promise<RunReport> {
  return withSession(input, input.source, input.connector, input.signal, async (session) => {
    if (modeOf(input.connector, session.config) === 'cursor') {
      const { runCursor } = await import('./run-cursor.ts');
      return runCursor(input, session);
    }
    return runWindows(input, session);
  });
}

async function runWindows(input: LiveInput, session: Session): Promise<RunReport> {
  const { source, connector, clock, sink, signal } = input;
  const began = clock.now();
  const stream = streamOf(source);
  const extent = extentOf(connector, session.config, stream);
  const { mappings, shape } = prepare(source, input.metrics, extent === 'whole');
  const decoded = decodeState(input.state, connector.spec);
  const notes = decoded.note === null ? [] : [decoded.note];
  let { state } = decoded;
  if (connector.spec.id !== state.connector) throw new Error('a state of another connector was kept');
  const gapFrom = reachableGap(state.gapFrom, began, source, notes);
  const base = state.coveredTo === null ? null : Math.min(state.coveredTo, gapFrom ?? state.coveredTo);
  const plan = planLive(shape, began, base, extent);
  const whole = input.whole === true || state.wholeAt === null || began - state.wholeAt >= DAY_MS;
  const override = usableOverride(input, state, began);
  const fingerprint = extent === 'whole' ? await fingerprintOf(input, session, stream, mappings) : undefined;
  if (!whole && fingerprint !== undefined && state.seen?.fingerprint === fingerprint && state.seen.to === plan.to) {
    return { ...openReport(input, 'window', null, notes), elapsedMs: clock.now() - began };
  }
  const report = openReport(input, 'window', plan.windows.length === 0 ? null : plan, notes);
  // How far a file's rows will reach is known at its end only.
  const rememberFrom =
    extent === 'whole' ? openFrom(shape, state.coveredTo ?? Number.NEGATIVE_INFINITY) : openFrom(shape, plan.to);
  let dirtyFrom: Instant | null = null;

  for (const [index, window] of plan.windows.entries()) {
    await sink.room(LIVE_BEHIND_MAX, signal);
    const read = await readWindow(input, session, {
      mappings,
      shape,
      stream,
      window,
      extent,
      known: state.open,
      whole,
      allowMassRetraction: override !== null,
      now: began,
      rememberFrom,
    });
    add(report, read.counts, read.refusedRows);
    if (read.counts.refused > 0 && Number.isFinite(window.from)) dirtyFrom ??= window.from;
    const last = index === plan.windows.length - 1;
    const coveredTo = coveredAfter(state.coveredTo, extent, window, read.coveredTo);
    state = {
      ...state,
      coveredTo,
      gapFrom: last ? (extent === 'window' ? dirtyFrom : null) : (gapFrom ?? dirtyFrom),
      wholeAt: last && whole ? began : state.wholeAt,
      seen: fingerprint === undefined || read.counts.refused > 0 ? null : { fingerprint, to: plan.to },
      open: mergeOpen(
        state.open,
        read.open,
        window,
        openFrom(shape, Math.min(coveredTo ?? window.from, dirtyFrom ?? window.to)),
      ),
      usedOverride: last && override !== null ? override : state.usedOverride,
    };
    const encoded = encodeState(state);
    if (encoded.openDropped) {
      state = { ...state, open: null };
      report.notes.push(
        'too many points lie in the lookback to be remembered: every run states all of them and deletions go unnoticed; make window.lookback shorter',
      );
    }
    report.windows++;
    report.position = await sink.append([
      ...read.facts,
      {
        type: 'source_state',
        source: source.metadata.name,
        stateVersion: RUN_STATE_VERSION,
        state: encoded.json,
        run: input.run,
      },
    ]);
  }
  return { ...report, elapsedMs: clock.now() - began };
}

/** Of the source as it is and as it is read: another mapping or metric makes other points of the same file. */
async function fingerprintOf(
  input: LiveInput,
  session: Session,
  stream: StreamQuery,
  mappings: readonly Mapping[],
): Promise<string | undefined> {
  const found = await input.connector.fingerprint?.(session.ctx, session.config, stream);
  if (found === undefined) return undefined;
  const read = [found, input.connector.spec.version, input.source.spec, mappings.map(({ metric }) => metric.document)];
  return hash('sha256', JSON.stringify(read), 'base64url');
}

/** A window that was asked for moves the end to its own; a file only as far as its rows go, and never back. */
function coveredAfter(
  before: Instant | null,
  extent: 'window' | 'whole',
  window: Span,
  byRows: Instant | null,
): Instant | null {
  const reached = extent === 'window' ? window.to : byRows;
  if (reached === null) return before;
  return before === null ? reached : Math.max(before, reached);
}

function reachableGap(gapFrom: Instant | null, now: Instant, source: SourceDocument, notes: string[]): Instant | null {
  if (gapFrom === null || now - gapFrom <= GAP_MS_MAX) return gapFrom;
  const day = new Date(gapFrom).toISOString().slice(0, 10);
  notes.push(
    `rows from ${day} on were refused for more than 31 days; correct them and run: paceline backfill ${source.metadata.name} --from ${day}`,
  );
  return null;
}

function usableOverride(input: LiveInput, state: RunState, now: Instant): string | null {
  const { override } = input;
  if (override === undefined || override.until <= now || override.command === state.usedOverride) return null;
  return override.command;
}

/** What is open after a window: what it said, and what lies outside of it and will be read again. */
function mergeOpen(
  before: RunState['open'],
  read: ReadonlyMap<string, ReadonlyMap<string, OpenPoint>> | null,
  window: Span,
  keepFrom: Instant,
): RunState['open'] {
  if (read === null) return null;
  const merged = new Map<string, Map<string, OpenPoint>>();
  for (const [metric, points] of read) {
    const kept = new Map<string, OpenPoint>();
    for (const [key, point] of before?.get(metric) ?? []) {
      const outside = point.at < window.from || point.at >= window.to;
      if (outside && point.at >= keepFrom) kept.set(key, point);
    }
    for (const [key, point] of points) if (point.at >= keepFrom) kept.set(key, point);
    merged.set(metric, kept);
  }
  return merged;
}

export interface WindowJob {
  readonly mappings: readonly Mapping[];
  readonly shape: WindowShape;
  readonly stream: StreamQuery;
  readonly window: Span;
  readonly extent: 'window' | 'whole';
  readonly known: RunState['open'];
  readonly whole: boolean;
  readonly allowMassRetraction: boolean;
  readonly now: Instant;
  readonly rememberFrom: Instant;
}

/** Reads one window to its end. Large ones are written on the way; what is left comes back as facts for the caller to append with the state. */
export async function readWindow(input: RunInput, session: Session, job: WindowJob) {
  const { connector, source, clock, sink, signal } = input;
  const { window, shape } = job;
  const read = new WindowRead({ ...job, source: source.metadata.name, run: input.run, readAt: clock.now() });
  const request = { stream: job.stream, from: edgeOf(shape.zone, window.from), to: edgeOf(shape.zone, window.to) };
  for await (const item of connector.read(session.ctx, session.config, request)) {
    if (signal.aborted) throw abortReason(signal);
    if ('row' in item) read.add(item.row, item.at);
    if (read.flushable) {
      await sink.append(read.take());
      await sink.room(LIVE_BEHIND_MAX, signal);
    }
  }
  if (signal.aborted) throw abortReason(signal);
  return { ...read.finish(), counts: read.counts, refusedRows: read.refusedRows };
}

/** A report while it is being made. */
export interface OpenReport extends Counts {
  readonly source: string;
  readonly run: string;
  readonly mode: RunReport['mode'];
  readonly from: Instant | null;
  readonly to: Instant | null;
  windows: number;
  readonly refusedRows: RefusedRow[];
  position: Position | null;
  readonly notes: string[];
}

export function openReport(input: RunInput, mode: RunReport['mode'], span: Span | null, notes: string[]): OpenReport {
  return {
    ...noCounts(),
    source: input.source.metadata.name,
    run: input.run,
    mode,
    from: span?.from ?? null,
    to: span?.to ?? null,
    windows: 0,
    refusedRows: [],
    position: null,
    notes,
  };
}

export function add(report: OpenReport, counts: Counts, refused: readonly RefusedRow[]): void {
  report.rows += counts.rows;
  report.stated += counts.stated;
  report.unchanged += counts.unchanged;
  report.absent += counts.absent;
  report.outside += counts.outside;
  report.retracted += counts.retracted;
  report.refused += counts.refused;
  report.refusedRows.push(...refused.slice(0, REFUSED_SHOWN_MAX - report.refusedRows.length));
}
