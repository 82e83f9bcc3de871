import { ERROR_GROUPS, ERRORS, type ErrorCode } from './error-codes.ts';

export { ERROR_GROUPS, ERRORS, type ErrorCode, type ErrorEntry, isErrorCode } from './error-codes.ts';

/** One fault among several, at its place: a JSON Pointer into the body, a parameter, or a file with line and column. */
export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
  /** JSON Pointer into the request body or document, `''` for the whole. */
  readonly pointer?: string;
  /** Name of a query, path or header parameter. */
  readonly parameter?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** Id of the definition document, `kpi/new-revenue`. */
  readonly document?: string;
  /** What to do about this one, where more is known than the table says. */
  readonly remedy?: string;
}

export interface PacelineErrorOptions extends ErrorOptions {
  /** Facts that help the reader, shown in answers: never secrets, never bodies. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** When there are several faults, all of them. */
  readonly faults?: readonly Fault[];
  /** Whole seconds after which trying again makes sense; sent as Retry-After. */
  readonly retryAfterSeconds?: number;
}

/** The one error type that callers may see. The message says what happened to what; code, status and remedy come from the table. */
export class PacelineError extends Error {
  override readonly name = 'PacelineError';
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;
  readonly faults: readonly Fault[];
  readonly retryAfterSeconds: number | null;

  constructor(code: ErrorCode, message?: string, options: PacelineErrorOptions = {}) {
    super(message ?? ERRORS[code].meaning, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
    this.faults = options.faults ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get remedy(): string {
    return ERRORS[this.code].remedy;
  }
}

/** RFC 9457 problem details. `type` can be opened: the server answers it with the code's meaning and remedy. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly code: ErrorCode;
  readonly remedy: string;
  readonly requestId?: string;
  readonly errors?: readonly Fault[];
  readonly [extension: string]: unknown;
}

/** `details` come first, so that none of them can overwrite a member of the standard. */
export function problemOf(
  error: PacelineError,
  request: { readonly instance: string; readonly requestId?: string },
): Problem {
  return {
    ...error.details,
    type: `/docs/errors#${error.code}`,
    title: ERRORS[error.code].meaning,
    status: error.status,
    detail: error.message,
    instance: request.instance,
    code: error.code,
    remedy: error.remedy,
    ...(request.requestId === undefined ? {} : { requestId: request.requestId }),
    ...(error.faults.length === 0 ? {} : { errors: error.faults }),
  };
}

/** An error as one line with its causes, for logs and terminals. Bounded, because causes can be circular. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < 5 && current !== undefined && current !== null; depth++) {
    if (!(current instanceof Error)) {
      parts.push(String(current));
      break;
    }
    const code = 'code' in current && typeof current.code === 'string' ? ` (${current.code})` : '';
    parts.push(`${current.message || current.name}${code}`);
    current = current.cause;
  }
  return parts.join('; because ');
}

/** The text of `docs/errors.md`. */
export function errorsPage(): string {
  const lines = [
    '# Errors',
    '',
    'Every error carries one of these codes, over HTTP as `application/problem+json` (RFC 9457), in the CLI with `--output json`.',
    'Generated from `libs/runtime/src/codes/` by `npm run docs`; a test compares the two.',
    '',
  ];
  for (const [group, entries] of Object.entries(ERROR_GROUPS)) {
    lines.push(`## ${group}`, '', '| code | status | meaning | remedy |', '|---|---|---|---|');
    for (const [code, { status, meaning, remedy }] of Object.entries(entries)) {
      lines.push(`| <a id="${code}"></a>\`${code}\` | ${status} | ${cell(meaning)} | ${cell(remedy)} |`);
    }
    lines.push('');
  }
  return lines.join('\n');
}

/** The same table as a page that the server answers at the `type` of its problems. */
export function errorsHtml(): string {
  const sections = Object.entries(ERROR_GROUPS).map(([group, entries]) => {
    const rows = Object.entries(entries).map(
      ([code, { status, meaning, remedy }]) =>
        `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${escapeHtml(meaning)}</td><td>${escapeHtml(remedy)}</td></tr>`,
    );
    return `<h2>${escapeHtml(group)}</h2><table><tr><th>code</th><th>status</th><th>meaning</th><th>remedy</th></tr>${rows.join('')}</table>`;
  });
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Errors of Paceline</title><h1>Errors</h1>${sections.join('')}</html>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
