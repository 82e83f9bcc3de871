import {
  type Bucket,
  bucketAt,
  type Catalog,
  type Evaluation,
  formatPosition,
  type Grid,
  gridOf,
  type Instant,
  instantText,
  labelOf,
  plainCalendar,
  subjectOf,
} from '@paceline/domain';
import { readStoredEvaluation } from '@paceline/events';
import { judgementsAt, latestJudgements } from '@paceline/store';
import { requireSubject } from './knowledge.ts';
import type { Trend, TrendContext } from './trend-metric.ts';
import type { TrendRow } from './trend-rows.ts';
import { gridAsked, rangeAsked, type WindowsAsked } from './trend-windows.ts';

export interface SubjectTrendAsked extends WindowsAsked {
  readonly subject: string;
  readonly limit: number;
}

/** What was said of a subject, one judgement a window: the last grid point whose measured bucket lies in it. */
export async function subjectTrend(context: TrendContext, edition: number, asked: SubjectTrendAsked): Promise<Trend> {
  const { catalog, moment, store, options } = context;
  requireSubject(catalog, asked.subject, moment.asOf);
  const own = ownGrid(catalog, asked.subject);
  const grid = gridAsked(asked, own.grid, catalog);
  const wanted = {
    workspace: moment.workspace,
    edition,
    position: moment.position,
    subjects: [asked.subject],
    to: moment.asOf + MICROSECOND,
  };
  const latest = latestJudgements({ ...wanted, perSubject: 1 });
  const [newest] = moment.position < 0 ? [] : await store.read(latest, latest.shape, options);
  const until = newest === undefined ? null : placeOf(readStoredEvaluation(newest.evaluation));
  const range = rangeAsked(asked, grid, { asOf: moment.asOf, since: null, until }, asked.limit);
  const [first] = range.windows;
  if (first === undefined || moment.position < 0) return { ...own, grid, rows: [], completeness: null, next: null };
  // A bucket is judged after its end, at the latest when its period closes, so that there is no other bound than as-of.
  const standing = judgementsAt({ ...wanted, from: first.from });
  const rows = await store.read(standing, standing.shape, options);
  const judged = rows.map((row) => ({ evaluation: readStoredEvaluation(row.evaluation), position: row.position }));
  const byWindow = Map.groupBy(judged, ({ evaluation }) => bucketAt(grid, placeOf(evaluation) - MICROSECOND)?.from);
  const shown = range.windows.map((window) =>
    rowOf(grid, window, byWindow.get(window.from) ?? [], { asOf: moment.asOf, until }),
  );
  // Nobody asked for windows from before anything was said of it.
  const begun = asked.from === undefined ? shown.findIndex(({ count }) => count > 0) : 0;
  const kept = begun < 0 ? [] : shown.slice(begun);
  const completeness = kept.length === 0 ? null : kept.filter(({ final }) => final).length / kept.length;
  return { ...own, grid, rows: kept, completeness, next: range.next };
}

const MICROSECOND: Instant = 0.001;

interface Judged {
  readonly evaluation: Evaluation;
  readonly position: number;
}

/** The end of the measured bucket lies behind its last instant, so it belongs to the window that ends with it. */
function placeOf({ measuredAt, asOf }: Evaluation): Instant {
  return measuredAt ?? asOf;
}

function rowOf(
  grid: Grid,
  window: Bucket,
  judged: readonly Judged[],
  { asOf, until }: { readonly asOf: Instant; readonly until: Instant | null },
): TrendRow {
  const last = judged.at(-1);
  const evaluation = last?.evaluation;
  // Until something later was measured, a grid point of this window may still come.
  const isOver = window.to <= asOf && until !== null && until >= window.to;
  return {
    bucket: labelOf(grid, window),
    from: instantText(window.from),
    to: instantText(window.to),
    value: evaluation?.value ?? null,
    count: judged.length,
    final: isOver && evaluation?.provisional !== true,
    target: evaluation?.target ?? null,
    targetLow: evaluation?.targetLow ?? null,
    targetHigh: evaluation?.targetHigh ?? null,
    expectedValue: evaluation?.expectedValue ?? null,
    verdict: evaluation?.verdict ?? null,
    progress: evaluation?.progress ?? null,
    expected: evaluation?.expected ?? null,
    pace: evaluation?.pace ?? null,
    asOf: evaluation === undefined ? null : instantText(evaluation.asOf),
    measuredAt: textOf(evaluation?.measuredAt),
    position: last === undefined ? null : formatPosition(last.position),
    definitions: definitionsOf(evaluation),
  };
}

function textOf(at: Instant | null | undefined): string | null {
  return at === null || at === undefined ? null : instantText(at);
}

function definitionsOf(evaluation: Evaluation | undefined): string | null {
  const at = evaluation?.definitions;
  return at === null || at === undefined ? null : formatPosition(at);
}

/** By what a subject is judged: its own grain, objectives and units by the day. */
export function ownGrid(catalog: Catalog, subject: string): Pick<Trend, 'grid' | 'granularity' | 'unit'> {
  const compiled = subjectOf(catalog, subject)?.compiled;
  if (compiled === undefined) throw new RangeError(`${subject} is not defined`);
  switch (compiled.kind) {
    case 'kpi': {
      const { period, source } = compiled;
      const grid = period.kind === 'each' || period.kind === 'rolling' ? period.grid : source.metric.grid;
      return { grid, granularity: grid.grain, unit: source.metric.unit };
    }
    case 'key_result':
      return { grid: compiled.grid, granularity: compiled.grid.grain, unit: compiled.source?.metric.unit ?? null };
    case 'objective':
    case 'unit':
      return { grid: gridOf(plainCalendar(compiled.cycle.zone), 'day'), granularity: 'day', unit: null };
  }
}
