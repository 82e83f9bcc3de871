import { AGGREGATES } from './aggregates.ts';
import { arithmetic, HIGHER, isTrue, type Lambda, SCALARS } from './scalars.ts';
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

/** One run of a plan: its literals, and what was computed once for all rows. */
export interface Run {
  readonly literals: readonly Literal[];
  readonly memo: unknown[];
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
  slot(): number;
  nested(select: Select): Nested;
}

const BOOL: Type = UINT8;

export function compile(expression: Expression, scope: Scope): Compiled {
  const compiled = compileAny(expression, scope);
  if (!compiled.constant || expression.kind === 'literal') return compiled;
  const slot = scope.slot();
  return {
    ...compiled,
    at(row, group, run) {
      const known = run.memo[slot];
      if (isMemo(known)) return known.value;
      const value = compiled.at(row, group, run);
      run.memo[slot] = { value };
      return value;
    },
  };
}

function isMemo(known: unknown): known is { readonly value: Value } {
  return typeof known === 'object' && known !== null && 'value' in known;
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
      return over([compile(expression.value, scope)], BOOL, ([value = null]) =>
        value === null ? null : !isTrue(value),
      );
    case 'null':
      return over([compile(expression.value, scope)], BOOL, ([value = null]) => (value === null) === expression.is);
    case 'in':
      return compileIn(expression.value, expression.set, scope);
    case 'like':
      return compileLike(expression.value, expression.pattern, scope);
    default:
      throw new SyntaxError(`the engine in memory cannot take a ${expression.kind} here`);
  }
}

/** A function of other values; constant where they are. */
function over(args: readonly Compiled[], type: Type, run: (values: Tuple) => Value): Compiled {
  return {
    type,
    constant: args.every(({ constant }) => constant),
    at: (row, group, context) => run(args.map((arg) => arg.at(row, group, context))),
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
      at: (_row, group, run) => aggregate.run(group.map((row) => compiled.map((arg) => arg.at(row, [row], run)))),
    };
  }
  const [first, ...others] = args;
  if (first?.kind === 'lambda') return compileHigher(name, first, others, scope);
  const scalar = own(SCALARS, name);
  if (scalar === undefined) throw new SyntaxError(`the engine in memory knows no function ${name}`);
  const compiled = args.map((arg) => compile(arg, scope));
  const slot = scope.slot();
  return {
    type: scalar.type(compiled.map(({ type }) => type)),
    constant: compiled.every(({ constant }) => constant),
    at(row, group, run) {
      const known = run.memo[slot];
      const memo = known instanceof Map ? known : new Map();
      run.memo[slot] = memo;
      return scalar.run(
        compiled.map((arg) => arg.at(row, group, run)),
        memo,
      );
    },
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
  return over([compile(value, scope)], cast.type, ([given = null]) => cast.of(given));
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
      return over([left, right], arithmeticType(left.type, right.type), ([a = null, b = null]) =>
        arithmetic(sign, a, b),
      );
    default:
      return over([left, right], BOOL, ([a = null, b = null]) => compared(sign, a, b));
  }
}

function arithmeticType(left: Type, right: Type): Type {
  return left.name.startsWith('Decimal') || right.name.startsWith('Decimal')
    ? DECIMAL256
    : left.name === 'UInt64'
      ? UINT64
      : INT64;
}

function compared(sign: string, left: Value, right: Value): Value {
  if (left === null || right === null) return null;
  const order = compareValues(left, right);
  switch (sign) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    default:
      return order >= 0;
  }
}

function compileIn(value: Expression, set: Expression, scope: Scope): Compiled {
  const left = compile(value, scope);
  const slot = scope.slot();
  const members = set.kind === 'query' ? undefined : compile(set, scope);
  const nested = set.kind === 'query' ? scope.nested(set.query) : undefined;
  const single = set.kind === 'literal';
  function setOf(row: Tuple, group: readonly Tuple[], run: Run): Set<unknown> {
    const known = run.memo[slot];
    if (known instanceof Set) return known;
    const found = new Set<unknown>();
    if (nested !== undefined) {
      for (const tuple of nested.rows(run)) found.add(keyOfValue(tuple.length === 1 ? (tuple[0] ?? null) : tuple));
    } else {
      const items = members?.at(row, group, run) ?? null;
      for (const item of items !== null && isList(items) && !single ? items : [items]) found.add(keyOfValue(item));
    }
    run.memo[slot] = found;
    return found;
  }
  return {
    type: BOOL,
    constant: false,
    at(row, group, run) {
      const item = left.at(row, group, run);
      return item !== null && setOf(row, group, run).has(keyOfValue(item));
    },
  };
}

function compileLike(value: Expression, pattern: Expression, scope: Scope): Compiled {
  const [left, right] = [compile(value, scope), compile(pattern, scope)];
  const slot = scope.slot();
  return {
    type: BOOL,
    constant: false,
    at(row, group, run) {
      let known = run.memo[slot];
      if (!(known instanceof RegExp)) {
        const text = String(right.at(row, group, run)).replace(/[\\^$.|?*+()[\]{}]/g, '\\$&');
        known = new RegExp(`^${text.replaceAll('%', '.*').replaceAll('_', '.')}$`, 's');
        run.memo[slot] = known;
      }
      return known instanceof RegExp && known.test(String(left.at(row, group, run)));
    },
  };
}
