import { COMMAND_LINE } from './codes/command-line.ts';
import { DEFINITIONS } from './codes/definitions.ts';
import { LOG } from './codes/log.ts';
import { OBSERVATIONS } from './codes/observations.ts';
import { OPERATION } from './codes/operation.ts';
import { REQUESTS } from './codes/requests.ts';
import { SOURCES } from './codes/sources.ts';
import { STORE } from './codes/store.ts';

export type { ErrorEntry } from './codes/entry.ts';

/**
 * The closed table of everything that can go wrong for a caller, in the groups and the order in which the docs show it. A code is part of the contract: it is
 * never renamed and never given another meaning. `docs/errors.md` is generated from here, and tests compare the page with the table and the table
 * with the codes in use.
 */
export const ERROR_GROUPS = {
  Definitions: DEFINITIONS,
  Observations: OBSERVATIONS,
  Requests: REQUESTS,
  'Sources and channels': SOURCES,
  Operation: OPERATION,
  'Event log': LOG,
  Tables: STORE,
  'Command line': COMMAND_LINE,
} as const;

export const ERRORS = {
  ...DEFINITIONS,
  ...OBSERVATIONS,
  ...REQUESTS,
  ...SOURCES,
  ...OPERATION,
  ...LOG,
  ...STORE,
  ...COMMAND_LINE,
} as const;

export type ErrorCode = keyof typeof ERRORS;

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}
