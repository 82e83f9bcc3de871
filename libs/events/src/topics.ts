/** Prefix of the topics that hold one workspace's one order each. */
export const FACTS_PREFIX = 'facts.';
/** Transitions and delivery attempts of all workspaces, keyed by workspace. */
export const ALERTS_TOPIC = 'alerts';
/** Records that could not be taken, byte for byte, with the reason. */
export const DEADLETTER_TOPIC = 'deadletter';

const WORKSPACE = /^[a-z0-9][a-z0-9_-]{0,62}$/;

export function isWorkspaceName(name: string): boolean {
  return WORKSPACE.test(name);
}

/** `facts.WORKSPACE`. Throws on a name that is no workspace name: it would be another topic. */
export function factsTopic(workspace: string): string {
  if (!isWorkspaceName(workspace)) {
    throw new RangeError(`"${workspace}" is no workspace name: use a-z, 0-9, _ and -, at most 63 characters`);
  }
  return FACTS_PREFIX + workspace;
}

/** The workspace of a facts topic; `undefined` for any other topic. */
export function workspaceOf(topic: string): string | undefined {
  if (!topic.startsWith(FACTS_PREFIX)) return undefined;
  const workspace = topic.slice(FACTS_PREFIX.length);
  return isWorkspaceName(workspace) ? workspace : undefined;
}
