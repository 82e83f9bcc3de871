import { createHash, randomInt, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

/** What a key may do. They are independent: a key that pushes reads nothing. */
export const SCOPES = ['read', 'push', 'check-in', 'apply'] as const;
export type Scope = (typeof SCOPES)[number];

/** Stands for every workspace in a key's binding. */
export const EVERY_WORKSPACE = '*';

const WORKSPACE = /^(\*|[a-z0-9][a-z0-9_-]{0,62})$/;
const instant = z.iso.datetime({ offset: true });

/** A key as it is kept: enough to recognise it, nothing to use it with. */
export const storedKeySchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9]{12}$/),
  name: z.string().min(1).max(100),
  /** Of the secret. A secret of 256 random bits needs no slow hash: there is nothing to guess. */
  hash: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  scopes: z.array(z.enum(SCOPES)).min(1),
  workspace: z.string().regex(WORKSPACE),
  createdAt: instant,
  expiresAt: instant.nullable(),
  revokedAt: instant.nullable(),
});
export type StoredKey = z.infer<typeof storedKeySchema>;

export interface NewKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** A workspace's name, or `*`. */
  readonly workspace: string;
  /** Epoch milliseconds; `null` for never. */
  readonly expiresAt: number | null;
}

/** Who asks, as far as permissions go. */
export interface Identity {
  /** Id of the key; `null` where none is needed. */
  readonly key: string | null;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** The only workspace that can be named; `*` for any. */
  readonly workspace: string;
  /** Epoch milliseconds after which nothing is answered any more; `null` for never. */
  readonly expiresAt: number | null;
}

/** Whoever can reach a server without keys, and whoever opens the folder itself. */
export const OWNER: Identity = {
  key: null,
  name: 'owner',
  scopes: SCOPES,
  workspace: EVERY_WORKSPACE,
  expiresAt: null,
};

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';
const SIGNS = `ABCDEFGHIJKLMNOPQRSTUVWXYZ${LETTERS}`;
const ID_LENGTH = 12;
/** 62^43 is a little more than 2^256. */
const SECRET_LENGTH = 43;
const KEY = /^pcl_([a-z0-9]{12})_([A-Za-z0-9]{43})$/;
const KEYS_IN_TEXT = /pcl_([a-z0-9]{12})_[A-Za-z0-9]{43}/g;

/** A new key: its text is shown once, the rest is kept. */
export function mintKey(given: NewKey, now: number): { readonly text: string; readonly stored: StoredKey } {
  const id = randomText(LETTERS, ID_LENGTH);
  const secret = randomText(SIGNS, SECRET_LENGTH);
  const stored: StoredKey = {
    id,
    name: given.name,
    hash: `sha256:${digest(secret).toString('hex')}`,
    scopes: SCOPES.filter((scope) => given.scopes.includes(scope)),
    workspace: given.workspace,
    createdAt: new Date(now).toISOString(),
    expiresAt: given.expiresAt === null ? null : new Date(given.expiresAt).toISOString(),
    revokedAt: null,
  };
  return { text: `pcl_${id}_${secret}`, stored };
}

/** The parts of a key's text; `null` when it has not the form of one. */
export function parseKey(text: string): { readonly id: string; readonly secret: string } | null {
  const [, id, secret] = KEY.exec(text) ?? [];
  return id === undefined || secret === undefined ? null : { id, secret };
}

/** Takes as long for a wrong secret as for the right one, and for an unknown key as for a known one. */
export function isSecretOf(stored: StoredKey | undefined, secret: string): boolean {
  const kept = stored === undefined ? NOBODY : Buffer.from(stored.hash.slice('sha256:'.length), 'hex');
  return timingSafeEqual(kept, digest(secret)) && stored !== undefined;
}

const NOBODY = Buffer.alloc(32);

/** Whether a key is neither revoked nor expired. */
export function isInForce(stored: StoredKey, now: number): boolean {
  return stored.revokedAt === null && (stored.expiresAt === null || Date.parse(stored.expiresAt) > now);
}

export function identityOfKey(stored: StoredKey): Identity {
  const { id, name, scopes, workspace, expiresAt } = stored;
  return { key: id, name, scopes, workspace, expiresAt: expiresAt === null ? null : Date.parse(expiresAt) };
}

/** Whether an identity may look at or change a workspace. */
export function mayName(identity: Identity, workspace: string): boolean {
  return identity.workspace === EVERY_WORKSPACE || identity.workspace === workspace;
}

/** Text in which every key is cut down to its id, for logs. */
export function withoutKeys(text: string): string {
  return text.includes('pcl_') ? text.replace(KEYS_IN_TEXT, 'pcl_$1_[redacted]') : text;
}

export function isWorkspaceBinding(text: string): boolean {
  return WORKSPACE.test(text);
}

function randomText(signs: string, length: number): string {
  return Array.from({ length }, () => signs[randomInt(signs.length)]).join('');
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
