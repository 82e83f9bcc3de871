import { Delivery, type DeliverySource } from './delivery.ts';
import { logClosed, topicUnknown } from './limits.ts';
import { LogRefused, type SubscribeOptions, type Subscription } from './port.ts';
import { shareTopics } from './share.ts';

interface Member {
  readonly id: string;
  readonly options: SubscribeOptions;
  readonly deliveries: Map<string, Delivery>;
}

/** A member of a group whose process can die. */
export interface GroupSubscription extends Subscription {
  /** As when its session times out: nothing is finished, no hook is called, its commits fail and others get its topics. */
  expel(): void;
}

interface Group {
  readonly members: Map<string, Member>;
  /** Rebalances run one after the other. */
  rebalance: Promise<void>;
}

export interface GroupsOptions {
  /** How long a batch in flight may go on when its topic moves to another member or the member stops. */
  readonly graceMs: number;
  topics(): string[];
  readonly source: DeliverySource;
}

/** Consumer groups within one process, with the semantics of a broker's: members share topics, and places outlive members. */
export class Groups {
  readonly #options: GroupsOptions;
  readonly #groups = new Map<string, Group>();
  #memberCount = 0;
  #closed = false;
  #crashed = false;

  constructor(options: GroupsOptions) {
    this.#options = options;
  }

  async subscribe(options: SubscribeOptions): Promise<GroupSubscription> {
    if (this.#closed) throw logClosed();
    this.#memberCount += 1;
    const member: Member = {
      id: `${options.group}-${String(this.#memberCount).padStart(6, '0')}`,
      options,
      deliveries: new Map(),
    };
    let group = this.#groups.get(options.group);
    if (group === undefined) {
      group = { members: new Map(), rebalance: Promise.resolve() };
      this.#groups.set(options.group, group);
    }
    group.members.set(member.id, member);
    const joined = group;
    await this.#rebalance(group);
    return {
      assignment: () => [...member.deliveries.keys()].sort(),
      seek: (topic, offset) => this.#seek(member, topic, offset),
      stop: () => this.#leave(group, member),
      expel: () => this.#expel(joined, member),
    };
  }

  /** A topic was created: whoever waits for its prefix gets it. */
  topicCreated(topic: string): void {
    for (const group of this.#groups.values()) {
      for (const member of group.members.values()) {
        if (!topic.startsWith(member.options.prefix)) continue;
        this.#rebalance(group).catch((error: unknown) => member.options.failed?.(error, topic));
        break;
      }
    }
  }

  /** Takes the topic from its owner and gives it out again, as a rebalance of a broker may at any time. */
  async revoke(name: string, topic: string): Promise<void> {
    const group = this.#groups.get(name);
    if (group === undefined) return;
    await inTurn(group, async () => {
      for (const member of group.members.values()) await this.#take(member, topic);
      this.#share(group);
    });
  }

  /** As if the process died: nothing is finished, no hook is called, and what runs on cannot commit. */
  crash(): void {
    this.#closed = true;
    this.#crashed = true;
    for (const group of this.#groups.values()) {
      for (const member of group.members.values()) {
        for (const delivery of member.deliveries.values()) void delivery.end(0);
        member.deliveries.clear();
      }
      group.members.clear();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const leaving: Promise<void>[] = [];
    for (const group of this.#groups.values()) {
      for (const member of group.members.values()) leaving.push(this.#leave(group, member));
    }
    await Promise.all(leaving);
  }

  #seek(member: Member, topic: string, offset: number): void {
    const delivery = member.deliveries.get(topic);
    if (delivery === undefined) {
      throw new LogRefused(
        'not_assigned',
        `this member of group "${member.options.group}" does not read "${topic}" now`,
      );
    }
    delivery.seek(offset);
  }

  async #leave(group: Group, member: Member): Promise<void> {
    await inTurn(group, async () => {
      await Promise.all([...member.deliveries.values()].map((delivery) => delivery.end(this.#options.graceMs)));
      member.deliveries.clear();
      group.members.delete(member.id);
      this.#share(group);
    });
  }

  #expel(group: Group, member: Member): void {
    for (const delivery of member.deliveries.values()) void delivery.end(0);
    member.deliveries.clear();
    group.members.delete(member.id);
    this.#share(group);
  }

  #rebalance(group: Group): Promise<void> {
    return inTurn(group, async () => {
      const shares = this.#shares(group);
      const moves: Promise<void>[] = [];
      for (const member of group.members.values()) {
        const share = new Set(shares.get(member.id));
        for (const topic of member.deliveries.keys()) if (!share.has(topic)) moves.push(this.#take(member, topic));
      }
      await Promise.all(moves);
      this.#share(group);
    });
  }

  async #take(member: Member, topic: string): Promise<void> {
    const delivery = member.deliveries.get(topic);
    if (delivery === undefined) return;
    await delivery.end(this.#options.graceMs);
    member.deliveries.delete(topic);
    try {
      await member.options.revoked?.(topic);
    } catch (error) {
      member.options.failed?.(error, topic);
    }
  }

  /** Gives every topic without an owner to the member whose share it is. */
  #share(group: Group): void {
    if (this.#crashed) return;
    for (const [id, topics] of this.#shares(group)) {
      const member = group.members.get(id);
      if (member === undefined) continue;
      for (const topic of topics) {
        if (member.deliveries.has(topic)) continue;
        member.deliveries.set(topic, new Delivery(topic, member.options, this.#options.source));
      }
    }
  }

  #shares(group: Group): Map<string, string[]> {
    const topics = this.#options.topics();
    return shareTopics(
      [...group.members.values()].map((member) => ({
        id: member.id,
        subscribed: topics.filter((topic) => topic.startsWith(member.options.prefix)),
        owned: [...member.deliveries.keys()],
      })),
    );
  }
}

/** Runs the step after those before it, whatever became of them. */
function inTurn(group: Group, step: () => Promise<void>): Promise<void> {
  const result = group.rebalance.then(step);
  group.rebalance = result.catch(() => undefined);
  return result;
}

/** A commit must lie within the topic: a greater one would skip records that are still to come. */
export function checkCommit(topic: string, next: number, end: number | undefined): void {
  if (end === undefined) throw topicUnknown(topic);
  if (!Number.isSafeInteger(next) || next < 0 || next > end) {
    throw new LogRefused('commit_out_of_range', `cannot commit ${next} in "${topic}": it ends at ${end}`);
  }
}
