import type { Logger } from './context.ts';
import { ConnectorFault } from './fault.ts';

/**
 * Hides secrets by value: whatever text leaves a run (logs, errors, check stages, previews) passes here. A value is
 * also hidden in the forms in which it travels: URL-encoded, JSON-escaped, Base64.
 */
export interface Redactor {
  hide(value: string): void;
  text(text: string): string;
  /** A copy of any JSON-like value with every text redacted. */
  value(value: unknown): unknown;
  /** A copy of an error, its stack and its causes. The original must not be kept: its message may hold the secret. */
  error(error: unknown): Error;
}

/** Shorter values would hide ordinary text; they protect nothing anyway. */
const HIDDEN_LENGTH_MIN = 4;
const MASK = '[redacted]';
const DEPTH_MAX = 8;

export function createRedactor(): Redactor {
  const forms = new Set<string>();
  let ordered: readonly string[] = [];

  const text = (input: string): string => {
    let out = input;
    for (const form of ordered) if (out.includes(form)) out = out.replaceAll(form, MASK);
    return out;
  };
  const value = (input: unknown, depth = 0): unknown => {
    if (typeof input === 'string') return text(input);
    if (typeof input === 'bigint' || typeof input !== 'object' || input === null) return input;
    if (input instanceof Error) return error(input, depth);
    if (depth >= DEPTH_MAX) return MASK;
    if (Array.isArray(input)) return input.map((item) => value(item, depth + 1));
    return Object.fromEntries(Object.entries(input).map(([key, item]) => [text(key), value(item, depth + 1)]));
  };
  const error = (input: unknown, depth = 0): Error => {
    if (!(input instanceof Error)) return new Error(text(String(input)));
    const cause =
      input.cause === undefined || depth >= DEPTH_MAX ? undefined : { cause: error(input.cause, depth + 1) };
    const copy =
      input instanceof ConnectorFault
        ? new ConnectorFault(input.kind, input.code, text(input.message), {
            ...cause,
            ...(input.remedy === null ? {} : { remedy: text(input.remedy) }),
            ...(input.retryAfterMs === null ? {} : { retryAfterMs: input.retryAfterMs }),
          })
        : Object.assign(new Error(text(input.message), cause), { name: input.name });
    if (input.stack !== undefined) copy.stack = text(input.stack);
    if ('code' in input && typeof input.code === 'string') Object.assign(copy, { code: text(input.code) });
    return copy;
  };

  return {
    hide(secret) {
      for (const form of formsOf(secret)) if (form.length >= HIDDEN_LENGTH_MIN) forms.add(form);
      // Longest first: one form may be part of another.
      ordered = [...forms].sort((a, b) => b.length - a.length);
    },
    text,
    value: (input) => value(input),
    error: (input) => error(input),
  };
}

function formsOf(secret: string): string[] {
  const encoded = encodeURIComponent(secret);
  return [
    secret,
    encoded,
    encoded.replaceAll('%20', '+'),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    Buffer.from(secret).toString('base64url'),
    ...secret.split(/\r?\n/).filter((line) => line.length >= 16),
  ];
}

/** The logger of a run: everything it is given is redacted before it is written. */
export function redactingLogger(logger: Logger, redactor: Redactor): Logger {
  const write = (level: 'error' | 'warn' | 'info' | 'debug') => (fields: object, message?: string) => {
    const clean = redactor.value(fields);
    logger[level](typeof clean === 'object' && clean !== null ? clean : {}, redactor.text(message ?? ''));
  };
  return { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug') };
}
