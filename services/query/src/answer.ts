import { createHash } from 'node:crypto';
import { type Catalog, formatPosition, instantText } from '@paceline/domain';
import type { FastifyReply, FastifyRequest } from '@paceline/runtime';
import { z } from 'zod';
import type { Moment } from './knowledge.ts';
import type { Meta } from './schemas.ts';

/** Parameters that every read takes. An unknown one is refused: a misspelt filter would answer with wrong numbers. */
export const momentQuery = z.strictObject({
  workspace: z.string().max(63).optional().describe('Default: the server’s own'),
  as_of: z
    .string()
    .max(64)
    .optional()
    .describe('An instant or a day: seen as of then; default: the latest record, as it stands'),
  known_at: z
    .string()
    .max(64)
    .optional()
    .describe('An instant or a day: with what was recorded by then; default: everything'),
  min_position: z.string().max(32).optional().describe('Wait until at least this position is in the answer'),
});
export const formatQuery = momentQuery.extend({
  format: z.enum(['json', 'csv', 'ndjson']).optional().describe('Default: by Accept, else json'),
});

export function metaOf(moment: Moment, catalog: Catalog): Meta {
  return {
    workspace: moment.workspace,
    asOf: instantText(moment.asOf),
    knownAt: instantText(moment.knownAt),
    position: moment.position < 0 ? null : formatPosition(moment.position),
    definitionVersion: catalog.position === null ? null : formatPosition(catalog.position),
  };
}

/** Raised when the answers of the same history come to look different, so that no cache keeps the old ones. */
const SHAPE = 1;

/**
 * Sets a strong ETag of what the answer is a function of, besides its address and format. `true`: the caller has it already,
 * and `unchanged` is the answer.
 */
export function isKnown(request: FastifyRequest, reply: FastifyReply, ...basis: readonly unknown[]): boolean {
  const text = JSON.stringify([SHAPE, request.url, request.headers.accept ?? '', ...basis]);
  const tag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 27)}"`;
  reply.header('etag', tag).header('cache-control', 'no-cache').header('vary', 'accept');
  return (
    request.headers['if-none-match']?.split(',').some((one) => {
      const known = one.trim();
      return known === '*' || known === tag || known === `W/${tag}`;
    }) ?? false
  );
}

export function unchanged(reply: FastifyReply): FastifyReply {
  return reply.code(304).send();
}

export type Cell = string | number | boolean | null | undefined;

export interface Answer {
  /** As JSON. */
  readonly whole: unknown;
  /** As NDJSON, a line each. */
  readonly rows: readonly unknown[];
  /** As CSV. */
  table(): { readonly columns: readonly string[]; readonly cells: Iterable<readonly Cell[]> };
}

/** Answers in the format asked for by `format`, else by Accept, else in JSON. */
export function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  format: 'json' | 'csv' | 'ndjson' | undefined,
  { whole, rows, table }: Answer,
): FastifyReply {
  switch (format ?? formatAccepted(request)) {
    case 'csv': {
      const { columns, cells } = table();
      return reply.type(CSV_TYPE).serializer(String).send(csvText(columns, cells));
    }
    case 'ndjson':
      return reply.type('application/x-ndjson').serializer(String).send(ndjsonText(rows));
    case 'json':
      return reply.send(whole);
  }
}

const CSV_TYPE = 'text/csv; charset=utf-8; header=present';

function formatAccepted(request: FastifyRequest): 'json' | 'csv' | 'ndjson' {
  const accept = request.headers.accept ?? '';
  if (accept.includes('text/csv')) return 'csv';
  return accept.includes('application/x-ndjson') ? 'ndjson' : 'json';
}

/** CSV with a header. A text that a spreadsheet would run as a formula is kept text by a leading quote. */
export function csvText(columns: readonly string[], rows: Iterable<readonly Cell[]>): string {
  const lines = [columns.map(csvCell).join(',')];
  for (const row of rows) lines.push(row.map(csvCell).join(','));
  return `${lines.join('\r\n')}\r\n`;
}

/** The characters that start a formula, and their full-width twins, which some spreadsheets take for the same. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const NUMBER = /^-?\d+(\.\d+)?$/;

function csvCell(value: Cell): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'string') return String(value);
  const safe = FORMULA.test(value) && !NUMBER.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function ndjsonText(rows: Iterable<unknown>): string {
  let text = '';
  for (const row of rows) text += `${JSON.stringify(row)}\n`;
  return text;
}

/** The address of the same question with other parameters. */
export function linkTo(request: FastifyRequest, changed: Readonly<Record<string, string>>): string {
  const [path = '/', search = ''] = request.url.split('?');
  const params = new URLSearchParams(search);
  for (const [name, value] of Object.entries(changed)) params.set(name, value);
  return `${path}?${params.toString()}`;
}
