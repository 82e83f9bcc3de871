import { VERDICTS } from '@paceline/domain';
import { z } from 'zod';
import type { Cell } from './answer.ts';

const decimal = z.string().nullable().describe('Decimal text');

const previousSchema = z.object({
  bucket: z.string(),
  from: z.string(),
  to: z.string(),
  value: decimal,
  count: z.int(),
  final: z.boolean(),
});

/** One window of a trend, of one group. */
export const trendRowSchema = z.object({
  bucket: z.string().describe('Label such as 2026-11-22, 2026-W47, 2026-11, 2026-Q4'),
  from: z.string(),
  to: z.string(),
  value: decimal,
  count: z.int().describe('Points used; of a subject grid points judged'),
  final: z.boolean().describe('The window has ended, is covered and settled; later changes are corrections'),
  dimensions: z.record(z.string(), z.string()).optional(),
  reason: z.string().optional().describe('Why there is no value although there are points'),
  filled: z.boolean().optional().describe('The value is that of an earlier window (fill=previous)'),
  previous: previousSchema.nullable().optional().describe('The same place in the period before (compare=previous)'),
  target: decimal.optional(),
  targetLow: decimal.optional(),
  targetHigh: decimal.optional(),
  expectedValue: decimal.optional(),
  verdict: z.enum(VERDICTS).nullable().optional(),
  progress: z.number().nullable().optional(),
  expected: z.number().nullable().optional(),
  pace: z.number().nullable().optional(),
  asOf: z.string().nullable().optional().describe('The grid point that is shown'),
  measuredAt: z.string().nullable().optional(),
  position: z.string().nullable().optional().describe('Of the tick that judged'),
  definitions: z.string().nullable().optional().describe('Position of the definitions that judged'),
});
export type TrendRow = z.output<typeof trendRowSchema>;
export type TrendPrevious = z.output<typeof previousSchema>;

const BASE = ['bucket', 'from', 'to', 'value', 'count', 'final'] as const;
const JUDGED = [
  'target',
  'targetLow',
  'targetHigh',
  'expectedValue',
  'verdict',
  'progress',
  'expected',
  'pace',
  'asOf',
  'measuredAt',
  'position',
  'definitions',
] as const;

/** The rows as a table: dimensions and whatever was asked for become columns. */
export function trendTable(
  rows: readonly TrendRow[],
  shape: { readonly dimensions: readonly string[]; readonly judged: boolean; readonly compared: boolean },
): { readonly columns: readonly string[]; readonly cells: readonly (readonly Cell[])[] } {
  const { dimensions, judged, compared } = shape;
  const columns = [
    ...BASE,
    ...dimensions,
    ...(compared ? ['previousBucket', 'previousValue'] : []),
    ...(judged ? JUDGED : []),
  ];
  const cells = rows.map((row) => [
    ...BASE.map((name) => row[name]),
    ...dimensions.map((name) => row.dimensions?.[name]),
    ...(compared ? [row.previous?.bucket, row.previous?.value] : []),
    ...(judged ? JUDGED.map((name) => row[name]) : []),
  ]);
  return { columns, cells };
}
