import type { ClickHouseRequest } from '@paceline/runtime/clickhouse-http';
import type { Store } from '@paceline/store';
import { BI_DATABASE, type GuestAnswer } from '@paceline/store';
import { FORMAT_DEFAULT } from './formats.ts';
import { Refusal } from './refusal.ts';
import { type GatewayLimits, parserSettings, settingsFor } from './settings.ts';
import { named } from './show.ts';
import { formatNamed, queryToKill, type ReadStatement, readStatement } from './statement.ts';
import { checkSyntaxTree, parseSyntaxTree, STATE } from './syntax-tree.ts';

/** Who asks, and what there is to see. */
export interface Guest {
  readonly workspace: string;
  readonly views: ReadonlySet<string>;
  readonly foreign: ReadonlySet<string>;
}

export interface Answered extends GuestAnswer {
  readonly format: string;
}

const DATABASES = new Set([BI_DATABASE, 'system', 'information_schema', 'INFORMATION_SCHEMA']);
const PARAMS_MAX = 1_000;

/**
 * Runs a guest's statement: read by us, then parsed by the engine and looked through, then run on a handle that sees only the
 * workspace's rows, within limits, in read-only mode. Each gate would do alone what it can; none trusts the one before.
 */
export async function answerQuery(
  deps: {
    readonly store: Store;
    readonly limits: GatewayLimits;
    /** Lets the caller of another statement of this workspace go. */
    cancel(queryId: string): boolean;
  },
  guest: Guest,
  asked: ClickHouseRequest,
  signal: AbortSignal,
): Promise<Answered> {
  const { store, limits } = deps;
  const database = named(asked.database ?? '');
  if (!DATABASES.has(database))
    throw new Refusal('UNKNOWN_DATABASE', `Database ${database.slice(0, 60).replace(/\W/g, '?')} does not exist`);
  const text = queryOf(asked);
  const killed = queryToKill(text);
  if (killed !== undefined) deps.cancel(killed);
  const statement = readStatement(killed === undefined ? text : KILLED);
  const format = statement.format ?? formatNamed(asked.format ?? FORMAT_DEFAULT);
  const params = paramsOf(asked, statement);
  const look = { database: BI_DATABASE, params, settings: parserSettings(limits) };
  const tree = await store.guest(look, (run) => run(`EXPLAIN AST ${statement.sql}`, 'TSVRaw'), { signal });
  checkSyntaxTree(parseSyntaxTree(Buffer.from(tree.bytes).toString('utf8')), guest);
  const settings = settingsFor({
    given: asked.settings,
    limits,
    database: store.database,
    workspace: guest.workspace,
    views: guest.views,
  });
  const answer = await store.guest({ database: BI_DATABASE, params, settings }, (run) => run(statement.sql, format), {
    signal,
  });
  return { ...answer, format };
}

/** What a server answers to `KILL QUERY` when nothing is left of the query. */
const KILLED =
  'SELECT name AS kill_status, name AS query_id, name AS user, name AS query FROM system.databases WHERE 0';

/** ClickHouse puts the URL's query and the body together. */
function queryOf({ query, body }: ClickHouseRequest): string {
  const text = new TextDecoder('utf-8', { fatal: true });
  let rest: string;
  try {
    rest = text.decode(body);
  } catch (cause) {
    throw new Refusal('SYNTAX_ERROR', 'Syntax error: the query is not UTF-8', { cause });
  }
  return query === '' ? rest : rest === '' ? query : `${query}\n${rest}`;
}

/** Values of the parameters that the text names; others are dropped like unknown settings. */
function paramsOf(asked: ClickHouseRequest, { parameters }: ReadStatement): Readonly<Record<string, string>> {
  if (asked.params.length > PARAMS_MAX)
    throw new Refusal('QUERY_IS_TOO_LARGE', `The query has more than ${PARAMS_MAX} parameters`);
  const params: Record<string, string> = {};
  for (const [name, value] of asked.params) {
    const type = parameters.get(name);
    if (type === undefined) continue;
    if (STATE.test(type)) throw new Refusal('ACCESS_DENIED', 'Not allowed here: a state of an aggregate function');
    if (/^Identifier$/i.test(type) && !/^\w{1,200}$/.test(value))
      throw new Refusal('BAD_ARGUMENTS', `Parameter ${name.slice(0, 60)} is no plain name`);
    params[name] = value;
  }
  return params;
}
