import { systemClock } from '../clock.ts';
import { Attempts } from './attempts.ts';
import { EVERY_WORKSPACE, type Identity, OWNER, type Scope } from './key.ts';
import type { KeyRing } from './ring.ts';

export type Authenticated =
  | { readonly ok: true; readonly identity: Identity }
  | { readonly ok: false; readonly reason: 'unauthorized' | 'forbidden' | 'rate_limited' | 'keys_unreadable' };

/** What tools send when nobody has set a user. */
const ANY_USER: ReadonlySet<string> = new Set(['', 'default']);

/**
 * For protocols with users and passwords of their own, such as ClickHouse's: the password is a key, the user a workspace's name, or
 * `default` for the key's own. An identity for every workspace is narrowed to the one named. Without keys everybody is the owner.
 */
export function keyAuthenticator(
  keys: KeyRing | null,
  scope: Scope,
): (user: string, key: string, address: string) => Authenticated {
  const attempts = new Attempts();
  return (user, key, address) => {
    if (keys?.fault) return { ok: false, reason: 'keys_unreadable' };
    const identity = keys === null || !keys.keyed ? OWNER : keys.identify(key);
    if (identity === null) {
      const tooMany = key !== '' && attempts.refuse(address, systemClock.now()) !== null;
      return { ok: false, reason: tooMany ? 'rate_limited' : 'unauthorized' };
    }
    if (!identity.scopes.includes(scope)) return { ok: false, reason: 'forbidden' };
    if (ANY_USER.has(user) || user === identity.workspace) return { ok: true, identity };
    // Without keys a user is whatever a tool fills in.
    if (identity.key === null) return { ok: true, identity };
    if (identity.workspace !== EVERY_WORKSPACE) return { ok: false, reason: 'forbidden' };
    return { ok: true, identity: { ...identity, workspace: user } };
  };
}

/**
 * The same for a server whose guests see one workspace each: who has a key for all of them and names none sees `own`. The address of
 * a guest is not known here, so that wrong keys are counted over all of them; right ones are answered all the same.
 */
export function guestsOf(
  keys: KeyRing | null,
  own: string,
): {
  authenticate(user: string, key: string): Promise<{ readonly workspace: string } | null>;
  isKeyless(): boolean;
} {
  const authenticate = keyAuthenticator(keys, 'read');
  return {
    async authenticate(user, key) {
      const answer = authenticate(user, key, '');
      if (!answer.ok) return null;
      const { workspace } = answer.identity;
      return { workspace: workspace === EVERY_WORKSPACE ? own : workspace };
    },
    isKeyless: () => keys === null || !keys.keyed,
  };
}
