import { suggest } from '@paceline/domain/metric/suggest';
import type { z } from 'zod';
import type { Path } from './fault.ts';

type Issue = z.core.$ZodIssue;

/** A fault of shape, with its place in what was parsed. */
export interface ShapeFault {
  readonly path: Path;
  /** The place is that of the key, not of its value. */
  readonly atKey: boolean;
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** Message for keys a strict object does not know; `shapeFaults` takes it apart. The first line lists the known ones. */
export function unknownKeysMessage(known: readonly string[]): string {
  return known.join('\t');
}

/** Turns what zod found in `input` into faults in the words of the docs, the likeliest reading of a union alone. */
export function shapeFaults(error: z.core.$ZodError, input: unknown): ShapeFault[] {
  return error.issues.flatMap((issue) => faultsOf(issue, [], input));
}

function faultsOf(issue: Issue, base: Path, input: unknown): ShapeFault[] {
  const path = [...base, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))];
  const value = valueAt(input, path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key, issue.message.split('\t')));
    case 'invalid_union':
      return unionFaults(issue, path, input);
    case 'invalid_type':
      return [value === undefined ? missingKey(path) : wrongType(path, [issue.expected], value)];
    case 'invalid_value':
      return [value === undefined ? missingKey(path) : notAllowed(path, issue.values.map(String), value)];
    case 'invalid_key':
    case 'invalid_element':
      return issue.issues.flatMap((inner) => faultsOf(inner, path, input));
    default:
      return [custom(issue, path)];
  }
}

function unknownKey(path: Path, key: string, known: readonly string[]): ShapeFault {
  const near = suggest(key, known);
  const remedy = near === undefined ? `use one of ${known.join(', ')}` : `did you mean "${near}"?`;
  return { path: [...path, key], atKey: true, code: 'unknown_key', message: `unknown key "${shown(key)}"`, remedy };
}

function missingKey(path: Path): ShapeFault {
  const key = String(path.at(-1) ?? 'value');
  return {
    path: path.slice(0, -1),
    atKey: true,
    code: 'missing_key',
    message: `"${key}" is missing`,
    remedy: `add ${key} here`,
  };
}

function wrongType(path: Path, expected: readonly string[], value: unknown): ShapeFault {
  const words = [...new Set(expected.map((type) => TYPES[type] ?? type))].join(' or ');
  const quoting = expected.includes('string') && (typeof value === 'number' || typeof value === 'boolean');
  const remedy = quoting ? `write it in quotes: "${String(value)}"` : `write ${words}`;
  return { path, atKey: false, code: 'invalid_type', message: `expected ${words}, found ${typeOf(value)}`, remedy };
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map of keys',
  record: 'a map of keys',
  array: 'a list',
  null: 'null',
};

function typeOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'string':
      return `the text "${shown(value)}"`;
    case 'number':
      return `the number ${value}`;
    case 'boolean':
      return String(value);
    default:
      return 'a map';
  }
}

function notAllowed(path: Path, values: readonly string[], value: unknown): ShapeFault {
  const near = typeof value === 'string' ? suggest(value, values) : undefined;
  const list = values.length === 1 ? `"${values[0]}"` : `one of ${values.join(', ')}`;
  return {
    path,
    atKey: false,
    code: 'invalid_value',
    message: `expected ${list}, found ${typeOf(value)}`,
    remedy: near === undefined ? `use ${list}` : `did you mean "${near}"?`,
  };
}

function custom(issue: Issue, path: Path): ShapeFault {
  const [message = '', remedy = ''] = issue.message.split('\t');
  const code = issue.code === 'custom' && typeof issue.params?.code === 'string' ? issue.params.code : 'invalid_value';
  return { path, atKey: false, code, message, remedy };
}

/** Of several readings the one that the writer probably meant: the one with the least that is fundamentally different. */
function unionFaults(issue: z.core.$ZodIssueInvalidUnion, path: Path, input: unknown): ShapeFault[] {
  const value = valueAt(input, path);
  if (value === undefined) return [missingKey(path)];
  const readings = issue.errors.map((issues) => ({ issues, cost: costOf(issues, value) }));
  const least = Math.min(...readings.map(({ cost }) => cost));
  const best = readings.filter(({ cost }) => cost === least);
  if (least < WRONG_TYPE && best.length === 1) return best[0]!.issues.flatMap((inner) => faultsOf(inner, path, input));
  if (least < WRONG_TYPE) return [tied(best, path, input)].flat();
  const types = readings.flatMap(({ issues }) => issues.flatMap(typesOf));
  return [wrongType(path, types, value)];
}

const WRONG_TYPE = 1000;
const WRONG_KEY = 10;

function costOf(issues: readonly Issue[], value: unknown): number {
  let cost = 0;
  for (const issue of issues) {
    if (issue.path.length === 0 && issue.code === 'invalid_type') cost += WRONG_TYPE;
    else if (issue.path.length === 0 && issue.code === 'invalid_value') {
      // A wrong word for one of several words is near; a map or a number where a word belongs is not.
      cost += typeof value === 'string' ? WRONG_KEY : WRONG_TYPE;
    } else if (issue.path.length === 0 && issue.code === 'invalid_union') {
      cost += Math.min(...issue.errors.map((inner) => costOf(inner, value)));
    } else if (issue.code === 'unrecognized_keys' && issue.path.length === 0) cost += WRONG_KEY * issue.keys.length;
    else if (issue.code === 'invalid_type' && issue.path.length === 1) cost += WRONG_KEY;
    else cost += 1;
  }
  return cost;
}

/** Several readings are equally near: of maps, one unknown key among the keys of all; of words, one of all of them. */
function tied(readings: readonly { readonly issues: readonly Issue[] }[], path: Path, input: unknown): ShapeFault[] {
  const issues = readings.flatMap((reading) => reading.issues);
  const unknown = issues.filter((issue) => issue.code === 'unrecognized_keys');
  const known = [...new Set(unknown.flatMap((issue) => issue.message.split('\t')))];
  const keys = [...new Set(unknown.flatMap((issue) => issue.keys))].filter((key) => !known.includes(key));
  if (keys.length > 0) return keys.map((key) => unknownKey(path, key, known));
  const words = issues.flatMap((issue) => (issue.code === 'invalid_value' ? issue.values.map(String) : []));
  if (words.length === issues.length) return [notAllowed(path, words, valueAt(input, path))];
  return readings[0]!.issues.flatMap((inner) => faultsOf(inner, path, input));
}

function typesOf(issue: Issue): string[] {
  if (issue.code === 'invalid_type') return [issue.expected];
  if (issue.code === 'invalid_union') return issue.errors.flatMap((issues) => issues.flatMap(typesOf));
  return issue.code === 'invalid_value' ? ['string'] : [];
}

function valueAt(input: unknown, path: Path): unknown {
  let value = input;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

function shown(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
