import { type Evaluation, VERDICTS } from '@paceline/domain';
import { z } from 'zod';
import { type Dropped, type Nothing, wireInstant, wirePosition } from './wire.ts';

const decimal = z.string().nullable();
const ratio = z.number().nullable();
const instant = wireInstant.nullable();

/** An evaluation as API, log and engine print it (SURFACE, Evaluation), and back to the domain's. */
export const evaluationSchema = z.object({
  subject: z.string(),
  asOf: wireInstant,
  knownAt: wireInstant,
  measuredAt: instant,
  period: z.object({ from: wireInstant, to: wireInstant, label: z.string() }).nullable(),
  position: wirePosition,
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
  lateAt: instant,
  staleAt: instant,
  lastObservedAt: instant,
  provisional: z.boolean(),
  carried: z.boolean(),
  resets: z.int(),
  coverage: ratio,
  freshCoverage: ratio,
  worstChild: z.enum(VERDICTS).nullable(),
  score: ratio,
  scoreOriginal: ratio,
  forecast: z.null(),
  definitions: wirePosition.nullable(),
  policy: z.string().nullable(),
  edition: z.int(),
  sentence: z.string(),
}) satisfies z.ZodType<Evaluation>;

/** A key that an evaluation gains in the domain must be written here too. */
export type NoKeyIsDropped = Nothing<Dropped<Evaluation, typeof evaluationSchema>>;
