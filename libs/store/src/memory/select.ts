import { AGGREGATES } from './aggregates.ts';
import {
  type Column,
  type Compiled,
  compile,
  compileTest,
  type Nested,
  NO_GROUP,
  own,
  type Run,
  type Scope,
  type Tuple,
} from './compile.ts';
import { isTrue } from './scalars.ts';
import type { Expression, Select } from './syntax.ts';
import type { Literal } from './tokens.ts';
import { compareValues, isList, keyOfValues, TEXT, type Value } from './values.ts';

/** What plans are made from: tables, and the literals of the statement. */
export interface Planning {
  readonly literals: readonly Literal[];
  columnsOf(table: string): readonly Column[];
}

/** Makes a plan of a SELECT: what its columns are, and how its rows come from the tables'. */
export function planSelect(select: Select, planning: Planning): Nested {
  const source = sourceOf(select, planning);
  const scope: Scope = {
    table: source.table,
    columns: source.columns,
    aliases: new Map(select.items.flatMap(({ alias, expression }) => (alias === null ? [] : [[alias, expression]]))),
    resolving: new Set(),
    bound: new Map(),
    literals: planning.literals,
    nested: (inner) => planSelect(inner, planning),
  };
  const joined = select.items.length === 1 ? joinedArray(select.items[0]?.expression) : undefined;
  if (joined !== undefined) return planArrayJoin(compile(joined, scope), source);
  const items = select.items.map(({ expression, alias }) => {
    const own = alias === null ? scope : { ...scope, resolving: new Set([alias]) };
    return compile(expression, own);
  });
  const columns = select.items.map(({ expression, alias }, at) => ({
    name: alias ?? nameOf(expression, at),
    type: items[at]?.type ?? TEXT,
  }));
  const tests = source.left.map((condition) => compileTest(condition, scope));
  const shaped = shaper(select, scope, items);
  return {
    columns,
    rows(run) {
      const found = source.rows(run);
      return shaped(
        found.filter((row) => tests.every((holds) => holds(row, NO_GROUP, run))),
        run,
      );
    },
  };
}

function maybe(expression: Expression | null, scope: Scope): Compiled | null {
  return expression === null ? null : compile(expression, scope);
}

function nameOf(expression: Expression, at: number): string {
  return expression.kind === 'name' ? (expression.name.split('.').at(-1) ?? '') : `column ${at + 1}`;
}

interface Source extends Nested {
  readonly table: string | null;
  /** Conditions that its rows are still to be tried by. */
  readonly left: readonly Expression[];
}

function sourceOf(select: Select, planning: Planning): Source {
  const { from } = select;
  const conditions = conditionsOf(select.where);
  if (from === null) return { table: null, left: conditions, columns: [], rows: () => [[]] };
  if ('query' in from) return { table: null, left: conditions, ...planSelect(from.query, planning) };
  const columns = planning.columnsOf(from.table);
  const { table } = from;
  // Rows are kept by workspace.
  const own = conditions.find((condition) => workspaceOf(condition) !== undefined);
  const workspace = own === undefined ? undefined : workspaceOf(own);
  return {
    table,
    left: conditions.filter((condition) => condition !== own),
    columns,
    rows: (run) => run.rowsOf(table, workspace === undefined ? undefined : (run.literals[workspace] ?? null)),
  };
}

/** The parts of a condition all of which must hold. */
function conditionsOf(where: Expression | null): readonly Expression[] {
  if (where === null) return [];
  if (where.kind !== 'binary' || where.sign !== 'and') return [where];
  return [...conditionsOf(where.left), ...conditionsOf(where.right)];
}

/** The literal that a condition compares the workspace with. */
function workspaceOf(condition: Expression): number | undefined {
  if (condition.kind !== 'binary') return undefined;
  const { sign, left, right } = condition;
  const isIt = sign === '=' && left.kind === 'name' && left.name === 'workspace' && right.kind === 'literal';
  return isIt ? right.index : undefined;
}

function joinedArray(expression: Expression | undefined): Expression | undefined {
  return expression?.kind === 'call' && expression.name === 'arrayJoin' ? expression.args[0] : undefined;
}

function planArrayJoin(array: Compiled, source: Source): Nested {
  return {
    columns: [{ name: 'item', type: array.type.of[0] ?? TEXT }],
    rows: (run) =>
      source.rows(run).flatMap((row) => {
        const items = array.at(row, NO_GROUP, run);
        return items !== null && isList(items) ? items.map((item) => [item]) : [];
      }),
  };
}

/** Rows with the group each stands for. */
interface Grouped {
  readonly row: Tuple;
  readonly group: readonly Tuple[];
}

/** Everything after WHERE: groups, HAVING, order, limits, the select list. */
function shaper(
  select: Select,
  scope: Scope,
  items: readonly Compiled[],
): (rows: readonly Tuple[], run: Run) => Tuple[] {
  const groupBy = select.groupBy.map((expression) => compile(expression, scope));
  const aggregated = groupBy.length > 0 || select.items.some(({ expression }) => hasAggregate(expression, scope));
  const having = maybe(select.having, scope);
  const orderBy = select.orderBy.map(({ expression, descending }) => ({ by: compile(expression, scope), descending }));
  const limitBy = select.limitBy;
  const limitKeys = limitBy?.by.map((expression) => compile(expression, scope)) ?? [];
  const limitCount = maybe(limitBy?.count ?? null, scope);
  const limit = maybe(select.limit, scope);
  return (rows, run) => {
    let grouped: readonly Grouped[] = aggregated
      ? groupsOf(rows, groupBy, run)
      : rows.map((row) => ({ row, group: NO_GROUP }));
    if (having !== null) grouped = grouped.filter(({ row, group }) => isTrue(having.at(row, group, run)));
    if (orderBy.length > 0) grouped = ordered(grouped, orderBy, run);
    if (limitCount !== null) grouped = firstOfEach(grouped, limitKeys, Number(limitCount.at([], NO_GROUP, run)), run);
    let answers: Tuple[] = grouped.map(({ row, group }) => items.map((item) => item.at(row, group, run)));
    if (select.distinct) answers = [...new Map(answers.map((answer) => [keyOfValues(answer), answer])).values()];
    if (select.orderAll) answers = answers.toSorted(compareValues);
    return limit === null ? answers : answers.slice(0, Number(limit.at([], NO_GROUP, run)));
  };
}

function groupsOf(rows: readonly Tuple[], groupBy: readonly Compiled[], run: Run): Grouped[] {
  // Without keys there is one group, be it empty.
  if (groupBy.length === 0) return [{ row: rows[0] ?? [], group: rows }];
  const groups = Map.groupBy(rows, (row) => keyOfValues(groupBy.map((key) => key.at(row, NO_GROUP, run))));
  return [...groups.values()].map((group) => ({ row: group[0] ?? [], group }));
}

function ordered(
  rows: readonly Grouped[],
  orderBy: readonly { readonly by: Compiled; readonly descending: boolean }[],
  run: Run,
): readonly Grouped[] {
  if (rows.length < 2) return rows;
  const keyed = rows.map((each) => ({ each, keys: orderBy.map(({ by }) => by.at(each.row, each.group, run)) }));
  keyed.sort((left, right) => {
    for (let at = 0; at < orderBy.length; at++) {
      const [a, b]: readonly Value[] = [left.keys[at] ?? null, right.keys[at] ?? null];
      const order = compareValues(a ?? null, b ?? null);
      if (order === 0) continue;
      // Nothing comes last in either direction.
      return orderBy[at]?.descending === true && a !== null && b !== null ? -order : order;
    }
    return 0;
  });
  return keyed.map(({ each }) => each);
}

function firstOfEach(rows: readonly Grouped[], keys: readonly Compiled[], count: number, run: Run): Grouped[] {
  const seen = new Map<ReturnType<typeof keyOfValues>, number>();
  return rows.filter(({ row, group }) => {
    const key = keyOfValues(keys.map((by) => by.at(row, group, run)));
    const before = seen.get(key) ?? 0;
    seen.set(key, before + 1);
    return before < count;
  });
}

function hasAggregate(expression: Expression, scope: Scope): boolean {
  switch (expression.kind) {
    case 'call':
      return own(AGGREGATES, expression.name) !== undefined || expression.args.some((arg) => hasAggregate(arg, scope));
    case 'tuple':
      return expression.items.some((item) => hasAggregate(item, scope));
    case 'element':
      return hasAggregate(expression.of, scope);
    case 'cast':
    case 'not':
    case 'null':
    case 'like':
    case 'in':
      return hasAggregate(expression.value, scope);
    case 'binary':
      return hasAggregate(expression.left, scope) || hasAggregate(expression.right, scope);
    case 'lambda':
      return hasAggregate(expression.body, scope);
    default:
      return false;
  }
}
