import type { Catalog } from '../catalog.ts';
import type { AlertRuleDocument } from '../document.ts';
import type { Evaluation } from '../evaluation.ts';
import { parseSubject } from '../subject-id.ts';

/** What alerts of one subject fold over: the grid points of one period, or of all its life where periods are single buckets. */
export interface SeriesKey {
  /** The subject rules watch, without a period's label. */
  readonly subject: string;
  /** Label of the period; empty: one series for ever. */
  readonly period: string;
}

/**
 * The series an evaluation belongs to. A KPI to date has one a period, ended by what `kpi/NAME@LABEL` says at the close. A
 * KPI of single buckets or moving windows has one for ever, or a run of bad buckets could never be counted; what its
 * closed buckets say is a series of its own, of one word.
 */
export function seriesOf(catalog: Catalog, evaluation: Evaluation): SeriesKey | undefined {
  const id = parseSubject(evaluation.subject);
  if (id === undefined) return undefined;
  if (id.kind !== 'kpi') return { subject: evaluation.subject, period: evaluation.period?.label ?? '' };
  const subject = `kpi/${id.name}`;
  if (id.label !== undefined) return { subject, period: id.label };
  return { subject, period: isContinuous(catalog, subject) ? '' : (evaluation.period?.label ?? '') };
}

export function isContinuous(catalog: Catalog, subject: string): boolean {
  const id = parseSubject(subject);
  const kind = id?.kind === 'kpi' ? catalog.kpis.get(id.name)?.period.kind : undefined;
  return kind === 'each' || kind === 'rolling' || kind === 'latest';
}

/** Whether a rule watches a subject: `kpi/*` is every KPI, all else is literal. */
export function watcherOf(watch: AlertRuleDocument['spec']['watch']): (subject: string) => boolean {
  const globs = watch.map((pattern) => {
    const escaped = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
    return new RegExp(`^${escaped.join('.*')}$`);
  });
  return (subject) => globs.some((glob) => glob.test(subject));
}

/** Whether a rule that watches the subject folds this series: what single buckets closed with is for those who watch for missed ones. */
export function isFolded(
  catalog: Catalog,
  when: AlertRuleDocument['spec']['when'],
  { subject, period }: SeriesKey,
): boolean {
  return when === 'missed' || period === '' || !isContinuous(catalog, subject);
}

/** Orders judgements as the machine folds them: what closes a period comes last. */
export function byInstant(left: Evaluation, right: Evaluation): number {
  return left.asOf - right.asOf || Number(left.score !== null) - Number(right.score !== null);
}
