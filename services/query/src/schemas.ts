import { VERDICTS } from '@paceline/domain';
import { z } from 'zod';

const instant = z.string().describe('ISO instant in UTC');
const decimal = z.string().nullable().describe('Decimal text');
const ratio = z.number().nullable();

/** The evaluation as every surface prints it. */
export const evaluationSchema = z
  .object({
    subject: z.string(),
    asOf: instant,
    knownAt: instant,
    measuredAt: instant.nullable(),
    period: z.object({ from: instant, to: instant, label: z.string() }).nullable(),
    position: z.string(),
    value: decimal,
    baseline: decimal,
    target: decimal,
    targetLow: decimal,
    targetHigh: decimal,
    progress: ratio,
    progressRaw: ratio,
    elapsed: ratio,
    expected: ratio,
    expectedValue: decimal,
    pace: ratio,
    gap: ratio,
    paceMethod: z.string().nullable(),
    verdict: z.enum(VERDICTS),
    reason: z.string(),
    freshness: z.enum(['fresh', 'late', 'stale']).nullable(),
    lateAt: instant.nullable(),
    staleAt: instant.nullable(),
    lastObservedAt: instant.nullable(),
    provisional: z.boolean(),
    carried: z.boolean(),
    resets: z.int(),
    coverage: ratio,
    freshCoverage: ratio,
    worstChild: z.enum(VERDICTS).nullable(),
    score: ratio,
    scoreOriginal: ratio,
    forecast: z.null(),
    definitions: z.string().nullable(),
    policy: z.string().nullable(),
    edition: z.int(),
    sentence: z.string(),
  })
  .register(z.globalRegistry, { id: 'Evaluation' });

export const subjectAboutSchema = z.object({
  title: z.string().nullable(),
  owner: z.string().nullable(),
  unit: z.string().nullable(),
  cycle: z.string().nullable(),
  metric: z.string().nullable(),
  measure: z.string().nullable(),
});

export const metaSchema = z.object({
  workspace: z.string(),
  asOf: instant,
  knownAt: instant,
  position: z.string().nullable().describe('Of the last record that is in the answer'),
  definitionVersion: z.string().nullable().describe('Position of the last definition command that is in force'),
});
export type Meta = z.output<typeof metaSchema>;

const kind = z.string().max(20).describe('kpi, key_result, objective or unit');
const id = z.string().max(130);

/** The paths of subjects: `kpi/NAME`, `objective/NAME`, `unit/NAME@CYCLE`, and one longer `key_result/OBJECTIVE/NAME`. */
export const SUBJECT_PATHS = [
  { path: ':kind/:id', params: z.object({ kind, id }) },
  { path: ':kind/:id/:name', params: z.object({ kind, id, name: z.string().max(63) }) },
] as const;

export function subjectOfPath(params: { readonly kind: string; readonly id: string; readonly name?: string }): string {
  const { name } = params;
  return name === undefined ? `${params.kind}/${params.id}` : `${params.kind}/${params.id}/${name}`;
}
