import { createHash } from 'node:crypto';
import { formatPosition, instantText } from '@paceline/domain';
import type { FastifyReply, FastifyRequest } from '@paceline/runtime';
import { z } from 'zod';
import type { Moment } from './knowledge.ts';

/** Parameters that every read takes. */
export const momentQuery = z.object({
  workspace: z.string().max(63).optional().describe('Default: the server’s own'),
  as_of: z
    .string()
    .max(64)
    .optional()
    .describe('Judge as of this instant; default: the latest evaluations as they stand'),
  known_at: z.string().max(64).optional().describe('With what was known then; default: all that is known'),
  min_position: z.string().max(32).optional().describe('Wait until at least this position is in the answer'),
});
export const formatQuery = momentQuery.extend({
  format: z.enum(['json', 'csv', 'ndjson']).optional().describe('Default: by Accept, else json'),
});

export function metaOf(moment: Moment) {
  return {
    workspace: moment.workspace,
    asOf: instantText(moment.asOf),
    knownAt: instantText(moment.knownAt),
    position: moment.position < 0 ? null : formatPosition(moment.position),
  };
}

export type Format = 'json' | 'csv' | 'ndjson';

export function formatOf(request: FastifyRequest, asked: Format | undefined): Format {
  if (asked !== undefined) return asked;
  const accept = request.headers.accept ?? '';
  if (accept.includes('text/csv')) return 'csv';
  return accept.includes('application/x-ndjson') ? 'ndjson' : 'json';
}

/**
 * A strong ETag from what the answer is a function of: address, workspace and position. Answers that also depend on the clock
 * (freshness) carry its minute.
 */
export function notModified(
  request: FastifyRequest,
  reply: FastifyReply,
  moment: Moment,
  minute: number | null,
): boolean {
  const accept = request.headers.accept ?? '';
  const text = [request.url, accept, moment.workspace, moment.position, minute ?? ''].join('\n');
  const tag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 27)}"`;
  reply.header('etag', tag).header('cache-control', 'no-cache').header('vary', 'accept');
  return request.headers['if-none-match']?.split(',').some((one) => one.trim() === tag) ?? false;
}

export function unchanged(reply: FastifyReply): FastifyReply {
  return reply.code(304).send();
}

export type Cell = string | number | boolean | null | undefined;

/** CSV with a header. A text that a spreadsheet would run as a formula is kept text by a leading quote. */
export function csvText(columns: readonly string[], rows: Iterable<readonly Cell[]>): string {
  const lines = [columns.map(csvCell).join(',')];
  for (const row of rows) lines.push(row.map(csvCell).join(','));
  return `${lines.join('\r\n')}\r\n`;
}

function csvCell(value: Cell): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'string') return String(value);
  const formula = /^[=+\-@\t\r]/.test(value) && !/^-?\d+(\.\d+)?$/.test(value);
  const safe = formula ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function ndjsonText(rows: Iterable<unknown>): string {
  let text = '';
  for (const row of rows) text += `${JSON.stringify(row)}\n`;
  return text;
}

export const CSV_TYPE = 'text/csv; charset=utf-8; header=present';
export const NDJSON_TYPE = 'application/x-ndjson';
