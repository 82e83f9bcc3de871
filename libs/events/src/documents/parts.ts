import type { Bands, Bounds, Dated, DatedEntry, Grain, Metadata, Pace, WorkspaceDefaults } from '@paceline/domain';
import { suggest } from '@paceline/domain/metric/suggest';
import { canonicalDecimal } from '@paceline/domain/number/decimal';
import { parseDate } from '@paceline/domain/time/date';
import { parseDuration } from '@paceline/domain/time/duration';
import { zoneNames, zoneOf } from '@paceline/domain/time/zone';
import { z } from 'zod';
import { unknownKeysMessage } from './zod-faults.ts';

/* The pieces of which the documents are made. Custom faults carry their code in `params.code`. */

export const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const TEXT_MAX = 10_000;

type Shape = Record<string, z.core.$ZodType>;

/** An object that refuses unknown keys; the message carries the known ones for the suggestion. */
export function strict<S extends Shape>(shape: S) {
  const known = unknownKeysMessage(Object.keys(shape));
  return z.strictObject(shape, { error: (issue) => (issue.code === 'unrecognized_keys' ? known : undefined) });
}

function said(written: unknown, message: string, remedy: string): string {
  return `"${String(written).slice(0, 60)}" ${message}\t${remedy}`;
}

export const text = z.string().min(1, 'is empty').max(TEXT_MAX, `is longer than ${TEXT_MAX} characters`);
export const name = z
  .string()
  .refine((written) => NAME.test(written), {
    error: (issue) =>
      said(issue.input, 'is no name', 'use a-z, 0-9, _ and -, at most 63, beginning with a letter or digit'),
    params: { code: 'invalid_name' },
  })
  .meta({ pattern: NAME.source });
/** Names something else; that it exists is checked over all documents. */
export const reference = z.string().min(1, 'is empty').max(200, 'is longer than 200 characters');

function fault(code: string, message: string, input: unknown): z.core.$ZodRawIssue {
  return { code: 'custom', message, input, params: { code } };
}

const numberOrText = z.union([z.number(), z.string()]);

/** Reads one way: what it made goes in again unchanged, so writing is the identity. */
function oneWay<Made extends string | number>(
  made: z.ZodType<Made, Made>,
  decode: (value: string | number, context: z.core.ParsePayload) => Made,
) {
  return z.codec(numberOrText, made, { decode, encode: (value): string | number => value });
}

/** Values of dimensions and labels: numbers count by their shortest text. */
export const word = oneWay(z.string().max(1000), String);

/** A decimal written as number or text; a text is exact, a number counts by its shortest text. */
export const decimal = oneWay(z.string(), (value, context): string => {
  const read = canonicalDecimal(value);
  if (typeof read === 'string') return read;
  context.issues.push(fault(read.code, `${read.message}\t${read.remedy}`, value));
  return z.NEVER;
}).meta({ description: 'a decimal: at most 29 digits before and 9 after the point; quote it to keep it exact' });

/** A decimal or a share such as `95%`. */
export const decimalOrShare = oneWay(z.string(), (value, context): string => {
  const share = typeof value === 'string' && value.trimEnd().endsWith('%');
  const read = canonicalDecimal(share ? value.trimEnd().slice(0, -1) : value);
  if (typeof read === 'string') return share ? `${read}%` : read;
  context.issues.push(fault(read.code, said(value, 'is no decimal and no share', 'write 1234.5 or "95%"'), value));
  return z.NEVER;
});

/** A plain number (a weight, a threshold, a share of time), which may be written as text. */
export const num = oneWay(z.number(), (value, context): number => {
  const read = canonicalDecimal(value);
  if (typeof read === 'string') return Number(read);
  context.issues.push(fault(read.code, `${read.message}\t${read.remedy}`, value));
  return z.NEVER;
});

export const count = z.int().min(1, 'is less than 1').max(100_000, 'is more than 100000');

/** A day that exists, `2026-11-22`. */
export const date = z
  .string()
  .refine((written) => parseDate(written) !== undefined, {
    error: (issue) => said(issue.input, 'is no day of the calendar', 'write it as 2026-11-22'),
    params: { code: 'invalid_date' },
  })
  .meta({ format: 'date' });

export const duration = z
  .string()
  .refine((written) => parseDuration(written) !== undefined, {
    error: (issue) => said(issue.input, 'is no duration', 'write days as P7D, weeks as P2W, time as PT6H or PT30M'),
    params: { code: 'invalid_duration' },
  })
  .meta({ format: 'duration' });

export const timezone = z.string().refine((written) => zoneOf(written) !== undefined, {
  error: (issue) => {
    const near = suggest(String(issue.input), zoneNames());
    const remedy = near === undefined ? 'use an IANA name such as Europe/Berlin or UTC' : `did you mean "${near}"?`;
    return said(issue.input, 'is no time zone known here', remedy);
  },
  params: { code: 'invalid_timezone' },
});

export const GRAINS = [
  'hour',
  'day',
  'week',
  'month',
  'quarter',
  'year',
  'fiscal_quarter',
  'fiscal_year',
  'period',
] as const;
export const grain = z.enum(GRAINS) satisfies z.ZodType<Grain>;
export const bounds = strict({ low: decimal, high: decimal }) satisfies z.ZodType<Bounds>;
export const where = z.record(z.string(), word);

export function entries<Value>(value: z.ZodType<Value>): z.ZodType<readonly DatedEntry<Value>[]> {
  return z
    .array(
      strict({
        effectiveFrom: date,
        value,
        mode: z.enum(['prospective', 'retroactive']).exactOptional(),
        reason: text.exactOptional(),
      }),
    )
    .min(1, 'is empty')
    .max(1000) as z.ZodType<readonly DatedEntry<Value>[]>;
}

/** A plain value or `[{effectiveFrom, value, mode?, reason?}]`. */
export function dated<Value>(value: z.ZodType<Value>): z.ZodType<Dated<Value>> {
  return z.union([value, entries(value)]);
}

const evenPace = z.enum(['linear', 'seasonal']);
const seasonalPace = strict({ seasonal: strict({ season: z.literal('year') }) });
const phasedPace = strict({
  phased: strict({
    mode: z.enum(['interpolated', 'stepped']),
    targets: z
      .array(strict({ date, value: decimal }))
      .min(1, 'is empty')
      .max(1000),
  }),
});
const pointsPace = strict({
  points: z
    .array(strict({ elapsed: num, expected: num }))
    .min(1, 'is empty')
    .max(1000),
});
export const pace = z.union([evenPace, seasonalPace, phasedPace, pointsPace]) satisfies z.ZodType<Pace>;

/** Of a whole workspace: phased paces name dates, and so belong to single subjects. */
export const workspaceDefaults = strict({
  policy: name.exactOptional(),
  pace: z.union([evenPace, seasonalPace, pointsPace]).exactOptional(),
}) satisfies z.ZodType<WorkspaceDefaults>;

export const bands = strict({
  onTrack: decimalOrShare.exactOptional(),
  atRisk: z.union([decimalOrShare, bounds]).exactOptional(),
}) satisfies z.ZodType<Bands>;

export const metadata = strict({
  name,
  title: text.exactOptional(),
  description: text.exactOptional(),
  owner: dated(text).exactOptional(),
  labels: z.record(z.string(), word).exactOptional(),
}) satisfies z.ZodType<Metadata>;
