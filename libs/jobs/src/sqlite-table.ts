import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { type JobPayload, JobRefused } from './port.ts';

const FILE = 'jobs.sqlite';
const SCHEMA_VERSION = 1;
const SCHEMA = `
CREATE TABLE job (
  queue TEXT NOT NULL,
  id TEXT NOT NULL,
  -- key of the schedule it belongs to; a schedule is one row for ever
  schedule TEXT,
  every_ms INTEGER,
  anchor REAL,
  payload TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'active', 'failed')),
  attempts_max INTEGER NOT NULL,
  backoff_first_ms INTEGER NOT NULL,
  backoff_max_ms INTEGER NOT NULL,
  -- attempts that failed; one that was cut off by a crash is no failure
  failures INTEGER NOT NULL DEFAULT 0,
  starts INTEGER NOT NULL DEFAULT 0,
  -- when the job itself was due, and when its next attempt is
  due_at REAL NOT NULL,
  run_at REAL NOT NULL,
  -- of a schedule: the run after this one
  next_at REAL,
  lease TEXT,
  lease_until REAL,
  PRIMARY KEY (queue, id)
);
CREATE INDEX job_run ON job (queue, state, run_at);
`;

export interface NewJob {
  readonly queue: string;
  readonly id: string;
  readonly payload: string;
  readonly attemptsMax: number;
  readonly backoff: { readonly firstMs: number; readonly maxMs: number };
  readonly dueAt: number;
}

export interface ClaimedJob {
  readonly queue: string;
  readonly id: string;
  readonly schedule: string | null;
  readonly payload: JobPayload;
  readonly attemptsMax: number;
  readonly backoff: { readonly firstMs: number; readonly maxMs: number };
  readonly failures: number;
  /** How often it was begun and not finished: more often than failures after crashes. */
  readonly starts: number;
  readonly dueAt: number;
  readonly lease: string;
}

export interface Counts {
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
  readonly failed: number;
}

/** The one table of the embedded job queue. Nothing in it is truth: a damaged file is set aside and begun anew. */
export class JobTable {
  readonly #database: DatabaseSync;
  readonly #folder: string;
  readonly #statements = new Map<string, StatementSync>();
  #leases = 0;

  constructor(folder: string, setAside: (file: string, cause: unknown) => void) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    const file = join(folder, FILE);
    try {
      this.#database = openDatabase(file);
    } catch (error) {
      if (!existsSync(file) || !isDamage(error)) throw unwritable(folder, error);
      for (const part of ['', '-wal', '-shm']) {
        if (existsSync(file + part)) renameSync(file + part, `${file}${part}.damaged`);
      }
      setAside(`${file}.damaged`, error);
      this.#database = openDatabase(file);
    }
  }

  close(): void {
    this.#database.close();
  }

  /** Jobs that a process left running when it died are to run again: the folder has one owner, so at opening all are. */
  releaseAll(): void {
    this.#run("UPDATE job SET state = 'waiting', lease = NULL, lease_until = NULL WHERE state = 'active'");
  }

  /** Those whose owner has not renewed its lease in time. */
  releaseExpired(now: number): void {
    this.#run(
      "UPDATE job SET state = 'waiting', lease = NULL, lease_until = NULL WHERE state = 'active' AND lease_until < ?",
      now,
    );
  }

  /** Answers `false` when an unfinished job of that id exists. A failed one makes room. */
  add(job: NewJob): boolean {
    this.#run("DELETE FROM job WHERE queue = ? AND id = ? AND state = 'failed'", job.queue, job.id);
    const { changes } = this.#run(
      `INSERT INTO job (queue, id, payload, state, attempts_max, backoff_first_ms, backoff_max_ms, due_at, run_at)
       VALUES (?, ?, ?, 'waiting', ?, ?, ?, ?, ?) ON CONFLICT (queue, id) DO NOTHING`,
      job.queue,
      job.id,
      job.payload,
      job.attemptsMax,
      job.backoff.firstMs,
      job.backoff.maxMs,
      job.dueAt,
      job.dueAt,
    );
    return changes > 0;
  }

  /** One that exists with the same interval and payload stays as it is. A run in flight goes on and is followed by the new rhythm. */
  putSchedule(job: NewJob, key: string, everyMs: number): void {
    this.#run(
      `INSERT INTO job (queue, id, schedule, every_ms, anchor, payload, state, attempts_max, backoff_first_ms, backoff_max_ms, due_at, run_at)
       VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?, ?, ?, ?, ?)
       ON CONFLICT (queue, id) DO UPDATE SET
         every_ms = excluded.every_ms, anchor = excluded.anchor, payload = excluded.payload,
         due_at = excluded.due_at, run_at = excluded.run_at, failures = 0, starts = 0,
         next_at = CASE state WHEN 'active' THEN excluded.due_at END
       WHERE every_ms <> excluded.every_ms OR payload <> excluded.payload`,
      job.queue,
      job.id,
      key,
      everyMs,
      job.dueAt,
      job.payload,
      job.attemptsMax,
      job.backoff.firstMs,
      job.backoff.maxMs,
      job.dueAt,
      job.dueAt,
    );
  }

  removeSchedule(queue: string, key: string): void {
    this.#run('DELETE FROM job WHERE queue = ? AND schedule = ?', queue, key);
  }

  schedules(queue: string): string[] {
    const rows = this.#prepare(
      'SELECT schedule FROM job WHERE queue = ? AND schedule IS NOT NULL ORDER BY schedule',
    ).all(queue);
    return rows.map((row) => String(row.schedule));
  }

  /** The next due job, now leased; `nextAt` answers when a schedule runs after that. */
  claim(
    queue: string,
    now: number,
    leaseMs: number,
    nextAt: (anchor: number, everyMs: number) => number,
  ): ClaimedJob | undefined {
    const row = this.#prepare(
      "SELECT * FROM job WHERE queue = ? AND state = 'waiting' AND run_at <= ? ORDER BY run_at, id LIMIT 1",
    ).get(queue, now);
    if (row === undefined) return undefined;
    this.#leases += 1;
    const lease = `${process.pid}-${this.#leases}`;
    // Fixed at the first start: a run that takes long or is retried must not push its successor away.
    const next = row.every_ms === null ? null : (row.next_at ?? nextAt(number(row.anchor), number(row.every_ms)));
    this.#run(
      "UPDATE job SET state = 'active', starts = starts + 1, lease = ?, lease_until = ?, next_at = ? WHERE queue = ? AND id = ?",
      lease,
      now + leaseMs,
      next === null ? null : number(next),
      queue,
      String(row.id),
    );
    return {
      queue,
      id: String(row.id),
      schedule: row.schedule === null ? null : String(row.schedule),
      payload: payloadOf(String(row.payload)),
      attemptsMax: number(row.attempts_max),
      backoff: { firstMs: number(row.backoff_first_ms), maxMs: number(row.backoff_max_ms) },
      failures: number(row.failures),
      starts: number(row.starts) + 1,
      dueAt: number(row.due_at),
      lease,
    };
  }

  renew(lease: string, until: number): void {
    this.#run('UPDATE job SET lease_until = ? WHERE lease = ?', until, lease);
  }

  /** Done, or given up as a run of a schedule: an enqueued job goes, a schedule waits for its next run. */
  finish(lease: string): void {
    this.#run('DELETE FROM job WHERE lease = ? AND schedule IS NULL', lease);
    this.#run(
      `UPDATE job SET state = 'waiting', failures = 0, starts = 0, due_at = next_at, run_at = next_at, next_at = NULL,
         lease = NULL, lease_until = NULL WHERE lease = ?`,
      lease,
    );
  }

  retry(lease: string, runAt: number): void {
    this.#run(
      "UPDATE job SET state = 'waiting', failures = failures + 1, run_at = ?, lease = NULL, lease_until = NULL WHERE lease = ?",
      runAt,
      lease,
    );
  }

  /** Back as it was, at once: the attempt was cut off, it did not fail. */
  giveBack(lease: string): void {
    this.#run(
      "UPDATE job SET state = 'waiting', starts = starts - 1, lease = NULL, lease_until = NULL WHERE lease = ?",
      lease,
    );
  }

  /** Failed jobs are kept to be looked at, the last `keepMax` of a queue. */
  fail(lease: string, queue: string, now: number, keepMax: number): void {
    this.#run(
      "UPDATE job SET state = 'failed', failures = failures + 1, run_at = ?, lease = NULL, lease_until = NULL WHERE lease = ? AND schedule IS NULL",
      now,
      lease,
    );
    this.finish(lease);
    this.#run(
      `DELETE FROM job WHERE queue = ? AND state = 'failed' AND id IN
         (SELECT id FROM job WHERE queue = ? AND state = 'failed' ORDER BY run_at DESC, id LIMIT -1 OFFSET ?)`,
      queue,
      queue,
      keepMax,
    );
  }

  /** When a job of these queues is due next. */
  nextRunAt(queues: readonly string[]): number | undefined {
    let next: number | undefined;
    for (const queue of queues) {
      const row = this.#prepare("SELECT min(run_at) AS at FROM job WHERE queue = ? AND state = 'waiting'").get(queue);
      if (typeof row?.at === 'number') next = Math.min(next ?? row.at, row.at);
    }
    return next;
  }

  unfinished(queue: string): number {
    return number(this.#prepare("SELECT count(*) AS n FROM job WHERE queue = ? AND state <> 'failed'").get(queue)?.n);
  }

  counts(queue: string, now: number): Counts {
    const counts = { waiting: 0, delayed: 0, active: 0, failed: 0 };
    const rows = this.#prepare(
      `SELECT CASE WHEN state = 'waiting' AND run_at > ? THEN 'delayed' ELSE state END AS kind, count(*) AS n
       FROM job WHERE queue = ? GROUP BY kind`,
    ).all(now, queue);
    for (const row of rows) {
      const kind = String(row.kind);
      if (kind === 'waiting' || kind === 'delayed' || kind === 'active' || kind === 'failed')
        counts[kind] = number(row.n);
    }
    return counts;
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #run(sql: string, ...values: (string | number | null)[]): { readonly changes: number } {
    try {
      return { changes: Number(this.#prepare(sql).run(...values).changes) };
    } catch (error) {
      throw unwritable(this.#folder, error);
    }
  }
}

function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 5_000 });
  try {
    database.exec('PRAGMA journal_mode = WAL');
    // A power cut may take the last moments: owners schedule and enqueue again from the log.
    database.exec('PRAGMA synchronous = NORMAL');
    const version = number(database.prepare('PRAGMA user_version').get()?.user_version);
    if (version === 0) {
      database.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
    } else if (version !== SCHEMA_VERSION)
      throw new Damage(`its format is ${version}, this program knows ${SCHEMA_VERSION}`);
    database.prepare('SELECT count(*) FROM job').get();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

class Damage extends Error {}

const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

function isDamage(error: unknown): boolean {
  if (error instanceof Damage) return true;
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return false;
  const code = error.errcode & 0xff;
  return code === SQLITE_CORRUPT || code === SQLITE_NOTADB;
}

function unwritable(folder: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('errcode' in error)) return error;
  return new JobRefused(
    'jobs_unwritable',
    `cannot write the jobs in ${join(folder, FILE)} (${error.message}): check the disk's room and the folder's rights`,
    { cause: error },
  );
}

function number(value: unknown): number {
  if (typeof value === 'number') return value;
  throw new TypeError(`expected a number from the table of jobs, got ${typeof value}`);
}

/** Written by `payloadText`; anything else in the file is not a payload and comes out empty of it. */
function payloadOf(text: string): JobPayload {
  const payload: Record<string, string | number | boolean> = {};
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== 'object' || parsed === null) return payload;
  for (const [name, value] of Object.entries(parsed)) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') payload[name] = value;
  }
  return payload;
}
