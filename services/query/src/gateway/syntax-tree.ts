import { isAllowedFunction } from './functions.ts';
import { Refusal } from './refusal.ts';
import { SYSTEM_DATABASE } from './system-views.ts';

/** A node of what `EXPLAIN AST` prints: the engine's own reading of a statement, parameters filled in. */
export interface SyntaxNode {
  readonly kind: string;
  /** What follows the kind: a function's or table's name, a literal. */
  readonly rest: string;
  readonly children: SyntaxNode[];
}

const NODES_MAX = 60_000;

/** Reads the indented lines. Refuses what does not add up: every line says how many children it has. */
export function parseSyntaxTree(text: string): SyntaxNode {
  const path: { node: SyntaxNode; expected: number; depth: number }[] = [];
  let root: SyntaxNode | undefined;
  const lines = text.split('\n').filter((line) => line !== '');
  if (lines.length > NODES_MAX) throw new Refusal('QUERY_IS_TOO_LARGE', `The query has more than ${NODES_MAX} parts`);
  const complete = (): void => {
    const last = path.pop();
    if (last !== undefined && last.node.children.length !== last.expected) throw unclear();
  };
  for (const line of lines) {
    const found = /^( *)(\S+)(.*?)(?: \(children (\d+)\))?$/s.exec(line);
    if (found === null) throw unclear();
    const [, indent = '', kind = '', rest = '', children = '0'] = found;
    const node: SyntaxNode = { kind, rest: rest.trim(), children: [] };
    while (path.length > indent.length) complete();
    if (path.length !== indent.length) throw unclear();
    const above = path.at(-1);
    if (above === undefined && root !== undefined) throw unclear();
    if (above === undefined) root = node;
    else above.node.children.push(node);
    path.push({ node, expected: Number(children), depth: indent.length });
  }
  while (path.length > 0) complete();
  if (root === undefined) throw unclear();
  return root;
}

function unclear(): Refusal {
  return new Refusal('ACCESS_DENIED', 'The query cannot be looked through; write it more plainly');
}

/** Nodes without a say of their own: what they do is done by their children. */
const PLAIN = new Set(
  `SelectWithUnionQuery SelectIntersectExceptQuery SelectQuery ExpressionList Subquery WithElement Asterisk QualifiedAsterisk
   TablesInSelectQuery TablesInSelectQueryElement TableExpression TableJoin ArrayJoin OrderByElement WindowDefinition WindowListElement
   InterpolateElement SampleRatio ColumnsExceptTransformer ColumnsTransformerList ColumnsRegexpMatcher QualifiedColumnsRegexpMatcher
   ColumnsListMatcher QualifiedColumnsListMatcher Literal QueryParameter DataType NameTypePair`.split(/\s+/),
);
const IN = new Set([
  'in',
  'notin',
  'globalin',
  'globalnotin',
  'nullin',
  'notnullin',
  'globalnullin',
  'globalnotnullin',
]);
/** Functions that make a value of a type by its name, and which argument names it. */
const TYPED: ReadonlyMap<string, number> = new Map([
  ['cast', 1],
  ['_cast', 1],
  ['accuratecast', 1],
  ['accuratecastornull', 1],
  ['accuratecastordefault', 1],
  ['values', 0],
]);
/** The engine trusts what it reads into such a type, so none may be made from text. */
export const STATE = /AggregateFunction/i;
const SETTINGS_SHOWN = new Set([
  'readonly',
  'max_threads',
  'max_result_rows',
  'max_execution_time',
  'session_timezone',
]);

export interface Visible {
  /** Views of `bi` the guest has. */
  readonly views: ReadonlySet<string>;
  /** Databases of the engine that no name may reach into. */
  readonly foreign: ReadonlySet<string>;
}

/** The second gate: every node must be of a known kind, every function allowed, every table one that the guest has. */
export function checkSyntaxTree(root: SyntaxNode, visible: Visible): void {
  const query = root.kind === 'DescribeQuery' ? describedQuery(root) : root;
  if (query.kind !== 'SelectWithUnionQuery')
    throw new Refusal(
      'READONLY',
      `Cannot execute ${query.kind.slice(0, 60)} in readonly mode: this address only reads`,
    );
  // A second child is an OUTFILE, a FORMAT or SETTINGS of the whole.
  const extra = query.children.find(({ kind }, at) => at > 0 || kind !== 'ExpressionList');
  if (extra !== undefined) throw extra.kind === 'Set' ? setting() : denied('a clause for the whole query');
  const waiting = [query];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    checkNode(node, visible);
    waiting.push(...node.children);
  }
}

/** `DESCRIBE (SELECT …)`: what is described must be a query. */
function describedQuery(root: SyntaxNode): SyntaxNode {
  const [table, ...others] = root.children;
  const [subquery] = table?.children ?? [];
  const [query] = subquery?.children ?? [];
  if (others.length > 0 || table?.kind !== 'TableExpression' || subquery?.kind !== 'Subquery' || query === undefined)
    throw denied('DESCRIBE of anything but a view or a query');
  return query;
}

function checkNode(node: SyntaxNode, visible: Visible): void {
  switch (node.kind) {
    case 'Function':
      checkFunction(node);
      return;
    case 'TableIdentifier':
      checkTable(nameOf(node), visible);
      return;
    case 'Identifier':
      checkIdentifier(nameOf(node), visible);
      return;
    case 'Set':
      throw setting();
    default:
      if (!PLAIN.has(node.kind)) throw denied(node.kind.slice(0, 60));
  }
}

function checkFunction(node: SyntaxNode): void {
  const name = nameOf(node);
  const plain = name.toLowerCase();
  if (!isAllowedFunction(name))
    throw new Refusal('ACCESS_DENIED', `Function or table function ${printable(name)} is not allowed here`);
  const given = node.children[0]?.children ?? [];
  if (IN.has(plain)) for (const side of given.slice(1)) if (side.kind === 'Identifier') checkSet(nameOf(side));
  const typed = TYPED.get(plain);
  if (typed !== undefined) checkType(given[typed]);
  if (plain === 'getsetting' && !SETTINGS_SHOWN.has(textIn(given[0])))
    throw new Refusal('ACCESS_DENIED', `Settings shown are ${[...SETTINGS_SHOWN].join(', ')}`);
}

/** After IN a name may be that of a table. */
function checkSet(name: string): void {
  const [database, ...rest] = name.split('.');
  if (rest.length > 0 && database !== 'bi') throw denied(`IN ${printable(name)}: write a subquery`);
}

/** Types are written out, so that it can be seen what is made. */
function checkType(node: SyntaxNode | undefined): void {
  if (node?.kind !== 'Literal') throw denied('a computed type');
  if (STATE.test(node.rest)) throw denied('a state of an aggregate function');
}

function textIn(node: SyntaxNode | undefined): string {
  return node?.kind === 'Literal' ? node.rest.replace(/ \(alias .*$/, '').replace(/^'|'$/g, '') : '';
}

function checkTable(name: string, { views }: Visible): void {
  const [first = '', ...rest] = name.split('.');
  if (rest.length === 0) return;
  const table = rest.join('.');
  if (first === SYSTEM_DATABASE) return;
  if (first !== 'bi')
    throw new Refusal(
      'ACCESS_DENIED',
      `Not enough privileges. To execute this query, it's necessary to have the grant SELECT ON ${printable(name)}`,
    );
  if (!views.has(table)) throw new Refusal('UNKNOWN_TABLE', `Unknown table expression identifier '${printable(name)}'`);
}

function checkIdentifier(name: string, { foreign }: Visible): void {
  const [first = '', ...rest] = name.split('.');
  if (rest.length > 0 && foreign.has(first)) throw denied(`${printable(name)}`);
}

function nameOf({ rest }: SyntaxNode): string {
  return rest.replace(/ \(alias .*$/s, '');
}

function printable(text: string): string {
  return text.slice(0, 100).replace(/[^\x20-\x7e]/g, '?');
}

function denied(what: string): Refusal {
  return new Refusal('ACCESS_DENIED', `Not allowed here: ${what}`);
}

function setting(): Refusal {
  return new Refusal(
    'READONLY',
    'Settings cannot be changed in a query: this address only reads, with limits of its own',
  );
}
