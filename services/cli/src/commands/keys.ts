import { join } from 'node:path';
import { parseDuration, readInstant } from '@paceline/domain';
import { addDuration } from '@paceline/domain/time/duration';
import { zoneOf } from '@paceline/domain/time/zone';
import {
  changeKeys,
  EVERY_WORKSPACE,
  isInForce,
  isWorkspaceBinding,
  mintKey,
  readKeys,
  readUsed,
  requireConfig,
  SCOPES,
  type Scope,
  type StoredKey,
  systemClock,
} from '@paceline/runtime';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { Failure } from '../failure.ts';
import { printDocument, printRows } from '../output.ts';

interface CreateOptions {
  readonly scope: string;
  readonly name: string;
  readonly expires: string;
}

/** Keys are a file of the folder: a server that owns it knows a change at its next request, and none has to run. */
export function registerKeys(program: Command, context: () => CommandContext): void {
  const keys = program.command('keys').description('keys that callers show; once there is one, the server asks for it');
  keys
    .command('create')
    .description('make a key and show it, this once')
    .option('--scope <scopes>', `what it may do: ${SCOPES.join(', ')}`, 'read')
    .option('--name <name>', 'what it is for', 'key')
    .option('--expires <when>', 'a duration such as P90D, a day, an instant, or never', 'P1Y')
    .addHelpText(
      'after',
      `
It is for the project's workspace; --workspace NAME binds it to another, and --workspace '*' to none.
Examples:
  paceline keys create --name ci --scope push,check-in --expires P90D
  PACELINE_KEYS_FILE=./keys.json paceline keys create --name dashboard   a file to mount in a cluster`,
    )
    .action(async (options: CreateOptions) => createKey(context(), options));
  keys
    .command('list')
    .description('keys, their scopes, workspaces and last use; never the keys themselves')
    .action(async () => listKeys(context()));
  keys
    .command('revoke')
    .argument('<key>', 'its id, or its name when only one has it')
    .description('let a key open nothing any more, at once')
    .action(async (which: string) => revokeKey(context(), which));
}

interface Place {
  readonly file: string;
  readonly used: string;
  readonly workspace: string;
}

function placeOf(at: CommandContext): Place {
  if (at.url !== undefined) {
    throw new Failure('invalid_option', 'keys are a file of the folder and cannot be changed through --url', {
      remedy: 'Run it where the folder is; its server knows the change at once. docs/security.md says why.',
    });
  }
  // Whatever address the server is to listen on: a key has to exist before it may.
  const config = requireConfig({ dir: at.dir, env: process.env, overrides: { http: { host: '127.0.0.1' } } });
  const { keysFile: file, dataDir } = config;
  return { file, used: join(dataDir, 'keys-used.json'), workspace: at.workspace ?? config.workspace };
}

function createKey(at: CommandContext, options: CreateOptions): void {
  const { file, workspace } = placeOf(at);
  const now = systemClock.now();
  if (!isWorkspaceBinding(workspace))
    throw refused('--workspace', workspace, `a workspace's name, or ${EVERY_WORKSPACE}`);
  const name = options.name.trim();
  if (name === '' || name.length > 100) throw refused('--name', name, 'text of 1 to 100 characters');
  const scopes = scopesOf(options.scope);
  const { text, stored } = mintKey({ name, scopes, workspace, expiresAt: endOf(options.expires, now) }, now);
  changeKeys(file, (keys) => [...keys, stored]);
  printDocument(at.output, { key: text, ...shown(stored), file }, text);
  at.output.say(
    [
      `Key ${stored.id} (${name}) may ${stored.scopes.join(', ')} in ${workspaceText(stored)} ${endText(stored)}.`,
      'It is not kept and cannot be shown again. Send it as Authorization: Bearer KEY, or set PACELINE_API_KEY.',
    ].join('\n'),
  );
}

function listKeys(at: CommandContext): void {
  const { file, used } = placeOf(at);
  const lastUsed = readUsed(used);
  const now = systemClock.now();
  const rows = (readKeys(file) ?? []).map((key) => ({
    ...shown(key),
    state: key.revokedAt !== null ? 'revoked' : isInForce(key, now) ? 'in force' : 'expired',
    lastUsedAt: lastUsed.get(key.id) ?? null,
  }));
  if (rows.length === 0 && at.output.format === 'table') {
    at.output.say('No keys: the server answers this machine only, and asks nobody for one.');
    return;
  }
  printRows(
    at.output,
    rows,
    [
      { title: 'id', cell: (row) => row.id },
      { title: 'name', cell: (row) => row.name },
      { title: 'state', cell: (row) => row.state },
      { title: 'scopes', cell: (row) => row.scopes.join(' ') },
      { title: 'workspace', cell: (row) => row.workspace },
      { title: 'created', field: 'created_at', cell: (row) => row.createdAt },
      { title: 'expires', field: 'expires_at', cell: (row) => row.expiresAt ?? 'never' },
      { title: 'last used', field: 'last_used_at', cell: (row) => row.lastUsedAt ?? 'never' },
    ],
    { data: rows },
  );
}

function revokeKey(at: CommandContext, which: string): void {
  const { file } = placeOf(at);
  const revokedAt = new Date(systemClock.now()).toISOString();
  const revoked: StoredKey[] = [];
  if (readKeys(file) === null) throw unknownKey(which, file);
  changeKeys(file, (keys) => {
    const key = chosen(keys, which, file);
    return keys.map((each) => {
      if (each !== key) return each;
      const gone = { ...each, revokedAt: each.revokedAt ?? revokedAt };
      revoked.push(gone);
      return gone;
    });
  });
  for (const key of revoked) {
    printDocument(at.output, shown(key), `Key ${key.id} (${key.name}) opens nothing any more.`);
  }
}

function chosen(keys: readonly StoredKey[], which: string, file: string): StoredKey {
  const byId = keys.find(({ id }) => id === which || which.startsWith(`pcl_${id}_`));
  const named = keys.filter(({ name, revokedAt }) => name === which && revokedAt === null);
  const [only] = byId === undefined ? named : [byId];
  if (only === undefined) throw unknownKey(which, file);
  if (byId !== undefined || named.length === 1) return only;
  throw new Failure(
    'invalid_option',
    `${named.length} keys are named ${which}: ${named.map(({ id }) => id).join(', ')}`,
    {
      remedy: 'Name the one you mean by its id.',
    },
  );
}

function unknownKey(which: string, file: string): Failure {
  return new Failure('unknown_key_id', `there is no key ${which.slice(0, 20)} in ${file}`, {
    remedy: 'Take the id from paceline keys list.',
  });
}

function scopesOf(text: string): Scope[] {
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  const scopes = SCOPES.filter((scope) => words.includes(scope));
  const unknown = words.find((word) => !SCOPES.some((scope) => scope === word));
  if (unknown !== undefined || scopes.length === 0) throw refused('--scope', unknown ?? text, SCOPES.join(', '));
  return scopes;
}

function endOf(text: string, now: number): number | null {
  if (text === 'never') return null;
  const duration = parseDuration(text);
  const utc = zoneOf('UTC');
  const end =
    duration === undefined || utc === undefined
      ? readInstant(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text)
      : addDuration(utc, now, duration);
  if (end === undefined) throw refused('--expires', text, 'a duration such as P90D, a day, an instant, or never');
  if (end <= now) throw refused('--expires', text, 'a time in the future');
  return end;
}

function refused(option: string, given: string, wanted: string): Failure {
  return new Failure('invalid_option', `${option} ${given.slice(0, 80)} is not ${wanted}`, {
    remedy: `Give ${wanted}.`,
  });
}

function shown({ id, name, scopes, workspace, createdAt, expiresAt, revokedAt }: StoredKey) {
  return { id, name, scopes, workspace, createdAt, expiresAt, revokedAt };
}

function workspaceText({ workspace }: StoredKey): string {
  return workspace === EVERY_WORKSPACE ? 'every workspace' : `workspace ${workspace}`;
}

function endText({ expiresAt }: StoredKey): string {
  return expiresAt === null ? 'for ever' : `until ${expiresAt}`;
}
