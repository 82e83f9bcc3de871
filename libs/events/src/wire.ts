import { formatPosition, type Instant, type Position, parsePosition } from '@paceline/domain';
import { z } from 'zod';
import { instantText, readInstant } from './instant-text.ts';

/** Instants travel as ISO text in UTC, so that a person reading the topic with kcat understands it. */
export const wireInstant = z.codec(z.string(), z.number(), {
  decode: (text, context): Instant => {
    const instant = readInstant(text);
    if (instant !== undefined) return instant;
    context.issues.push({ code: 'custom', input: text, message: 'is no UTC instant such as 2026-11-22T06:00:00Z' });
    return z.NEVER;
  },
  encode: (instant) => instantText(instant),
});

/** Positions travel as `1841:0`. */
export const wirePosition = z.codec(z.string(), z.number(), {
  decode: (text, context): Position => {
    const at = parsePosition(text);
    if (at !== undefined) return at;
    context.issues.push({ code: 'custom', input: text, message: 'is no position such as 1841:0' });
    return z.NEVER;
  },
  encode: (at) => formatPosition(at),
});

/** One line for people: the first faults of a failed parse, each with its place. */
export function faultsOf(error: z.core.$ZodError): string {
  const shown = error.issues.slice(0, 5).map((issue) => {
    const place = issue.path.map(String).join('.');
    return place === '' ? issue.message : `${place}: ${issue.message}`;
  });
  const more = error.issues.length - shown.length;
  return shown.join('; ') + (more > 0 ? `; and ${more} more` : '');
}

/** Keys of the domain's type that a schema would drop without a word. */
export type Dropped<Domain, Schema extends z.ZodType> = Exclude<keyof Domain, keyof z.output<Schema>>;
/** Compiles only while there are none. */
export type Nothing<T extends never> = T;
