import { afterEach, describe, expect, test, vi } from 'vitest';
import { MESSAGE_BYTES_MAX } from './limits.ts';
import type { BatchContext, EventLog, LogMessage, LogRecord, SubscribeOptions, Subscription } from './port.ts';
import { LogBusy, LogRefused } from './port.ts';
import type { QueueLimits } from './queue.ts';

/** How the contract gets logs of one adapter. */
export interface LogUnderTest {
  /**
   * Opens the log that belongs to this test. Called again after `close`, or beside the first for an adapter whose
   * members are processes of their own, it opens the same log.
   */
  open(options?: OpenOptions): Promise<EventLog>;
  /** As `kill -9` of the process that has the log open. */
  crash(log: EventLog): Promise<void>;
  /** Releases what the test used. */
  dispose(): Promise<void>;
}

export interface OpenOptions {
  readonly queue?: QueueLimits;
  readonly batchRecordsMax?: number;
  readonly graceMs?: number;
}

export interface ContractOptions {
  /** Longest time for things that need a rebalance or a time-out of the adapter. */
  readonly waitMsMax: number;
  /** `true` where members of a group are separate logs (processes); embedded members share one. */
  readonly memberIsLog: boolean;
}

const text = new TextEncoder();
const back = new TextDecoder();

export function message(body: string, headers: Record<string, string> = {}, key: string | null = 'k'): LogMessage {
  return { key: key === null ? null : text.encode(key), value: text.encode(body), headers };
}
export function bodies(records: readonly LogRecord[]): string[] {
  return records.map((record) => back.decode(record.value));
}
function numbered(from: number, count: number): LogMessage[] {
  return Array.from({ length: count }, (_, i) => message(String(from + i)));
}
function numbers(from: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(from + i));
}

async function readAll(log: EventLog, topic: string, from = 0, to?: number): Promise<LogRecord[]> {
  const all: LogRecord[] = [];
  for await (const batch of log.read(topic, to === undefined ? { from } : { from, to })) all.push(...batch);
  return all;
}

function tail(log: EventLog, topic: string, from: number, signal: AbortSignal) {
  const seen: string[] = [];
  const done = (async () => {
    for await (const batch of log.read(topic, { from, tail: true, signal })) seen.push(...bodies(batch));
  })();
  return { seen, done };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof LogRefused) return error.code;
    throw error;
  }
  return 'accepted';
}

/** Every adapter of the event log passes this, embedded and Kafka alike. */
export function describeEventLog(name: string, make: () => Promise<LogUnderTest>, options: ContractOptions): void {
  describe(`event log: ${name}`, () => {
    let used: LogUnderTest[] = [];
    let opened: EventLog[] = [];
    afterEach(async () => {
      for (const log of opened) await log.close();
      for (const under of used) await under.dispose();
      used = [];
      opened = [];
    });
    const begin = async () => {
      const under = await make();
      used.push(under);
      return under;
    };
    const open = async (under: LogUnderTest, given?: OpenOptions) => {
      const log = await under.open(given);
      opened.push(log);
      return log;
    };
    const fresh = async (given?: OpenOptions) => open(await begin(), given);
    const eventually = (check: () => void | Promise<void>) =>
      vi.waitFor(async () => check(), { timeout: options.waitMsMax, interval: 20 });
    const context = { begin, open, fresh, eventually, options };
    describeAppending(context);
    describeReading(context);
    describeGroups(context);
    describeMembers(context);
  });
}

interface Context {
  begin(): Promise<LogUnderTest>;
  open(under: LogUnderTest, given?: OpenOptions): Promise<EventLog>;
  fresh(given?: OpenOptions): Promise<EventLog>;
  eventually(check: () => void | Promise<void>): Promise<void>;
  readonly options: ContractOptions;
}

function describeAppending({ begin, open, fresh }: Context): void {
  test('an append answers its offsets and the log its time', async () => {
    const log = await fresh();
    await log.ensureTopic('facts.a');
    const first = await log.append('facts.a', numbered(0, 3));
    const second = await log.append('facts.a', numbered(3, 2));
    const records = await readAll(log, 'facts.a');
    expect(records.map((record) => record.offset)).toEqual([0, 1, 2, 3, 4]);
    expect([first.baseOffset, first.lastOffset, second.baseOffset, second.lastOffset]).toEqual([0, 2, 3, 4]);
    expect(records[1]?.appendedAt).toBe(first.appendedAt);
    expect(records[4]?.appendedAt).toBe(second.appendedAt);
    expect(first.appendedAt).toBeGreaterThan(0);
  });

  test('a message comes back byte for byte: key, value, headers, topic', async () => {
    const log = await fresh();
    await log.ensureTopic('facts.a');
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    await log.append('facts.a', [
      { key: bytes, value: bytes, headers: { ce_type: 'paceline.tick.v1', ce_source: 'größe/ß' } },
      { key: null, value: new Uint8Array(0), headers: {} },
    ]);
    const [first, second] = await readAll(log, 'facts.a');
    expect(first?.topic).toBe('facts.a');
    expect(Buffer.from(first!.key!)).toEqual(Buffer.from(bytes));
    expect(Buffer.from(first!.value)).toEqual(Buffer.from(bytes));
    expect(first?.headers).toEqual({ ce_type: 'paceline.tick.v1', ce_source: 'größe/ß' });
    expect(second?.key).toBeNull();
    expect(second?.value.byteLength).toBe(0);
    expect(second?.headers).toEqual({});
  });

  test('appends of one caller that are not awaited keep their order', async () => {
    const log = await fresh();
    await log.ensureTopic('facts.a');
    const appended = await Promise.all(numbers(0, 300).map((body) => log.append('facts.a', [message(body)])));
    expect(bodies(await readAll(log, 'facts.a'))).toEqual(numbers(0, 300));
    expect(appended.map((one) => one.baseOffset)).toEqual(Array.from({ length: 300 }, (_, i) => i));
  });

  test('topics have offsets of their own', async () => {
    const log = await fresh();
    await log.ensureTopic('facts.a');
    await log.ensureTopic('facts.b');
    await Promise.all([
      log.append('facts.a', [message('a0')]),
      log.append('facts.b', [message('b0')]),
      log.append('facts.a', [message('a1')]),
    ]);
    expect(bodies(await readAll(log, 'facts.a'))).toEqual(['a0', 'a1']);
    expect(bodies(await readAll(log, 'facts.b'))).toEqual(['b0']);
    expect(await log.end('facts.b')).toBe(1);
  });

  test('what was acknowledged is there after a crash', async () => {
    const under = await begin();
    const first = await open(under);
    await first.ensureTopic('facts.a');
    await first.append('facts.a', numbered(0, 50));
    await under.crash(first);
    const second = await open(under);
    expect(bodies(await readAll(second, 'facts.a'))).toEqual(numbers(0, 50));
    expect((await second.append('facts.a', [message('50')])).baseOffset).toBe(50);
  });

  test('an append over the batch limit is split and keeps its order', async () => {
    const log = await fresh();
    await log.ensureTopic('facts.a');
    const padding = 'x'.repeat(60_000);
    const appended = await log.append(
      'facts.a',
      numbers(0, 100).map((body) => message(body + padding)),
    );
    const records = await readAll(log, 'facts.a');
    expect(bodies(records).map((body) => body.slice(0, -60_000))).toEqual(numbers(0, 100));
    expect([appended.baseOffset, appended.lastOffset]).toEqual([0, 99]);
  });

  test('the largest record passes, among small ones', async () => {
    const log = await fresh();
    await log.ensureTopic('facts.a');
    const large = 'x'.repeat(MESSAGE_BYTES_MAX - 10);
    await log.append('facts.a', [message('before'), message(large), message('after')]);
    const lengths = bodies(await readAll(log, 'facts.a')).map((body) => body.length);
    expect(lengths).toEqual([6, large.length, 5]);
  });

  test('a full queue answers LogBusy and takes appends again once it has drained', async () => {
    const log = await fresh({ queue: { requestsMax: 10, bytesMax: 1_000_000, flushBytesMax: 100_000 } });
    await log.ensureTopic('facts.a');
    const tried = await Promise.allSettled(numbers(0, 100).map((body) => log.append('facts.a', [message(body)])));
    const refused = tried.filter((one) => one.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every((one) => one.reason instanceof LogBusy)).toBe(true);
    const taken = tried.filter((one) => one.status === 'fulfilled').length;
    expect(await log.end('facts.a')).toBe(taken);
    await log.append('facts.a', [message('later')]);
    expect(await log.end('facts.a')).toBe(taken + 1);
  });

  test('what no adapter could store is refused with its code, and nothing of it is kept', async () => {
    const log = await fresh();
    await log.ensureTopic('facts.a');
    expect(await codeOf(log.append('facts.a', [message('ok'), message('x'.repeat(MESSAGE_BYTES_MAX))]))).toBe(
      'message_too_large',
    );
    expect(await codeOf(log.append('facts.a', []))).toBe('empty_append');
    expect(await codeOf(log.append('facts.a', [message('x', { a: 'b\nc' })]))).toBe('header_invalid');
    expect(await codeOf(log.append('facts.none', [message('x')]))).toBe('topic_unknown');
    expect(await codeOf(log.ensureTopic('facts.a b'))).toBe('topic_name_invalid');
    expect(await log.end('facts.a')).toBe(0);
  });

  test('creating a topic twice, also at once, keeps it', async () => {
    const log = await fresh();
    await Promise.all([log.ensureTopic('facts.a'), log.ensureTopic('facts.a')]);
    await log.append('facts.a', [message('1')]);
    await log.ensureTopic('facts.a');
    expect(await log.end('facts.a')).toBe(1);
    expect(await log.topics('facts.')).toEqual(['facts.a']);
    expect(await log.topics('alerts')).toEqual([]);
  });

  test('a closed log refuses', async () => {
    const log = await fresh();
    await log.ensureTopic('facts.a');
    await log.close();
    expect(await codeOf(log.append('facts.a', [message('x')]))).toBe('log_closed');
    expect(await codeOf(log.end('facts.a'))).toBe('log_closed');
  });
}

function describeReading({ fresh, eventually }: Context): void {
  test('a range is read from its start up to but not including its end', async () => {
    const log = await fresh({ batchRecordsMax: 7 });
    await log.ensureTopic('facts.a');
    await log.append('facts.a', numbered(0, 40));
    expect(bodies(await readAll(log, 'facts.a', 5, 33))).toEqual(numbers(5, 28));
    expect(bodies(await readAll(log, 'facts.a', 38))).toEqual(numbers(38, 2));
    expect(await readAll(log, 'facts.a', 40)).toEqual([]);
    expect(await readAll(log, 'facts.a', 10, 10)).toEqual([]);
  });

  test('an empty topic reads as nothing, an unknown one is refused', async () => {
    const log = await fresh();
    await log.ensureTopic('facts.a');
    expect(await readAll(log, 'facts.a')).toEqual([]);
    expect(await log.end('facts.a')).toBe(0);
    expect(await codeOf(readAll(log, 'facts.none'))).toBe('topic_unknown');
  });

  test('a read ends where the log ended when it was called, though appends go on', async () => {
    const log = await fresh({ batchRecordsMax: 5 });
    await log.ensureTopic('facts.a');
    await log.append('facts.a', numbered(0, 20));
    const read: string[] = [];
    for await (const batch of log.read('facts.a', { from: 0 })) {
      read.push(...bodies(batch));
      await log.append('facts.a', [message('later')]);
    }
    expect(read).toEqual(numbers(0, 20));
  });

  test('a tailing read waits for more and ends with its signal', async () => {
    const log = await fresh();
    await log.ensureTopic('facts.a');
    await log.append('facts.a', numbered(0, 3));
    const stop = new AbortController();
    const read: string[] = [];
    const reading = (async () => {
      for await (const batch of log.read('facts.a', { from: 1, tail: true, signal: stop.signal }))
        read.push(...bodies(batch));
    })();
    await eventually(() => expect(read).toEqual(['1', '2']));
    await log.append('facts.a', numbered(3, 2));
    await eventually(() => expect(read).toEqual(['1', '2', '3', '4']));
    stop.abort();
    await reading;
  });

  test('many readers at different places of one topic, and a group, all get everything in order', async () => {
    const log = await fresh({ batchRecordsMax: 100 });
    await log.ensureTopic('facts.a');
    for (let i = 0; i < 10; i++) await log.append('facts.a', numbered(i * 1_000, 1_000));
    const reader = new Reader();
    const subscription = await log.subscribe(reader.options('g'));
    const reads = [0, 9_000, 50, 5_000, 0, 9_990, 4_321].map(async (from) => ({
      from,
      read: bodies(await readAll(log, 'facts.a', from)),
    }));
    for (const { from, read } of await Promise.all(reads)) expect(read).toEqual(numbers(from, 10_000 - from));
    await eventually(() => expect(reader.seen).toEqual(numbers(0, 10_000)));
    await subscription.stop();
  });

  test('a reader that begins while another waits at the end misses nothing of what lies before', async () => {
    const log = await fresh();
    await log.ensureTopic('facts.a');
    await log.append('facts.a', numbered(0, 10));
    const stop = new AbortController();
    const waiting = tail(log, 'facts.a', 10, stop.signal);
    for (let round = 0; round < 10; round++) {
      const begun = new AbortController();
      const reading = tail(log, 'facts.a', 0, begun.signal);
      // Somewhen between its first question and the end of the wait of the other.
      await new Promise((resolve) => setTimeout(resolve, round * 5));
      await log.append('facts.a', [message(String(10 + round))]);
      await eventually(() => expect(reading.seen).toEqual(numbers(0, 11 + round)));
      begun.abort();
      await reading.done;
    }
    await eventually(() => expect(waiting.seen).toEqual(numbers(10, 10)));
    stop.abort();
    await waiting.done;
  });

  test('a large backlog comes in order, in bounded batches', async () => {
    const log = await fresh({ batchRecordsMax: 500 });
    await log.ensureTopic('facts.a');
    for (let i = 0; i < 20; i++) await log.append('facts.a', numbered(i * 1_000, 1_000));
    let next = 0;
    for await (const batch of log.read('facts.a', { from: 0 })) {
      expect(batch.length).toBeLessThanOrEqual(500);
      for (const body of bodies(batch)) expect(body).toBe(String(next++));
    }
    expect(next).toBe(20_000);
  });
}

/** A consumer that notes what it gets and commits after each batch unless told otherwise. */
class Reader {
  readonly seen: string[] = [];
  readonly offsets: number[] = [];
  readonly events: string[] = [];
  readonly errors: unknown[] = [];
  readonly contexts: BatchContext[] = [];

  options(group: string, more: Partial<SubscribeOptions> = {}): SubscribeOptions {
    return {
      group,
      prefix: 'facts.',
      batch: async (records, context) => {
        this.note(records, context);
        await context.commit(records.at(-1)!.offset + 1);
      },
      assigned: async (topic, committed) => {
        this.events.push(`assigned ${topic} ${committed}`);
        return undefined;
      },
      revoked: async (topic) => void this.events.push(`revoked ${topic}`),
      failed: (error) => void this.errors.push(error),
      ...more,
    };
  }

  note(records: readonly LogRecord[], context: BatchContext): void {
    this.seen.push(...bodies(records));
    this.offsets.push(...records.map((record) => record.offset));
    this.contexts.push(context);
  }
}

function describeGroups({ begin, open, fresh, eventually }: Context): void {
  test('a group reads from the beginning, in order, and lag falls to nothing', async () => {
    const log = await fresh();
    await log.ensureTopic('facts.a');
    await log.append('facts.a', numbered(0, 100));
    expect(await log.lag('g', 'facts.a')).toBe(100);
    expect(await log.committed('g', 'facts.a')).toBe(0);
    const reader = new Reader();
    const subscription = await log.subscribe(reader.options('g'));
    await eventually(() => expect(reader.seen).toEqual(numbers(0, 100)));
    await eventually(async () => expect(await log.lag('g', 'facts.a')).toBe(0));
    await log.append('facts.a', numbered(100, 5));
    await eventually(() => expect(reader.seen).toEqual(numbers(0, 105)));
    await eventually(async () => expect(await log.committed('g', 'facts.a')).toBe(105));
    expect(subscription.assignment()).toEqual(['facts.a']);
    expect(reader.events).toEqual(['assigned facts.a 0']);
    await subscription.stop();
    expect(await log.lag('other', 'facts.a')).toBe(105);
  });

  test('the batch at the head of the log knows that it is', async () => {
    const log = await fresh({ batchRecordsMax: 4 });
    await log.ensureTopic('facts.a');
    await log.append('facts.a', numbered(0, 10));
    const reader = new Reader();
    const subscription = await log.subscribe(reader.options('g'));
    await eventually(() => expect(reader.seen.length).toBe(10));
    expect(reader.contexts.at(-1)?.end).toBe(10);
    expect(reader.contexts[0]?.end).toBe(10);
    expect(reader.contexts.length).toBeGreaterThanOrEqual(3);
    await subscription.stop();
  });

  test('a crash between write and commit delivers again what was not committed', async () => {
    const under = await begin();
    const first = await open(under, { batchRecordsMax: 10 });
    await first.ensureTopic('facts.a');
    await first.append('facts.a', numbered(0, 30));
    const reader = new Reader();
    await first.subscribe(
      reader.options('g', {
        batch: async (records, context) => {
          reader.note(records, context);
          if (reader.seen.length <= 10) await context.commit(10);
        },
      }),
    );
    await eventually(() => expect(reader.seen.length).toBe(30));
    await under.crash(first);
    const second = await open(under, { batchRecordsMax: 10 });
    expect(await second.committed('g', 'facts.a')).toBe(10);
    const again = new Reader();
    const subscription = await second.subscribe(again.options('g'));
    await eventually(() => expect(again.seen).toEqual(numbers(10, 20)));
    expect(again.events).toEqual(['assigned facts.a 10']);
    await subscription.stop();
  });

  test('a throw is reported and the topic goes on from the last commit', async () => {
    const log = await fresh({ batchRecordsMax: 5 });
    await log.ensureTopic('facts.a');
    await log.append('facts.a', numbered(0, 15));
    const reader = new Reader();
    let thrown = 0;
    const subscription = await log.subscribe(
      reader.options('g', {
        batch: async (records, context) => {
          reader.note(records, context);
          if (records[0]!.offset >= 5 && thrown < 2) {
            thrown += 1;
            throw new Error('the engine is away');
          }
          await context.commit(records.at(-1)!.offset + 1);
        },
      }),
    );
    await eventually(async () => expect(await log.committed('g', 'facts.a')).toBe(15));
    expect(thrown).toBe(2);
    expect(reader.errors.map(String)).toEqual(['Error: the engine is away', 'Error: the engine is away']);
    expect([...new Set(reader.seen)]).toEqual(numbers(0, 15));
    expect(reader.seen.filter((body) => body === '5').length).toBe(3);
    await subscription.stop();
  });

  test('a topic that fails does not hold up the others', async () => {
    const log = await fresh();
    await log.ensureTopic('facts.a');
    await log.ensureTopic('facts.b');
    await log.append('facts.a', [message('poison')]);
    const reader = new Reader();
    const subscription = await log.subscribe(
      reader.options('g', {
        batch: async (records, context) => {
          if (context.topic === 'facts.a') throw new Error('poison');
          reader.note(records, context);
        },
      }),
    );
    await eventually(() => expect(reader.errors.length).toBeGreaterThan(0));
    await log.append('facts.b', numbered(0, 3));
    await eventually(() => expect(reader.seen).toEqual(['0', '1', '2']));
    await subscription.stop();
  });

  test('the next batch waits for the one before it', async () => {
    const log = await fresh({ batchRecordsMax: 3 });
    await log.ensureTopic('facts.a');
    await log.append('facts.a', numbered(0, 30));
    let running = 0;
    let most = 0;
    const reader = new Reader();
    const subscription = await log.subscribe(
      reader.options('g', {
        batch: async (records, context) => {
          running += 1;
          most = Math.max(most, running);
          await new Promise((resolve) => setTimeout(resolve, 5));
          reader.note(records, context);
          running -= 1;
        },
      }),
    );
    await eventually(() => expect(reader.seen).toEqual(numbers(0, 30)));
    expect(most).toBe(1);
    await subscription.stop();
  });

  test('the assigned hook says where to start, also for a topic without records', async () => {
    const log = await fresh();
    await log.ensureTopic('facts.a');
    await log.ensureTopic('facts.empty');
    await log.append('facts.a', numbered(0, 20));
    const reader = new Reader();
    const subscription = await log.subscribe(
      reader.options('g', {
        assigned: async (topic, committed) => {
          reader.events.push(`assigned ${topic} ${committed}`);
          return topic === 'facts.a' ? 12 : undefined;
        },
      }),
    );
    await eventually(() => expect(reader.seen).toEqual(numbers(12, 8)));
    await eventually(() => expect([...reader.events].sort()).toEqual(['assigned facts.a 0', 'assigned facts.empty 0']));
    await subscription.stop();
  });

  test('seek delivers again from there, after the batch in flight', async () => {
    const log = await fresh({ batchRecordsMax: 10 });
    await log.ensureTopic('facts.a');
    await log.append('facts.a', numbered(0, 10));
    const reader = new Reader();
    const subscription = await log.subscribe(reader.options('g'));
    await eventually(() => expect(reader.seen).toEqual(numbers(0, 10)));
    subscription.seek('facts.a', 6);
    await eventually(() => expect(reader.seen).toEqual([...numbers(0, 10), ...numbers(6, 4)]));
    await log.append('facts.a', [message('10')]);
    await eventually(() => expect(reader.seen.at(-1)).toBe('10'));
    await subscription.stop();
  });

  test('a seek inside the batch wins over the batch', async () => {
    const log = await fresh({ batchRecordsMax: 5 });
    await log.ensureTopic('facts.a');
    await log.append('facts.a', numbered(0, 10));
    const reader = new Reader();
    let subscription: Subscription | undefined;
    subscription = await log.subscribe(
      reader.options('g', {
        batch: async (records, context) => {
          reader.note(records, context);
          if (reader.seen.length === 10) subscription?.seek('facts.a', 3);
        },
      }),
    );
    await eventually(() => expect(reader.seen).toEqual([...numbers(0, 10), ...numbers(3, 7)]));
    await subscription.stop();
  });

  test('a place outlives the subscription, and every group has its own', async () => {
    const log = await fresh();
    await log.ensureTopic('facts.a');
    await log.append('facts.a', numbered(0, 5));
    const one = new Reader();
    const first = await log.subscribe(one.options('g'));
    await eventually(async () => expect(await log.committed('g', 'facts.a')).toBe(5));
    await first.stop();
    await log.append('facts.a', numbered(5, 5));
    const two = new Reader();
    const other = new Reader();
    const second = await log.subscribe(two.options('g'));
    const third = await log.subscribe(other.options('h'));
    await eventually(() => expect(two.seen).toEqual(numbers(5, 5)));
    await eventually(() => expect(other.seen).toEqual(numbers(0, 10)));
    await second.stop();
    await third.stop();
  });

  test('stop finishes the batch in flight, and nothing comes after it', async () => {
    const log = await fresh({ batchRecordsMax: 5 });
    await log.ensureTopic('facts.a');
    await log.append('facts.a', numbered(0, 10));
    const reader = new Reader();
    const begun = Promise.withResolvers<void>();
    const subscription = await log.subscribe(
      reader.options('g', {
        batch: async (records, context) => {
          begun.resolve();
          await new Promise((resolve) => setTimeout(resolve, 100));
          await context.commit(records.at(-1)!.offset + 1);
          reader.note(records, context);
        },
      }),
    );
    await begun.promise;
    await subscription.stop();
    expect(reader.seen).toEqual(numbers(0, 5));
    expect(await log.committed('g', 'facts.a')).toBe(5);
    await log.append('facts.a', [message('10')]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(reader.seen).toEqual(numbers(0, 5));
  });

  test('a commit beyond the end is refused', async () => {
    const log = await fresh();
    await log.ensureTopic('facts.a');
    await log.append('facts.a', [message('0')]);
    const codes: string[] = [];
    const reader = new Reader();
    const subscription = await log.subscribe(
      reader.options('g', {
        batch: async (_records, context) => {
          codes.push(await codeOf(context.commit(9)));
        },
      }),
    );
    await eventually(() => expect(codes).toEqual(['commit_out_of_range']));
    await subscription.stop();
  });
}

function describeMembers({ begin, open, eventually, options }: Context): void {
  test('a workspace created while others run joins, and the others keep their place', async () => {
    const under = await begin();
    const log = await open(under);
    await log.ensureTopic('facts.a');
    await log.append('facts.a', numbered(0, 5));
    const reader = new Reader();
    const subscription = await log.subscribe(
      reader.options('g', { batch: async (records, context) => reader.note(records, context) }),
    );
    await eventually(() => expect(reader.seen).toEqual(numbers(0, 5)));
    await log.ensureTopic('facts.b');
    await log.append('facts.b', [message('b')]);
    await eventually(() => expect(reader.seen).toContain('b'));
    await log.append('facts.a', numbered(5, 2));
    await eventually(() => expect(reader.seen).toContain('6'));
    // Nothing was committed, and still nothing comes twice.
    expect(reader.seen.filter((body) => body !== 'b')).toEqual(numbers(0, 7));
    expect(subscription.assignment()).toEqual(['facts.a', 'facts.b']);
    await subscription.stop();
  });

  test('two members share the topics, and one takes over when the other stops', async () => {
    const under = await begin();
    const log = await open(under);
    const other = options.memberIsLog ? await open(under) : log;
    for (const topic of ['facts.a', 'facts.b', 'facts.c', 'facts.d']) {
      await log.ensureTopic(topic);
      await log.append(topic, [message(topic)]);
    }
    const one = new Reader();
    const two = new Reader();
    const first = await log.subscribe(one.options('g'));
    await eventually(() => expect(one.seen.length).toBe(4));
    const second = await other.subscribe(two.options('g'));
    await eventually(() => {
      expect(first.assignment().length).toBe(2);
      expect(second.assignment().length).toBe(2);
      expect(new Set([...first.assignment(), ...second.assignment()]).size).toBe(4);
    });
    expect(one.events.filter((event) => event.startsWith('revoked')).length).toBe(2);
    expect(two.seen).toEqual([]);
    await first.stop();
    await eventually(() => expect(second.assignment().length).toBe(4));
    for (const topic of ['facts.a', 'facts.b', 'facts.c', 'facts.d'])
      await log.append(topic, [message(`${topic} again`)]);
    await eventually(() => expect(two.seen.length).toBe(4));
    expect(one.seen.length).toBe(4);
    await second.stop();
  });

  test('after a topic was taken away its batch is aborted and its commits are refused', async () => {
    const under = await begin();
    const log = await open(under, { graceMs: 200, batchRecordsMax: 5 });
    const other = options.memberIsLog ? await open(under, { graceMs: 200, batchRecordsMax: 5 }) : log;
    for (const topic of ['facts.a', 'facts.b']) {
      await log.ensureTopic(topic);
      await log.append(topic, numbered(0, 5));
    }
    const zombie = new Map<string, { context: BatchContext; over: PromiseWithResolvers<string> }>();
    const one = new Reader();
    const first = await log.subscribe(
      one.options('g', {
        batch: async (records, context) => {
          one.note(records, context);
          if (zombie.has(context.topic)) return;
          const over = Promise.withResolvers<string>();
          zombie.set(context.topic, { context, over });
          while (!context.signal.aborted) {
            await new Promise((resolve) => setTimeout(resolve, 50));
            // A member that is being replaced may learn it here; the signal says so too.
            await context.heartbeat().catch((error: unknown) => over.resolve(String(error)));
          }
          over.resolve(await codeOf(context.commit(5)));
        },
      }),
    );
    await eventually(() => expect(zombie.size).toBe(2));
    const two = new Reader();
    const joining = other.subscribe(two.options('g'));
    await eventually(() => expect(two.seen.length).toBeGreaterThanOrEqual(5));
    const second = await joining;
    const taken = second.assignment()[0]!;
    expect(zombie.get(taken)?.context.signal.aborted).toBe(true);
    expect(await codeOf(zombie.get(taken)!.context.commit(5))).toBe('topic_revoked');
    expect(two.seen.slice(0, 5)).toEqual(numbers(0, 5));
    await second.stop();
    await first.stop();
  });
}
