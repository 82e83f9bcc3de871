import {
  type Appended,
  type BatchContext,
  type EventLog,
  type LogMessage,
  type LogRecord,
  LogUnavailable,
  type ReadRange,
  type SubscribeOptions,
  type Subscription,
  type TopicOptions,
} from '@paceline/log';
import type { GroupSubscription } from '@paceline/log/embedded';
import type { MemoryLog } from '@paceline/log/memory';
import type { Life } from './life.ts';

/** What a simulation watches between a process and the log. */
export interface LogTap {
  /** An append begins; what it answers is told of its answer. */
  appending?(life: Life, topic: string, messages: readonly LogMessage[]): ((answer: Appended) => void) | undefined;
  committed?(life: Life, topic: string, next: number): void;
  assigned?(life: Life, topic: string): void;
}

interface Member {
  subscription: GroupSubscription;
  readonly options: SubscribeOptions;
  /** It is in its group again. */
  joined: Promise<void>;
}

/** After this long without a sign of life a broker gives a member's topics to others. */
const SESSION_MS = 3_000;

/** The log as one process reaches it: over a network that delays, loses answers and refuses, from a process that dies. */
export class ProcessLog implements EventLog {
  readonly #log: MemoryLog;
  readonly #life: Life;
  readonly #taps: readonly LogTap[];
  #lapsing = false;
  /** What was taken away has been told. */
  #told: Promise<void> = Promise.resolve();
  readonly #members = new Set<Member>();
  /** The assignment, by topic, that this process has heard of last. */
  readonly #given = new Map<string, symbol>();

  constructor(log: MemoryLog, life: Life, taps: readonly LogTap[]) {
    this.#log = log;
    this.#life = life;
    this.#taps = taps;
    life.died.push(() => this.#expire());
  }

  async ensureTopic(topic: string, options?: TopicOptions): Promise<void> {
    await this.#life.hop('log');
    await this.#log.ensureTopic(topic, options);
  }

  async topics(prefix: string): Promise<string[]> {
    await this.#life.hop('log');
    return this.#log.topics(prefix);
  }

  async append(topic: string, messages: readonly LogMessage[]): Promise<Appended> {
    const taps = this.#taps.map((tap) => tap.appending?.(this.#life, topic, messages));
    await this.#life.hop('log');
    const fault = this.#life.ambush('append');
    if (fault === 'failed') throw new LogUnavailable(`the append to ${topic} did not arrive`);
    const answer = await this.#log.append(topic, messages);
    await this.#life.hop('log');
    if (fault !== null) throw new LogUnavailable(`the answer to an append to ${topic} was lost`);
    for (const appended of taps) appended?.(answer);
    return answer;
  }

  async end(topic: string): Promise<number> {
    await this.#life.hop('log');
    return this.#log.end(topic);
  }

  async *read(topic: string, range: ReadRange): AsyncIterable<readonly LogRecord[]> {
    await this.#life.hop('log');
    for await (const records of this.#log.read(topic, range)) {
      await this.#life.hop('log');
      yield records;
    }
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    await this.#life.hop('log');
    const wrapped = this.#wrapped(options);
    const member: Member = { subscription: await this.#join(wrapped), options: wrapped, joined: Promise.resolve() };
    this.#members.add(member);
    return {
      assignment: () => member.subscription.assignment(),
      seek: (topic, offset) => member.subscription.seek(topic, offset),
      stop: async () => {
        this.#members.delete(member);
        // Who is about to come back would otherwise be a member for ever, and keep its topics from the others.
        await member.joined;
        await member.subscription.stop();
      },
    };
  }

  async committed(group: string, topic: string): Promise<number> {
    await this.#life.hop('log');
    return this.#log.committed(group, topic);
  }

  async lag(group: string, topic: string): Promise<number> {
    await this.#life.hop('log');
    return this.#log.lag(group, topic);
  }

  async close(): Promise<void> {}

  /**
   * The process gives no sign of life for so long that its topics go to others, while what it was doing goes on: a zombie.
   * When it wakes it learns that, and joins again.
   */
  async lapse(): Promise<void> {
    if (this.#lapsing) return;
    this.#lapsing = true;
    const members = [...this.#members];
    const lost = members.map(({ subscription }) => subscription.assignment());
    for (const { subscription } of members) subscription.expel();
    await this.#life.hop('log');
    for (const [index, member] of members.entries()) {
      for (const topic of lost[index] ?? []) void member.options.revoked?.(topic);
      if (!this.#members.has(member)) continue;
      member.joined = this.#joinAgain(member);
      await member.joined;
    }
    this.#lapsing = false;
  }

  /** Who died while joining is no member for long. */
  async #join(options: SubscribeOptions): Promise<GroupSubscription> {
    const subscription = await this.#log.subscribe(options);
    if (this.#life.isDead) this.#life.clock.after(SESSION_MS, () => subscription.expel());
    return subscription;
  }

  async #joinAgain(member: Member): Promise<void> {
    member.subscription = await this.#join(member.options);
  }

  #expire(): void {
    const members = [...this.#members];
    this.#life.clock.after(SESSION_MS, () => {
      for (const { subscription } of members) subscription.expel();
    });
  }

  #wrapped(options: SubscribeOptions): SubscribeOptions {
    const life = this.#life;
    const { assigned, revoked, failed } = options;
    return {
      group: options.group,
      prefix: options.prefix,
      ...(assigned === undefined
        ? {}
        : {
            assigned: async (topic: string, committed: number) => {
              const given = Symbol(topic);
              this.#given.set(topic, given);
              await this.#told;
              await life.hop('log');
              // No adapter begins what was taken away on its way.
              if (this.#given.get(topic) !== given) return undefined;
              for (const tap of this.#taps) tap.assigned?.(life, topic);
              return assigned(topic, committed);
            },
          }),
      // A rebalance does not wait for a member that is gone or asleep: it learns later, and before it gets the topic again.
      ...(revoked === undefined
        ? {}
        : {
            revoked: async (topic: string) => {
              const before = this.#told;
              this.#given.delete(topic);
              this.#told = before.then(() => life.hop('log')).then(() => void revoked(topic));
            },
          }),
      batch: async (records, context) => {
        await life.hop('log');
        // No adapter hands over what was taken away on its way.
        if (!context.signal.aborted) await options.batch(records, this.#context(context));
      },
      failed(error, topic) {
        if (!life.isDead) failed?.(error, topic);
      },
    };
  }

  #context(context: BatchContext): BatchContext {
    const life = this.#life;
    return {
      topic: context.topic,
      signal: context.signal,
      end: context.end,
      heartbeat: () => context.heartbeat(),
      commit: async (next) => {
        await life.hop('log');
        const fault = life.ambush('commit');
        if (fault === 'failed') throw new LogUnavailable(`the commit of ${context.topic} did not arrive`);
        await context.commit(next);
        for (const tap of this.#taps) tap.committed?.(life, context.topic, next);
        await life.hop('log');
        if (fault !== null) throw new LogUnavailable(`the answer to a commit of ${context.topic} was lost`);
      },
    };
  }
}
