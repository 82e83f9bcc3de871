import { AGGREGATES } from './aggregates.ts';
import { arithmetic, HIGHER, isTrue, type Lambda, list, SCALARS, type Scalar } from './scalars.ts';
import type { Expression, Select } from './syntax.ts';
import type { Literal } from './tokens.ts';
import {
  compareValues,
  DECIMAL256,
  FLOAT64,
  INT64,
  isList,
  keyOfValue,
  TEXT,
  type Type,
  typeOf,
  UINT8,
  UINT64,
  type Value,
} from './values.ts';

export type Tuple = readonly Value[];

/** One run of a plan over what the tables hold now. */
export interface Run {
  /** Of this run alone: what a plan keeps for a run is of no other. */
  readonly id: number;
  readonly literals: readonly Literal[];
  rowsOf(table: string, workspace: Value | undefined): readonly Tuple[];
}

/** A value of a row; aggregates look at the group the row stands for. */
export interface Compiled {
  readonly type: Type;
  /** Of the statement's literals alone: computed once a run. */
  readonly constant: boolean;
  at(row: Tuple, group: readonly Tuple[], run: Run): Value;
}

export interface Column {
  readonly name: string;
  readonly type: Type;
}

/** Runs a query within another one. */
export interface Nested {
  readonly columns: readonly Column[];
  rows(run: Run): readonly Tuple[];
}

/** What names mean within one SELECT. */
export interface Scope {
  readonly table: string | null;
  readonly columns: readonly Column[];
  readonly aliases: ReadonlyMap<string, Expression>;
  /** Aliases being resolved: within its own definition a name is a column. */
  readonly resolving: ReadonlySet<string>;
  /** Names bound by lambdas, with their places in the values given to it. */
  readonly bound: ReadonlyMap<string, { readonly cell: { values: Tuple }; readonly at: number; readonly type: Type }>;
  /** Of the statement the plan is made from: those that make a part of it, like the number of a tuple's part. */
  readonly literals: readonly Literal[];
  nested(select: Select): Nested;
}

const BOOL: Type = UINT8;

export function compile(expression: Expression, scope: Scope): Compiled {
  const compiled = compileAny(expression, scope);
  if (!compiled.constant || expression.kind === 'literal') return compiled;
  return { ...compiled, at: onceARun(compiled.at) };
}

/** Whether a condition holds of a row; what is neither true nor false does not. */
export function compileTest(expression: Expression, scope: Scope): At<boolean> {
  if (expression.kind === 'binary' && expression.sign === 'or') {
    const [left, right] = [compileTest(expression.left, scope), compileTest(expression.right, scope)];
    return (row, group, run) => left(row, group, run) || right(row, group, run);
  }
  const holds = expression.kind === 'binary' ? own(HOLDS, expression.sign) : undefined;
  if (expression.kind !== 'binary' || holds === undefined) {
    const { at } = compile(expression, scope);
    return (row, group, run) => isTrue(at(row, group, run));
  }
  const [left, right] = [compile(expression.left, scope).at, compile(expression.right, scope).at];
  return (row, group, run) => {
    const [a, b] = [left(row, group, run), right(row, group, run)];
    return a !== null && b !== null && holds(compareValues(a, b));
  };
}

type At<Result> = (row: Tuple, group: readonly Tuple[], run: Run) => Result;

/** Computes at the first row of a run what holds for all of them. */
function onceARun<Result>(compute: At<Result>): At<Result> {
  let known: { readonly run: number; readonly result: Result } | null = null;
  return (row, group, run) => {
    if (known?.run !== run.id) known = { run: run.id, result: compute(row, group, run) };
    return known.result;
  };
}

function compileAny(expression: Expression, scope: Scope): Compiled {
  switch (expression.kind) {
    case 'literal':
      return compileLiteral(expression.index, scope);
    case 'name':
      return compileName(expression.name, scope);
    case 'call':
      return compileCall(expression.name, expression.args, scope);
    case 'cast':
      return compileCast(expression.value, expression.type, scope);
    case 'tuple':
      return compileCall('tuple', expression.items, scope);
    case 'element':
      return compileElement(expression.of, expression.at, scope);
    case 'binary':
      return compileBinary(expression.sign, compile(expression.left, scope), compile(expression.right, scope));
    case 'not':
      return over1(compile(expression.value, scope), BOOL, (value) => (value === null ? null : !isTrue(value)));
    case 'null':
      return over1(compile(expression.value, scope), BOOL, (value) => (value === null) === expression.is);
    case 'in':
      return compileIn(expression.value, expression.set, scope);
    case 'like':
      return compileLike(expression.value, expression.pattern, scope);
    default:
      throw new SyntaxError(`the engine in memory cannot take a ${expression.kind} here`);
  }
}

/** A function of another value; constant where that is. */
function over1({ constant, at }: Compiled, type: Type, run: (value: Value) => Value): Compiled {
  return { type, constant, at: (row, group, context) => run(at(row, group, context)) };
}

function over2(left: Compiled, right: Compiled, type: Type, run: (left: Value, right: Value) => Value): Compiled {
  return {
    type,
    constant: left.constant && right.constant,
    at: (row, group, context) => run(left.at(row, group, context), right.at(row, group, context)),
  };
}

function compileLiteral(index: number, { literals }: Scope): Compiled {
  const type = typeof literals[index] === 'string' ? TEXT : INT64;
  return { type, constant: true, at: (_row, _group, run) => run.literals[index] ?? null };
}

function compileName(name: string, scope: Scope): Compiled {
  const bound = scope.bound.get(name);
  if (bound !== undefined) return { type: bound.type, constant: false, at: () => bound.cell.values[bound.at] ?? null };
  if (name === 'true' || name === 'false') return { type: typeOf('Bool'), constant: true, at: () => name === 'true' };
  const alias = scope.resolving.has(name) ? undefined : scope.aliases.get(name);
  if (alias !== undefined) return compile(alias, { ...scope, resolving: new Set([...scope.resolving, name]) });
  const plain = scope.table !== null && name.startsWith(`${scope.table}.`) ? name.slice(scope.table.length + 1) : name;
  const at = scope.columns.findIndex((column) => column.name === plain);
  const column = scope.columns[at];
  if (column === undefined) throw new SyntaxError(`the engine in memory knows no column ${name}`);
  return { type: column.type, constant: false, at: (row) => row[at] ?? null };
}

function compileCall(name: string, args: readonly Expression[], scope: Scope): Compiled {
  const aggregate = own(AGGREGATES, name);
  if (aggregate !== undefined) {
    const compiled = args.map((arg) => compile(arg, scope));
    return {
      type: aggregate.type(compiled.map(({ type }) => type)),
      constant: false,
      at(_row, group, run) {
        const [first, second] = compiled.map(
          ({ at }) =>
            (row: Tuple) =>
              at(row, NO_GROUP, run),
        );
        return aggregate.run(group, first ?? nothing, second ?? nothing);
      },
    };
  }
  const [first, ...others] = args;
  if (first?.kind === 'lambda') return compileHigher(name, first, others, scope);
  const compiled = args.map((arg) => compile(arg, scope));
  if (name === 'transform') return compileTransform(compiled);
  const scalar = own(SCALARS, name);
  if (scalar === undefined) throw new SyntaxError(`the engine in memory knows no function ${name}`);
  return {
    type: scalar.type(compiled.map(({ type }) => type)),
    constant: compiled.every(({ constant }) => constant),
    at: calling(
      scalar,
      compiled.map(({ at }) => at),
    ),
  };
}

/** No rows: what is no aggregate looks at its own row alone. */
export const NO_GROUP: readonly Tuple[] = [];

const nothing = (): Value => null;

/** Most functions have one argument or two, and are called for every row. */
function calling(scalar: Scalar, args: readonly At<Value>[]): At<Value> {
  const [first, second] = args;
  if (args.length === 1 && first !== undefined) return (row, group, run) => scalar.run([first(row, group, run)]);
  if (args.length === 2 && first !== undefined && second !== undefined)
    return (row, group, run) => scalar.run([first(row, group, run), second(row, group, run)]);
  return (row, group, run) => scalar.run(args.map((arg) => arg(row, group, run)));
}

/** The value's counterpart in two arrays of equal length, else the default. */
function compileTransform([value, from, to, otherwise]: readonly Compiled[]): Compiled {
  if (value === undefined || from === undefined || to === undefined || otherwise === undefined)
    throw new SyntaxError('the engine in memory knows transform with four arguments');
  const counterparts = onceARun((row, group, run) => {
    const targets = list(to.at(row, group, run));
    return new Map(list(from.at(row, group, run)).map((key, at) => [keyOfValue(key), targets[at] ?? null]));
  });
  return {
    type: otherwise.type,
    constant: false,
    at: (row, group, run) =>
      counterparts(row, group, run).get(keyOfValue(value.at(row, group, run))) ?? otherwise.at(row, group, run),
  };
}

function compileHigher(
  name: string,
  lambda: Extract<Expression, { kind: 'lambda' }>,
  args: readonly Expression[],
  scope: Scope,
): Compiled {
  const higher = own(HIGHER, name);
  if (higher === undefined) throw new SyntaxError(`the engine in memory knows no function ${name} of a lambda`);
  const arrays = args.map((arg) => compile(arg, scope));
  const cell: { values: Tuple } = { values: [] };
  const bound = new Map(scope.bound);
  for (const [at, word] of lambda.names.entries()) bound.set(word, { cell, at, type: arrays[at]?.type.of[0] ?? TEXT });
  const body = compile(lambda.body, { ...scope, bound });
  return {
    type: higher.type(body.type),
    constant: false,
    at(row, group, run) {
      const each: Lambda = (items) => {
        cell.values = items;
        return body.at(row, group, run);
      };
      return higher.run(
        each,
        arrays.map((array) => array.at(row, group, run)),
      );
    },
  };
}

const CASTS: Readonly<Record<string, { readonly type: Type; of(value: Value): Value }>> = {
  UInt64: { type: UINT64, of: (value) => value },
  Int64: { type: INT64, of: (value) => value },
  UInt32: { type: typeOf('UInt32'), of: (value) => value },
  UInt8: { type: UINT8, of: (value) => value },
  Float64: { type: FLOAT64, of: (value) => value },
  'Array(String)': { type: typeOf('Array', false, [TEXT]), of: (value) => textsOf(String(value)) },
  'Array(Int64)': { type: typeOf('Array', false, [INT64]), of: (value) => numbersOf(String(value)) },
  'Array(UInt64)': { type: typeOf('Array', false, [UINT64]), of: (value) => numbersOf(String(value)) },
  'Array(UInt32)': { type: typeOf('Array', false, [typeOf('UInt32')]), of: (value) => numbersOf(String(value)) },
};

function compileCast(value: Expression, type: string, scope: Scope): Compiled {
  const cast = own(CASTS, type);
  if (cast === undefined) throw new SyntaxError(`the engine in memory cannot cast to ${type}`);
  return over1(compile(value, scope), cast.type, cast.of);
}

/** Names come from a statement: `toString` must not be what every object has. */
export function own<Item>(table: Readonly<Record<string, Item>>, name: string): Item | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function numbersOf(text: string): number[] {
  return text === '[]' ? [] : text.slice(1, -1).split(',').map(Number);
}

/** `['a','it\'s']`, as `bind.ts` writes it. */
function textsOf(text: string): string[] {
  const items: string[] = [];
  for (const [, quoted = ''] of text.matchAll(/'((?:[^'\\]|\\.)*)'/gs)) {
    items.push(quoted.replace(/\\(.)/gs, (_, escaped: string) => (escaped === '0' ? '\0' : escaped)));
  }
  return items;
}

function compileElement(of: Expression, literal: number, scope: Scope): Compiled {
  const tuple = compile(of, scope);
  const place = Number(scope.literals[literal]) - 1;
  return {
    type: tuple.type.of[place] ?? TEXT,
    constant: false,
    at(row, group, run) {
      const value = tuple.at(row, group, run);
      return value !== null && isList(value) ? (value[place] ?? null) : null;
    },
  };
}

function compileBinary(sign: string, left: Compiled, right: Compiled): Compiled {
  switch (sign) {
    case 'and':
      return {
        type: BOOL,
        constant: left.constant && right.constant,
        at: (row, group, run) => isTrue(left.at(row, group, run)) && isTrue(right.at(row, group, run)),
      };
    case 'or':
      return {
        type: BOOL,
        constant: left.constant && right.constant,
        at: (row, group, run) => isTrue(left.at(row, group, run)) || isTrue(right.at(row, group, run)),
      };
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return over2(left, right, arithmeticType(left.type, right.type), (a, b) => arithmetic(sign, a, b));
    default:
      return compileComparison(sign, left, right);
  }
}

function arithmeticType(left: Type, right: Type): Type {
  return left.name.startsWith('Decimal') || right.name.startsWith('Decimal')
    ? DECIMAL256
    : left.name === 'UInt64'
      ? UINT64
      : INT64;
}

const HOLDS: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '!=': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

function compileComparison(sign: string, left: Compiled, right: Compiled): Compiled {
  const holds = own(HOLDS, sign);
  if (holds === undefined) throw new SyntaxError(`the engine in memory cannot compare by ${sign}`);
  return over2(left, right, BOOL, (a, b) => (a === null || b === null ? null : holds(compareValues(a, b))));
}

function compileIn(value: Expression, set: Expression, scope: Scope): Compiled {
  const left = compile(value, scope);
  const members = set.kind === 'query' ? membersOfQuery(scope.nested(set.query)) : membersOf(set, scope);
  const keys = onceARun((row, group, run) => new Set(members(row, group, run).map(keyOfValue)));
  return {
    type: BOOL,
    constant: false,
    at(row, group, run) {
      const item = left.at(row, group, run);
      return item !== null && keys(row, group, run).has(keyOfValue(item));
    },
  };
}

function membersOfQuery({ rows }: Nested): At<readonly Value[]> {
  return (_row, _group, run) => rows(run).map((tuple) => (tuple.length === 1 ? (tuple[0] ?? null) : tuple));
}

function membersOf(set: Expression, scope: Scope): At<readonly Value[]> {
  const { at } = compile(set, scope);
  return (row, group, run) => {
    const items = at(row, group, run);
    return items !== null && isList(items) && set.kind !== 'literal' ? items : [items];
  };
}

function compileLike(value: Expression, pattern: Expression, scope: Scope): Compiled {
  const [left, right] = [compile(value, scope), compile(pattern, scope)];
  const form = onceARun((row, group, run) => {
    const text = String(right.at(row, group, run)).replace(/[\\^$.|?*+()[\]{}]/g, '\\$&');
    return new RegExp(`^${text.replaceAll('%', '.*').replaceAll('_', '.')}$`, 's');
  });
  return {
    type: BOOL,
    constant: false,
    at: (row, group, run) => form(row, group, run).test(String(left.at(row, group, run))),
  };
}
