import type { Evaluation } from '../wire.ts';
import type { Moment } from './place.ts';
import { isOnTheWay } from './series.ts';

const DAY = 86_400_000;
/** A sparkline is about a hundred pixels wide; more points than these cannot be told apart. */
const SPARK_DAYS_MAX = 130;
const SPARK_WEEKS_MAX = 800;

export interface Asked {
  readonly subject: string;
  readonly from?: string;
  readonly window?: string;
  readonly limit: number;
}

/** What a row's sparkline asks for: the whole period of what is paced, else the last windows. */
export function sparkAsked(evaluation: Evaluation): Asked {
  const { subject, period } = evaluation;
  if (!isOnTheWay(evaluation) || period === null) return { subject, limit: 400 };
  const days = (Date.parse(period.to) - Date.parse(period.from)) / DAY;
  const window = days <= SPARK_DAYS_MAX ? {} : { window: days <= SPARK_WEEKS_MAX ? 'week' : 'month' };
  return { subject, from: period.from, ...window, limit: 400 };
}

export const SPANS = ['period', 'year', 'all'] as const;
/** How far a chart looks back. */
export type Span = (typeof SPANS)[number];
export const SPAN_WORDS: Readonly<Record<Span, string>> = { period: 'This period', year: 'A year', all: 'Five years' };

const YEAR = 365 * DAY;
const COARSER: Readonly<Record<string, string>> = { hour: 'day', day: 'week' };

/** What the chart asks for. `grain` is the subject's own, once an answer has said it. */
export function chartAsked(evaluation: Evaluation, span: Span, grain: string | null): Asked {
  const { subject, period } = evaluation;
  const end = Date.parse(evaluation.measuredAt ?? evaluation.asOf);
  const limit = 2_000;
  if (span === 'period') {
    return isOnTheWay(evaluation) && period !== null ? { subject, from: period.from, limit } : { subject, limit };
  }
  const from = new Date(end - (span === 'year' ? YEAR : 5 * YEAR)).toISOString();
  const window = span === 'all' ? COARSER[grain ?? ''] : grain === 'hour' ? 'day' : undefined;
  return { subject, from, ...(window === undefined ? {} : { window }), limit };
}

/** Two evaluations with the same key have the same trend. */
export function trendKey(asked: Asked, evaluation: Evaluation, moment: Moment): string {
  const { measuredAt, value, progress, verdict, target, definitions, provisional } = evaluation;
  return JSON.stringify([asked, moment, measuredAt, value, progress, verdict, target, definitions, provisional]);
}
