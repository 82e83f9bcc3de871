import type { Evaluation, TreeData, TrendRow } from './wire.ts';

/** An evaluation of a KPI half way through a quarter, with what a test wants otherwise. */
export function evaluationOf(subject: string, more: Partial<Evaluation> = {}): Evaluation {
  return {
    subject,
    asOf: '2026-11-16T00:00:00Z',
    knownAt: '2026-11-16T00:00:00Z',
    measuredAt: '2026-11-16T00:00:00Z',
    period: { from: '2026-10-01T00:00:00Z', to: '2027-01-01T00:00:00Z', label: '2026-Q4' },
    position: '5:0',
    value: '600',
    baseline: null,
    target: '1000',
    targetLow: null,
    targetHigh: null,
    progress: 0.6,
    progressRaw: 0.6,
    elapsed: 0.5,
    expected: 0.5,
    expectedValue: '500',
    pace: 1.2,
    gap: -0.1,
    paceMethod: 'linear',
    verdict: 'on_track',
    reason: 'at_or_above_on_track',
    freshness: 'fresh',
    lateAt: '2026-11-17T00:00:00Z',
    staleAt: '2026-11-18T00:00:00Z',
    lastObservedAt: '2026-11-16T00:00:00Z',
    provisional: false,
    carried: false,
    resets: 0,
    coverage: 1,
    freshCoverage: 1,
    worstChild: null,
    score: null,
    scoreOriginal: null,
    forecast: null,
    definitions: '1:0',
    policy: 'paceline@1',
    edition: 1,
    sentence: '600 of 1,000',
    ...more,
  };
}

const ABOUT = { title: null, owner: null, unit: null, cycle: null, metric: null, measure: null } as const;

function subjectOf(
  subject: string,
  more: { readonly title?: string; readonly owner?: string; readonly unit?: string } = {},
) {
  const name = subject.slice(subject.lastIndexOf('/') + 1);
  return { ...ABOUT, ...more, subject, name, evaluation: evaluationOf(subject) };
}

/** A company with one objective of two key results, a department below it with a KPI, and a KPI of no unit. */
export const TREE: TreeData = {
  cycle: null,
  units: [
    {
      name: 'company',
      title: 'The company',
      owner: 'mira',
      type: 'company',
      subject: 'unit/company@q4',
      evaluation: evaluationOf('unit/company@q4', { verdict: 'at_risk' }),
      members: [{ subject: 'objective/grow', weight: 1 }],
      objectives: [
        {
          ...subjectOf('objective/grow', { title: 'Grow', owner: 'ada', unit: 'company' }),
          rollup: { rule: 'mean', minCoverage: 0.5 },
          members: [
            { subject: 'key_result/grow/mrr', weight: 3 },
            { subject: 'key_result/grow/nps', weight: 1 },
          ],
          keyResults: [
            { ...subjectOf('key_result/grow/mrr', { unit: 'company', owner: 'ada' }), type: 'reach', weight: 3 },
            { ...subjectOf('key_result/grow/nps', { unit: 'company', owner: 'bob' }), type: 'reach', weight: 1 },
          ],
          objectives: [],
        },
      ],
      kpis: [],
      units: [
        {
          name: 'sales',
          title: null,
          owner: null,
          type: 'department',
          subject: null,
          evaluation: null,
          members: [],
          objectives: [],
          kpis: [
            { ...subjectOf('kpi/revenue', { title: 'New revenue', owner: 'ada', unit: 'sales' }), direction: 'higher' },
          ],
          units: [],
        },
      ],
    },
  ],
  objectives: [],
  kpis: [{ ...subjectOf('kpi/loose'), direction: 'lower' }],
};

export const NOW = Date.UTC(2026, 10, 16, 12);

const DAY = 86_400_000;

/** The day `index` after the first of October. */
export function rowOn(index: number, value: string | null, more: Partial<TrendRow> = {}): TrendRow {
  const from = Date.UTC(2026, 9, 1) + index * DAY;
  return {
    bucket: new Date(from).toISOString().slice(0, 10),
    from: new Date(from).toISOString(),
    to: new Date(from + DAY).toISOString(),
    value,
    final: true,
    ...more,
  };
}
