import { afterEach, describe, expect, test, vi } from 'vitest';
import { GiveUp, type Job, JobRefused, type Jobs, PAYLOAD_BYTES_MAX, RetryAfter, type WorkOptions } from './port.ts';

/** How the contract gets job queues of one adapter. */
export interface JobsUnderTest {
  /** Opens the queue that belongs to this test; after `close` or `crash` the same one again. */
  open(): Promise<Jobs>;
  /** As `kill -9` of the process that has it open. */
  crash(jobs: Jobs): Promise<void>;
  dispose(): Promise<void>;
}

export interface ContractOptions {
  /** Longest time until a job whose process died runs again, and the like. */
  readonly waitMsMax: number;
}

/** A worker's notes. */
class Notes {
  readonly runs: { readonly job: Job; readonly at: number }[] = [];
  readonly exhausted: { readonly id: string; readonly error: unknown }[] = [];
  readonly failed: unknown[] = [];

  options(run: (job: Job) => Promise<void> = async () => undefined, concurrency = 4): WorkOptions {
    return {
      concurrency,
      run: async (job) => {
        this.runs.push({ job, at: Date.now() });
        await run(job);
      },
      exhausted: async (job, error) => void this.exhausted.push({ id: job.id, error }),
      failed: (error) => void this.failed.push(error),
    };
  }

  get ids(): string[] {
    return this.runs.map(({ job }) => job.id);
  }
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof JobRefused) return error.code;
    throw error;
  }
  return 'accepted';
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const QUICK = { firstMs: 10, maxMs: 100 };

interface Context {
  begin(): Promise<JobsUnderTest>;
  open(under: JobsUnderTest): Promise<Jobs>;
  fresh(): Promise<Jobs>;
  eventually(check: () => void | Promise<void>): Promise<void>;
}

/** Every adapter of the job queue passes this. */
export function describeJobs(name: string, make: () => Promise<JobsUnderTest>, options: ContractOptions): void {
  describe(`jobs: ${name}`, () => {
    let used: JobsUnderTest[] = [];
    let opened: Jobs[] = [];
    afterEach(async () => {
      for (const jobs of opened) await jobs.close();
      for (const under of used) await under.dispose();
      used = [];
      opened = [];
    });
    const begin = async () => {
      const under = await make();
      used.push(under);
      return under;
    };
    const open = async (under: JobsUnderTest) => {
      const jobs = await under.open();
      opened.push(jobs);
      return jobs;
    };
    const context: Context = {
      begin,
      open,
      fresh: async () => open(await begin()),
      eventually: (check) => vi.waitFor(async () => check(), { timeout: options.waitMsMax, interval: 10 }),
    };
    describeEnqueued(context);
    describeRetries(context);
    describeSchedules(context);
    describeStopping(context);
  });
}

function describeEnqueued({ fresh, eventually }: Context): void {
  test('a job runs once, with its id, payload, attempt and due time', async () => {
    const jobs = await fresh();
    const notes = new Notes();
    const before = Date.now();
    expect(await jobs.enqueue('q', 'a/b:1', { channel: 'ops', n: 3, urgent: true })).toBe('added');
    await jobs.work('q', notes.options());
    await eventually(() => expect(notes.runs.length).toBe(1));
    await pause(100);
    const { job } = notes.runs[0]!;
    expect(notes.runs.length).toBe(1);
    expect([job.id, job.queue, job.schedule, job.attempt]).toEqual(['a/b:1', 'q', null, 1]);
    expect(job.payload).toEqual({ channel: 'ops', n: 3, urgent: true });
    expect(job.dueAt).toBeGreaterThanOrEqual(before - 5);
    expect(job.dueAt).toBeLessThanOrEqual(Date.now());
  });

  test('a delayed job waits, and a worker that runs already takes it when it is due', async () => {
    const jobs = await fresh();
    const notes = new Notes();
    await jobs.work('q', notes.options());
    const before = Date.now();
    await jobs.enqueue('q', 'later', {}, { delayMs: 300 });
    await jobs.enqueue('q', 'now', {});
    await eventually(() => expect(notes.ids).toEqual(['now', 'later']));
    expect(notes.runs[1]!.at - before).toBeGreaterThanOrEqual(295);
  });

  test('a job of the same id is dropped while the first is unfinished, and taken once it is done', async () => {
    const jobs = await fresh();
    const notes = new Notes();
    const release = Promise.withResolvers<void>();
    expect(await jobs.enqueue('q', '17', { n: 1 })).toBe('added');
    expect(await jobs.enqueue('q', '17', { n: 2 })).toBe('exists');
    await jobs.work(
      'q',
      notes.options(() => release.promise),
    );
    await eventually(() => expect(notes.runs.length).toBe(1));
    expect(await jobs.enqueue('q', '17', { n: 3 })).toBe('exists');
    release.resolve();
    await eventually(async () => expect(await jobs.enqueue('q', '17', { n: 4 })).toBe('added'));
    await eventually(() => expect(notes.runs.map(({ job }) => job.payload)).toEqual([{ n: 1 }, { n: 4 }]));
  });

  test('a job that failed for good makes room for one of its id', async () => {
    const jobs = await fresh();
    const notes = new Notes();
    let isBroken = true;
    await jobs.work(
      'q',
      notes.options(async () => {
        if (isBroken) throw new GiveUp('no');
      }),
    );
    await jobs.enqueue('q', 'a', {});
    await eventually(async () => expect((await jobs.counts('q')).failed).toBe(1));
    isBroken = false;
    expect(await jobs.enqueue('q', 'a', {})).toBe('added');
    await eventually(() => expect(notes.runs.length).toBe(2));
    await eventually(async () => expect((await jobs.counts('q')).failed).toBe(0));
  });

  test('no more jobs run at once than the concurrency says, and queues do not mix', async () => {
    const jobs = await fresh();
    let running = 0;
    let most = 0;
    const notes = new Notes();
    const other = new Notes();
    for (let i = 0; i < 12; i++) await jobs.enqueue('q', `job-${i}`, {});
    await jobs.enqueue('other', 'job-0', {});
    await jobs.work(
      'q',
      notes.options(async () => {
        running += 1;
        most = Math.max(most, running);
        await pause(20);
        running -= 1;
      }, 3),
    );
    await jobs.work('other', other.options());
    await eventually(() => expect(notes.runs.length).toBe(12));
    expect(most).toBe(3);
    expect([...new Set(notes.ids)].length).toBe(12);
    expect(other.ids).toEqual(['job-0']);
  });

  test('counts tell waiting, delayed, active and failed', async () => {
    const jobs = await fresh();
    expect(await jobs.counts('q')).toEqual({ waiting: 0, delayed: 0, active: 0, failed: 0 });
    await jobs.enqueue('q', 'a', {});
    await jobs.enqueue('q', 'b', {});
    await jobs.enqueue('q', 'c', {}, { delayMs: 60_000 });
    expect(await jobs.counts('q')).toEqual({ waiting: 2, delayed: 1, active: 0, failed: 0 });
    const release = Promise.withResolvers<void>();
    const notes = new Notes();
    await jobs.work(
      'q',
      notes.options(() => release.promise, 1),
    );
    await eventually(async () =>
      expect(await jobs.counts('q')).toEqual({ waiting: 1, delayed: 1, active: 1, failed: 0 }),
    );
    release.resolve();
    await eventually(async () =>
      expect(await jobs.counts('q')).toEqual({ waiting: 0, delayed: 1, active: 0, failed: 0 }),
    );
  });

  test('values do not fit into a job, and names must', async () => {
    const jobs = await fresh();
    const large = { text: 'x'.repeat(PAYLOAD_BYTES_MAX) };
    expect(await codeOf(jobs.enqueue('q', 'a', large))).toBe('payload_too_large');
    expect(await codeOf(jobs.schedule('q', 'a', { everyMs: 1_000 }, large))).toBe('payload_too_large');
    expect(await codeOf(jobs.enqueue('q', '', {}))).toBe('name_invalid');
    expect(await codeOf(jobs.schedule('q', 'a', { everyMs: 0 }, {}))).toBe('interval_invalid');
    expect(await jobs.counts('q')).toEqual({ waiting: 0, delayed: 0, active: 0, failed: 0 });
    const fits = { text: 'x'.repeat(PAYLOAD_BYTES_MAX - '{"text":""}'.length) };
    expect(await jobs.enqueue('q', 'a', fits)).toBe('added');
  });

  test('a closed queue refuses', async () => {
    const jobs = await fresh();
    await jobs.close();
    expect(await codeOf(jobs.enqueue('q', 'a', {}))).toBe('jobs_closed');
  });
}

function describeRetries({ fresh, eventually }: Context): void {
  test('a job that throws is tried again with backoff up to its attempts, then exhausted is called once', async () => {
    const jobs = await fresh();
    const notes = new Notes();
    await jobs.enqueue('q', 'a', {}, { attemptsMax: 3, backoff: { firstMs: 100, maxMs: 1_000 } });
    await jobs.work(
      'q',
      notes.options(async (job) => {
        throw new Error(`attempt ${job.attempt}`);
      }),
    );
    await eventually(() => expect(notes.exhausted.length).toBe(1));
    await pause(300);
    expect(notes.runs.map(({ job }) => job.attempt)).toEqual([1, 2, 3]);
    expect(notes.exhausted.map(({ id, error }) => [id, String(error)])).toEqual([['a', 'Error: attempt 3']]);
    expect(notes.failed.map(String)).toEqual(['Error: attempt 1', 'Error: attempt 2', 'Error: attempt 3']);
    // Jitter takes at most the upper half away.
    expect(notes.runs[1]!.at - notes.runs[0]!.at).toBeGreaterThanOrEqual(48);
    expect(notes.runs[2]!.at - notes.runs[1]!.at).toBeGreaterThanOrEqual(96);
    expect((await jobs.counts('q')).failed).toBe(1);
  });

  test('a job that succeeds at last is done and not exhausted', async () => {
    const jobs = await fresh();
    const notes = new Notes();
    await jobs.enqueue('q', 'a', {}, { attemptsMax: 5, backoff: QUICK });
    await jobs.work(
      'q',
      notes.options(async (job) => {
        if (job.attempt < 3) throw new Error('not yet');
      }),
    );
    await eventually(() => expect(notes.runs.length).toBe(3));
    await eventually(async () =>
      expect(await jobs.counts('q')).toEqual({ waiting: 0, delayed: 0, active: 0, failed: 0 }),
    );
    expect(notes.exhausted).toEqual([]);
  });

  test('RetryAfter is honoured, whatever the backoff says, and counts as an attempt', async () => {
    const jobs = await fresh();
    const notes = new Notes();
    await jobs.enqueue('q', 'slow', {}, { attemptsMax: 2, backoff: { firstMs: 1, maxMs: 1 } });
    await jobs.enqueue('q', 'quick', {}, { attemptsMax: 2, backoff: { firstMs: 60_000, maxMs: 60_000 } });
    await jobs.work(
      'q',
      notes.options(async (job) => {
        throw new RetryAfter(job.id === 'slow' ? 400 : 50, 'come back');
      }),
    );
    await eventually(() => expect(notes.exhausted.map(({ id }) => id).sort()).toEqual(['quick', 'slow']));
    const [first, second] = notes.runs.filter(({ job }) => job.id === 'slow');
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(395);
    expect(second!.job.attempt).toBe(2);
  });

  test('GiveUp is not tried again', async () => {
    const jobs = await fresh();
    const notes = new Notes();
    await jobs.enqueue('q', 'a', {}, { attemptsMax: 5, backoff: QUICK });
    await jobs.work(
      'q',
      notes.options(async () => {
        throw new GiveUp('410 Gone');
      }),
    );
    await eventually(() => expect(notes.exhausted.length).toBe(1));
    await pause(200);
    expect(notes.runs.length).toBe(1);
    expect(notes.exhausted[0]?.error).toBeInstanceOf(GiveUp);
  });

  test('a failing job does not hold up the others, nor does an exhausted that throws', async () => {
    const jobs = await fresh();
    const notes = new Notes();
    await jobs.enqueue('q', 'bad', {}, { attemptsMax: 1 });
    await jobs.work('q', {
      ...notes.options(async (job) => {
        if (job.id === 'bad') throw new Error('bad');
      }, 1),
      exhausted: async () => {
        throw new Error('cannot say so');
      },
    });
    await jobs.enqueue('q', 'good', {});
    await eventually(() => expect(notes.ids).toContain('good'));
    await eventually(() => expect(notes.failed.map(String)).toEqual(['Error: bad', 'Error: cannot say so']));
    await eventually(async () => expect((await jobs.counts('q')).failed).toBe(1));
  });
}

function describeSchedules({ begin, open, fresh, eventually }: Context): void {
  test('a schedule runs at its start and then in its rhythm until it is removed', async () => {
    const jobs = await fresh();
    const notes = new Notes();
    const startAt = Date.now() + 200;
    await jobs.schedule('q', 'source:billing', { everyMs: 250, startAt }, { source: 'billing' });
    expect(await jobs.schedules('q')).toEqual(['source:billing']);
    await jobs.work('q', notes.options());
    await eventually(() => expect(notes.runs.length).toBe(3));
    const { job } = notes.runs[0]!;
    expect([job.id, job.schedule, job.payload]).toEqual(['source:billing', 'source:billing', { source: 'billing' }]);
    for (const [i, run] of notes.runs.entries()) {
      expect(Math.abs(run.job.dueAt - (startAt + i * 250))).toBeLessThanOrEqual(2);
      expect(run.at).toBeGreaterThanOrEqual(run.job.dueAt - 2);
    }
    await jobs.unschedule('q', 'source:billing');
    const count = notes.runs.length;
    await pause(600);
    expect(notes.runs.length).toBeLessThanOrEqual(count + 1);
    expect(await jobs.schedules('q')).toEqual([]);
  });

  test('without a start a schedule runs now', async () => {
    const jobs = await fresh();
    const notes = new Notes();
    await jobs.work('q', notes.options());
    await jobs.schedule('q', 'a', { everyMs: 60_000 }, {});
    await eventually(() => expect(notes.ids).toEqual(['a']));
  });

  test('scheduling the same again keeps the rhythm, another payload or interval replaces it', async () => {
    const jobs = await fresh();
    const notes = new Notes();
    await jobs.work('q', notes.options());
    await jobs.schedule('q', 'a', { everyMs: 60_000 }, { v: 1 });
    await eventually(() => expect(notes.runs.length).toBe(1));
    await jobs.schedule('q', 'a', { everyMs: 60_000 }, { v: 1 });
    await pause(200);
    expect(notes.runs.length).toBe(1);
    await jobs.schedule('q', 'a', { everyMs: 200 }, { v: 2 });
    await eventually(() =>
      expect(notes.runs.filter(({ job }) => job.payload.v === 2).length).toBeGreaterThanOrEqual(2),
    );
    expect(await jobs.schedules('q')).toEqual(['a']);
  });

  test('a restart loses no schedule, and a run missed meanwhile happens once', async () => {
    const under = await begin();
    const first = await open(under);
    await first.schedule('q', 'a', { everyMs: 60_000, startAt: Date.now() + 100 }, { source: 'billing' });
    await first.schedule('q', 'b', { everyMs: 300, startAt: Date.now() + 100 }, {});
    await first.close();
    await pause(1_200);
    const second = await open(under);
    expect(await second.schedules('q')).toEqual(['a', 'b']);
    const notes = new Notes();
    await second.work('q', notes.options());
    await eventually(() => expect([...notes.ids].sort().slice(0, 2)).toEqual(['a', 'b']));
    await pause(100);
    // Three runs of b were missed: one makes up for them, and at most its next one is due by now.
    expect(notes.ids.filter((id) => id === 'b').length).toBeLessThanOrEqual(2);
    expect(notes.runs.find(({ job }) => job.id === 'a')?.job.payload).toEqual({ source: 'billing' });
  });

  test('a run that fails for good does not end its schedule', async () => {
    const jobs = await fresh();
    const notes = new Notes();
    await jobs.schedule('q', 'a', { everyMs: 200 }, {});
    await jobs.work(
      'q',
      notes.options(async () => {
        throw new GiveUp('gone');
      }),
    );
    await eventually(() => expect(notes.exhausted.length).toBeGreaterThanOrEqual(3));
    expect(await jobs.schedules('q')).toEqual(['a']);
  });

  test('a schedule and a job of the same name are two', async () => {
    const jobs = await fresh();
    const notes = new Notes();
    await jobs.schedule('q', 'a', { everyMs: 60_000 }, { kind: 'schedule' });
    expect(await jobs.enqueue('q', 'a', { kind: 'job' })).toBe('added');
    await jobs.work('q', notes.options());
    await eventually(() => expect(notes.runs.map(({ job }) => job.payload.kind).sort()).toEqual(['job', 'schedule']));
  });
}

function describeStopping({ begin, open, fresh, eventually }: Context): void {
  test('stop lets running jobs finish, and nothing starts after it', async () => {
    const jobs = await fresh();
    const notes = new Notes();
    let finished = 0;
    for (const id of ['a', 'b', 'c']) await jobs.enqueue('q', id, {});
    const worker = await jobs.work(
      'q',
      notes.options(async () => {
        await pause(200);
        finished += 1;
      }, 1),
    );
    await eventually(() => expect(notes.runs.length).toBe(1));
    await worker.stop();
    expect(finished).toBe(1);
    await pause(300);
    expect(notes.ids).toEqual(['a']);
    expect((await jobs.counts('q')).waiting).toBe(2);
  });

  test('a job that outlasts the grace is aborted and runs again elsewhere, its attempts unspent', async () => {
    const jobs = await fresh();
    const notes = new Notes();
    await jobs.enqueue('q', 'a', {}, { attemptsMax: 1 });
    const worker = await jobs.work(
      'q',
      notes.options(
        (job) =>
          new Promise((_resolve, reject) => {
            job.signal.addEventListener('abort', () => reject(new Error('cut off')));
          }),
      ),
    );
    await eventually(() => expect(notes.runs.length).toBe(1));
    await worker.stop(50);
    const again = new Notes();
    await jobs.work('q', again.options());
    await eventually(() => expect(again.runs.map(({ job }) => job.attempt)).toEqual([1]));
    expect(notes.exhausted).toEqual([]);
  });

  test('a job whose process died runs again', async () => {
    const under = await begin();
    const first = await open(under);
    await first.enqueue('q', 'a', { n: 1 }, { attemptsMax: 1 });
    const notes = new Notes();
    const release = Promise.withResolvers<void>();
    await first.work(
      'q',
      notes.options(() => release.promise),
    );
    await eventually(() => expect(notes.runs.length).toBe(1));
    await under.crash(first);
    const second = await open(under);
    const again = new Notes();
    await second.work('q', again.options());
    await eventually(() => expect(again.runs.map(({ job }) => job.payload)).toEqual([{ n: 1 }]));
    await eventually(async () =>
      expect(await second.counts('q')).toEqual({ waiting: 0, delayed: 0, active: 0, failed: 0 }),
    );
    // The first one lives on in this process only because it cannot be killed here.
    release.resolve();
  });
}
