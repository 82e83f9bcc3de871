/** A member of a consumer group: the topics it can read, and those it owned before. */
export interface ShareMember {
  readonly id: string;
  readonly subscribed: readonly string[];
  readonly owned: readonly string[];
}

/**
 * Which member reads which topic: every topic has one owner among the members subscribed to it, loads differ by at most
 * one where subscriptions allow, and owners keep what they have where that is still even (a kept workspace needs no
 * fold). The same for embedded groups and as a Kafka assigner, so that both forms share alike. Deterministic.
 */
export function shareTopics(members: readonly ShareMember[]): Map<string, string[]> {
  const ordered = [...members].sort((a, b) => (a.id < b.id ? -1 : 1));
  const shares = new Map<string, string[]>(ordered.map((member) => [member.id, []]));
  const eligible = new Map<string, string[]>();
  for (const member of ordered) {
    for (const topic of member.subscribed) {
      const ids = eligible.get(topic);
      if (ids === undefined) eligible.set(topic, [member.id]);
      else if (!ids.includes(member.id)) ids.push(member.id);
    }
  }
  const topics = [...eligible.keys()].sort();
  const previous = previousOwners(ordered);
  const fair = Math.ceil(topics.length / Math.max(1, ordered.length));
  const open: string[] = [];
  for (const topic of topics) {
    const owner = previous.get(topic);
    const share = owner === undefined ? undefined : shares.get(owner);
    if (owner !== undefined && share !== undefined && eligible.get(topic)?.includes(owner) && share.length < fair) {
      share.push(topic);
    } else open.push(topic);
  }
  for (const topic of open) leastLoaded(eligible.get(topic) ?? [], shares)?.push(topic);
  even(shares, eligible);
  return shares;
}

/** When two members claim a topic (one is a zombie come back) neither claim counts. */
function previousOwners(members: readonly ShareMember[]): Map<string, string | undefined> {
  const owners = new Map<string, string | undefined>();
  for (const member of members) {
    for (const topic of member.owned) owners.set(topic, owners.has(topic) ? undefined : member.id);
  }
  return owners;
}

function leastLoaded(ids: readonly string[], shares: ReadonlyMap<string, string[]>): string[] | undefined {
  let least: string[] | undefined;
  for (const id of ids) {
    const share = shares.get(id);
    if (share !== undefined && (least === undefined || share.length < least.length)) least = share;
  }
  return least;
}

/** Moves topics from members with two more than another that may read them; every move shrinks the difference, so it ends. */
function even(shares: ReadonlyMap<string, string[]>, eligible: ReadonlyMap<string, string[]>): void {
  for (let moved = true; moved; ) {
    moved = false;
    for (const share of shares.values()) {
      for (let i = share.length - 1; i >= 0; i--) {
        const topic = share[i]!;
        const target = leastLoaded(eligible.get(topic) ?? [], shares);
        if (target === undefined || target.length + 2 > share.length) continue;
        share.splice(i, 1);
        target.push(topic);
        moved = true;
      }
    }
  }
}
