import type { KeyRing } from '@paceline/runtime';

/**
 * Whose rows are shown for a key, whatever the user is called. Without a file of keys whoever is on this machine sees the
 * workspace of the configuration, and so does a key of every workspace: a tool that shall see another has a key of that one.
 */
export function keyAuthentication(
  keys: Pick<KeyRing, 'keyed' | 'identify'>,
  workspace: string,
): (user: string, key: string) => Promise<{ readonly workspace: string } | null> {
  return async (_user, key) => {
    if (!keys.keyed) return { workspace };
    const identity = keys.identify(key);
    if (identity === null || !identity.scopes.includes('read')) return null;
    return { workspace: identity.workspace === '*' ? workspace : identity.workspace };
  };
}
