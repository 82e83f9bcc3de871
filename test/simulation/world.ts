import type { Document, Fact, Position } from '@paceline/domain';
import { ALERTS_TOPIC, encodeFact, factsTopic } from '@paceline/events';
import type { LogRecord } from '@paceline/log';
import { type MemoryDisk, type MemoryLog, memoryDisk, openMemoryLog } from '@paceline/log/memory';
import { ManualClock } from '@paceline/runtime';
import { type EngineDisk, engineDisk, openMemoryStore } from '@paceline/store/memory/index';
import { seeded } from '../support/random.ts';
import { DAY_MS, firstDefinitions, kpi, metricOf, START, source } from './definitions.ts';
import { Life } from './life.ts';
import type { Mutant } from './mutants.ts';
import type { LogTap } from './process-log.ts';
import type { WireTap } from './process-wire.ts';
import {
  type CatalogProcess,
  type FeederProcess,
  type ProcessorProcess,
  startCatalog,
  startFeeder,
  startProcessor,
} from './processes.ts';
import {
  PROCESSES,
  PROCESSORS,
  type ProcessName,
  type ProcessorName,
  type Schedule,
  type Step,
  WORKSPACES,
  type WorkspaceName,
} from './schedule.ts';
import { turn } from './turn.ts';

/** A statement whose sender was told that it is in the log. */
export interface Accepted {
  readonly workspace: string;
  readonly metric: string;
  readonly value: string;
  /** `null`: the answer never came, so it is there once or not at all. */
  readonly position: Position | null;
}

const GROUP = 'processor';
const GRACE_MS = 800;
const REDELIVERED = 0.05;
const SNAPSHOT_BATCH_MAX = 50;

/** Everything that outlives processes, and the processes. */
export class World {
  readonly clock = new ManualClock(START, { turn });
  readonly disk: EngineDisk;
  readonly accepted: Accepted[] = [];
  readonly logTaps: readonly LogTap[];
  readonly wireTap: WireTap;
  readonly faults: string[] = [];
  readonly #logDisk: MemoryDisk = memoryDisk();
  readonly #schedule: Schedule;
  readonly #random: () => number;
  readonly #tables = new Map<
    string,
    Map<string, { readonly day: string; readonly region: string; readonly value: string }>
  >();
  readonly #processors = new Map<ProcessorName, ProcessorProcess>();
  readonly #catalogs = new Map<string, CatalogProcess>();
  readonly #feeders = new Map<string, FeederProcess>();
  /** All that ever ran. */
  readonly #everyFeeder: FeederProcess[] = [];
  readonly #skews = new Map<string, number>();
  #log: MemoryLog;
  #calm = false;
  #commands = 0;

  constructor(schedule: Schedule, mutant: Mutant | null, watch: LogTap) {
    this.#schedule = schedule;
    this.#random = seeded(schedule.seed ^ 0x5eed);
    this.disk = engineDisk();
    this.logTaps = [watch];
    this.wireTap = mutant?.wire ?? {};
    this.#log = this.#openLog();
  }

  get log(): MemoryLog {
    return this.#log;
  }

  records(workspace: WorkspaceName): readonly LogRecord[] {
    return this.#logDisk.topics.get(factsTopic(workspace)) ?? [];
  }

  alertRecords(): readonly LogRecord[] {
    return this.#logDisk.topics.get(ALERTS_TOPIC) ?? [];
  }

  deadLetters(): readonly LogRecord[] {
    return this.#logDisk.topics.get('deadletter') ?? [];
  }

  rowsOf(connector: string): readonly Readonly<Record<string, string>>[] {
    return [...(this.#tables.get(connector)?.values() ?? [])].map((row) => ({ ...row }));
  }

  processorOf(name: ProcessorName): ProcessorProcess | undefined {
    return this.#processors.get(name);
  }

  /** Rows of the raw table, as the invariants compare them. */
  observations(workspace: string): { readonly pos: number; readonly text: string }[] {
    return this.#table('observation', workspace).map((row) => {
      const [, metric, series, period, at, id, pos, recordedAt, readAt, revision, feeder, value] = row;
      const instants = { at: Number(at) / 1000, recordedAt: Number(recordedAt) / 1000, readAt: Number(readAt) / 1000 };
      const said = typeof value === 'bigint' ? String(value) : null;
      return {
        pos: Number(pos),
        text: JSON.stringify([
          metric,
          series,
          period,
          instants.at,
          id,
          instants.recordedAt,
          instants.readAt,
          revision,
          feeder,
          said,
        ]),
      };
    });
  }

  /** Every status that was ever written and not a removal. */
  statuses(workspace: string): { readonly subject: string; readonly position: Position; readonly text: string }[] {
    return this.#table('status', workspace).flatMap((row) => {
      const [, subject, position, , , removed] = row;
      return removed === true
        ? []
        : [{ subject: String(subject), position: Number(position), text: String(row.at(-1)) }];
    });
  }

  transitionIds(): string[] {
    return WORKSPACES.flatMap((workspace) => this.#table('alert', workspace).map((row) => String(row[4])));
  }

  counts(): Readonly<Record<string, number>> {
    const rows = (table: string): number =>
      WORKSPACES.reduce((sum, workspace) => sum + this.#table(table, workspace).length, 0);
    return {
      records: WORKSPACES.reduce((sum, workspace) => sum + this.records(workspace).length, 0),
      rows: rows('observation'),
      judgements: rows('judgement'),
      transitions: rows('alert'),
      rollups: rows('rollup'),
      covered: rows('covered'),
      accepted: this.accepted.filter(({ position }) => position !== null).length,
    };
  }

  #table(table: string, workspace: string) {
    return this.disk.databases.get('paceline')?.get(table)?.get(workspace) ?? [];
  }

  /** Tables and topics are there, all processes run, and every workspace has its first definitions. */
  async begin(): Promise<void> {
    await openMemoryStore(this.disk).migrate();
    for (const workspace of WORKSPACES) await this.log.ensureTopic(factsTopic(workspace));
    for (const name of PROCESSES) this.#start(name);
    await this.clock.advance(500);
    for (const workspace of WORKSPACES) {
      const documents = firstDefinitions(workspace, this.#schedule.variants[workspace]);
      this.#apply('catalog1', workspace, documents, []);
    }
    await this.clock.advance(5_000);
  }

  async perform(step: Step): Promise<void> {
    await this.clock.advanceTo(Math.max(this.clock.now(), START + step.at));
    this.#perform(step);
  }

  /** Trouble is over: what is dead starts, what sleeps wakes, and nothing fails any more. */
  async heal(): Promise<void> {
    this.#calm = true;
    for (const name of PROCESSES) {
      const life = this.#lifeOf(name);
      if (life === undefined) continue;
      life.ambushes.length = 0;
      life.dieAfter(Number.POSITIVE_INFINITY);
      life.slow = { until: 0, factor: 1 };
      life.pausedUntil = 0;
    }
    await this.clock.advance(60_000);
    for (const name of PROCESSES) if (this.#lifeOf(name)?.isDead !== false) this.#start(name);
    await this.clock.advance(60_000);
  }

  /** The program holds on to signals that somebody listens to, and by them to the whole world: thousands of seeds would not fit. */
  end(): void {
    for (const name of PROCESSES) this.#lifeOf(name)?.die();
    for (const feeder of this.#everyFeeder) feeder.end();
  }

  #perform(step: Step): void {
    switch (step.do) {
      case 'push':
        this.#push(step);
        break;
      case 'cover':
        this.#cover(step);
        break;
      case 'change':
        this.#change(step);
        break;
      case 'pull':
        this.#quietly(this.#feeders.get(step.by)?.pull(step.workspace, step.source, step.slowMs));
        break;
      case 'define':
        this.#define(step);
        break;
      case 'tick':
        this.#appendFact(step.workspace, { type: 'tick', edition: 1 });
        break;
      case 'poison':
        this.#poison(step.workspace);
        break;
      case 'crash':
        this.#crash(step.process, step.hops, step.downMs);
        break;
      case 'restart':
        this.#restart(step.process, step.downMs);
        break;
      case 'sleep':
        this.#sleep(step);
        break;
      case 'revoke':
        this.#quietly(this.log.revoke(GROUP, factsTopic(step.workspace)));
        break;
      case 'slow': {
        const life = this.#lifeOf(step.process);
        if (life !== undefined) life.slow = { until: this.clock.now() + step.forMs, factor: step.factor };
        break;
      }
      case 'fault':
        this.#lifeOf(step.process)?.ambushes.push({ ...step.ambush });
        break;
      case 'clock': {
        this.#skews.set(step.of, (this.#skews.get(step.of) ?? 0) + step.byMs);
        const life = step.of === 'log' ? undefined : this.#lifeOf(step.of);
        if (life !== undefined) life.skewMs = this.#skews.get(step.of) ?? 0;
        break;
      }
      case 'power':
        this.#power(step.downMs);
        break;
    }
  }

  #push(step: Extract<Step, { do: 'push' }>): void {
    const { workspace, metric, points } = step;
    const lines = points.map(({ day, value, hour, id, region, revision }) => {
      const label = dayText(day);
      if (metric === 'ping') {
        const time = new Date(START + day * DAY_MS + hour * 3_600_000).toISOString();
        return { metric, time, id: `p${id}`, value };
      }
      const dimensions = metric === 'level' ? { dimensions: { region } } : {};
      return { metric, period: label, value, ...dimensions, ...(metric === 'orders' ? { revision } : {}) };
    });
    const feeder = this.#feeders.get(step.by);
    if (feeder === undefined || feeder.life.isDead) return;
    const noted = lines.flatMap(({ value }) =>
      value === null ? [] : [this.accepted.push({ workspace, metric, value, position: null }) - 1],
    );
    this.#quietly(
      feeder.push(workspace, lines).then((position) => {
        for (const at of noted) {
          const known = this.accepted[at];
          if (known !== undefined) this.accepted[at] = { ...known, position };
        }
      }),
    );
  }

  #cover({ workspace, by, metric, day }: Extract<Step, { do: 'cover' }>): void {
    const feeder = this.#feeders.get(by);
    if (feeder === undefined || feeder.life.isDead) return;
    this.#quietly(feeder.cover(workspace, metric, START + day * DAY_MS));
  }

  #change({ workspace, source: name, day, region, value }: Extract<Step, { do: 'change' }>): void {
    const key = `rows-${workspace}-${name}`;
    const table = this.#tables.get(key) ?? new Map();
    this.#tables.set(key, table);
    if (value === null) table.delete(`${day} ${region}`);
    else table.set(`${day} ${region}`, { day: dayText(day), region, value });
  }

  #define({ workspace, by, what }: Extract<Step, { do: 'define' }>): void {
    const authors = by === 'both' ? ['catalog1', 'catalog2'] : [by];
    for (const [index, author] of authors.entries()) {
      switch (what.kind) {
        case 'target':
          this.#apply(author, workspace, [kpi('sold', 'sales', what.period, what.target + index)], []);
          break;
        case 'zone':
          this.#apply(author, workspace, [metricOf('sales', what.variant + index)], []);
          break;
        case 'source':
          if (what.removed) this.#apply(author, workspace, [], [`source/${what.source}`]);
          else this.#apply(author, workspace, [source(workspace, what.source)], []);
      }
    }
  }

  #apply(author: string, workspace: string, given: readonly Document[], removed: readonly string[]): void {
    this.#quietly(this.#catalogs.get(author)?.apply(workspace, `command-${this.#commands++}`, given, removed));
  }

  #appendFact(workspace: WorkspaceName, fact: Fact): void {
    const message = encodeFact(workspace, fact, { id: `stray-${this.clock.now()}`, source: 'simulation' });
    this.#quietly(this.log.append(factsTopic(workspace), [message]));
  }

  #poison(workspace: WorkspaceName): void {
    const value = new TextEncoder().encode(`{"poison": ${this.clock.now()}`);
    this.#quietly(this.log.append(factsTopic(workspace), [{ key: null, value, headers: { 'ce-type': 'nonsense' } }]));
  }

  #crash(name: ProcessName, hops: number, downMs: number): void {
    const life = this.#lifeOf(name);
    if (life === undefined || life.isDead) return;
    life.died.push(() => this.#startLater(name, life, downMs));
    life.dieAfter(hops);
  }

  #startLater(name: ProcessName, of: Life, downMs: number): void {
    this.clock.after(downMs, () => {
      if (this.#lifeOf(name) === of) this.#start(name);
    });
  }

  #restart(name: ProcessorName, downMs: number): void {
    const running = this.#processors.get(name);
    if (running === undefined || running.life.isDead) return;
    const { life, processor } = running;
    const stopped = processor.stop?.() ?? Promise.resolve();
    this.#quietly(
      stopped.then(() => {
        life.died.push(() => this.#startLater(name, life, downMs));
        life.die();
      }),
    );
  }

  #sleep({ process, forMs, lapses }: Extract<Step, { do: 'sleep' }>): void {
    const life = this.#lifeOf(process);
    if (life === undefined || life.isDead) return;
    life.pausedUntil = this.clock.now() + forMs;
    const running = PROCESSORS.find((name) => name === process);
    const log = running === undefined ? undefined : this.#processors.get(running)?.log;
    if (lapses && log !== undefined) this.#quietly(log.lapse());
  }

  /** The machine that everything runs on loses power; what was acknowledged is on its disks. */
  #power(downMs: number): void {
    for (const name of PROCESSES) this.#lifeOf(name)?.die();
    this.#log.crash();
    this.#log = this.#openLog();
    for (const name of PROCESSES) {
      const life = this.#lifeOf(name);
      if (life !== undefined) this.#startLater(name, life, downMs);
    }
  }

  #start(name: ProcessName): void {
    const life = new Life(name, this.clock, this.#random);
    life.skewMs = this.#skews.get(name) ?? 0;
    const processor = PROCESSORS.find((known) => known === name);
    if (processor !== undefined) this.#processors.set(processor, startProcessor(this, life));
    else if (name.startsWith('catalog')) this.#catalogs.set(name, startCatalog(this, life));
    else {
      const feeder = startFeeder(this, life);
      this.#feeders.set(name, feeder);
      this.#everyFeeder.push(feeder);
    }
  }

  #lifeOf(name: ProcessName): Life | undefined {
    const processor = PROCESSORS.find((known) => known === name);
    if (processor !== undefined) return this.#processors.get(processor)?.life;
    return this.#catalogs.get(name)?.life ?? this.#feeders.get(name)?.life;
  }

  #openLog(): MemoryLog {
    return openMemoryLog({
      disk: this.#logDisk,
      turn,
      now: () => this.clock.now() + (this.#skews.get('log') ?? 0),
      graceMs: GRACE_MS,
      batchRecordsMax: SNAPSHOT_BATCH_MAX,
      sleep: (ms, signal) => sleepOn(this.clock, ms, signal),
      faults: {
        cut: (_topic, available) => (this.#calm ? available : 1 + Math.floor(this.#random() * available)),
        redeliver: (_topic, committed, next) =>
          !this.#calm && this.#random() < REDELIVERED
            ? committed + Math.floor(this.#random() * (next - committed + 1))
            : next,
      },
    });
  }

  /** What a caller would be told, nobody is here to hear; that things came right is looked at in the end. */
  #quietly(work: Promise<unknown> | undefined): void {
    work?.catch(() => undefined);
  }
}

function sleepOn(clock: ManualClock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const over = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', over);
      resolve();
    };
    const timer = clock.after(ms, over);
    signal?.addEventListener('abort', over, { once: true });
  });
}

function dayText(day: number): string {
  return new Date(START + day * DAY_MS).toISOString().slice(0, 10);
}
