import type { Bands, Bounds, Dated, DatedEntry, Grain, Metadata, Pace } from '@paceline/domain';
import { z } from 'zod';
import { readDecimal } from './decimal-text.ts';
import { nearest } from './suggest.ts';

/* The pieces of which the documents are made. Custom faults carry their code in `params.code`. */

export const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const DURATION = /^P(?=\d|T\d)(?:\d{1,5}W|(?:\d{1,6}D)?(?:T(?=\d)(?:\d{1,6}H)?(?:\d{1,6}M)?(?:\d{1,6}S)?)?)$/;
const TEXT_MAX = 10_000;

type Shape = Record<string, z.core.$ZodType>;

/** An object that refuses unknown keys. The message holds a line for each of them, `message TAB remedy`, which `faults.ts` takes apart. */
export function strict<S extends Shape>(shape: S) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? issue.keys.map((key) => unknownKey(key, known)).join('\n') : undefined,
  });
}

export function unknownKey(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  return `unknown key "${key}"\t${near === undefined ? `use one of ${known.join(', ')}` : `did you mean "${near}"?`}`;
}

export const text = z.string().min(1, 'is empty').max(TEXT_MAX, `is longer than ${TEXT_MAX} characters`);
export const name = z
  .string()
  .regex(NAME, {
    error: (issue) =>
      `"${String(issue.input).slice(0, 80)}" is no name\tuse a-z, 0-9, _ and -, beginning with a letter or digit, at most 63 characters`,
  })
  .meta({ description: 'a-z, 0-9, _ and -, at most 63 characters' });
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
  const read = readDecimal(value);
  if (read.ok) return read.text;
  context.issues.push(fault(read.code, read.message, value));
  return z.NEVER;
}).meta({ description: 'a decimal: at most 29 digits before and 9 after the point; quote it to keep it exact' });

/** A decimal or a share such as `95%`. */
export const decimalOrShare = oneWay(z.string(), (value, context): string => {
  const share = typeof value === 'string' && value.trimEnd().endsWith('%');
  const read = readDecimal(share ? value.trimEnd().slice(0, -1) : value);
  if (read.ok) return share ? `${read.text}%` : read.text;
  context.issues.push(fault(read.code, `${read.message} and no share such as "95%"`, value));
  return z.NEVER;
});

/** A plain number (a weight, a threshold, a share of time), which may be written as text. */
export const num = oneWay(z.number(), (value, context): number => {
  const read = readDecimal(value);
  if (read.ok) return Number(read.text);
  context.issues.push(fault(read.code, read.message, value));
  return z.NEVER;
});

export const count = z.int().min(1, 'is less than 1').max(100_000, 'is more than 100000');

/** A day that exists, `2026-11-22`. */
export const date = z
  .string()
  .refine(isDay, {
    error: (issue) => `"${String(issue.input).slice(0, 40)}" is no day of the calendar\twrite it as 2026-11-22`,
    params: { code: 'invalid_date' },
  })
  .meta({ format: 'date' });

export function isDay(written: string): boolean {
  const match = DATE.exec(written);
  if (match === null) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const at = new Date(Date.UTC(year, month - 1, day));
  return year >= 1000 && at.getUTCMonth() === month - 1 && at.getUTCDate() === day;
}

export const duration = z
  .string()
  .regex(DURATION, {
    error: (issue) =>
      `"${String(issue.input).slice(0, 40)}" is no duration\twrite days as P7D, weeks as P2W, hours and minutes as PT6H or PT30M`,
  })
  .meta({ format: 'duration' });

export const timezone = z.string().refine(isZone, {
  error: (issue) =>
    `"${String(issue.input).slice(0, 60)}" is no time zone known here\tuse an IANA name such as Europe/Berlin or UTC`,
  params: { code: 'invalid_timezone' },
});

function isZone(zone: string): boolean {
  try {
    // An offset such as +01:00 is accepted by Intl but has no summer time and no name: not a zone people mean.
    return /^[A-Za-z]/.test(zone) && new Intl.DateTimeFormat('en', { timeZone: zone }) !== undefined;
  } catch {
    // Intl says no by throwing RangeError.
    return false;
  }
}

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

export const pace = z.union([
  z.enum(['linear', 'seasonal']),
  strict({ seasonal: strict({ season: z.literal('year') }) }),
  strict({
    phased: strict({
      mode: z.enum(['interpolated', 'stepped']),
      targets: z
        .array(strict({ date, value: decimal }))
        .min(1, 'is empty')
        .max(1000),
    }),
  }),
  strict({
    points: z
      .array(strict({ elapsed: num, expected: num }))
      .min(1, 'is empty')
      .max(1000),
  }),
]) satisfies z.ZodType<Pace>;

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
