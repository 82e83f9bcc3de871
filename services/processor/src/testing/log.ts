import { type Document, type Fact, type Position, position, type WorkspaceDefaults } from '@paceline/domain';
import { encodeFact, factsTopic } from '@paceline/events';
import type { EventLog } from '@paceline/log';
import { type MemoryDisk, type MemoryLog, memoryDisk, openMemoryLog } from '@paceline/log/memory';
import { createMetrics, silentLogger, systemClock } from '@paceline/runtime';
import type { Store } from '@paceline/store';
import type { ProcessorDeps, ProcessorOptions } from '../options.ts';
import { createProcessor, type Processor } from '../processor.ts';

/** A log of one workspace that a test writes by hand, with a clock of its own. */
export class TestLog {
  readonly workspace: string;
  readonly disk: MemoryDisk = memoryDisk();
  now: number;
  log: MemoryLog;
  /** All facts in order, for the oracle. */
  readonly facts: { readonly fact: Fact; readonly position: Position }[] = [];
  #definitions: Position | null = null;

  constructor(workspace: string, now: string) {
    this.workspace = workspace;
    this.now = Date.parse(now);
    this.log = this.open();
  }

  get topic(): string {
    return factsTopic(this.workspace);
  }

  open(): MemoryLog {
    this.log = openMemoryLog({ disk: this.disk, now: () => this.now });
    return this.log;
  }

  at(now: string): this {
    this.now = Date.parse(now);
    return this;
  }

  async append(fact: Fact): Promise<Position> {
    await this.log.ensureTopic(this.topic);
    const message = encodeFact(this.workspace, fact, { id: `fact-${this.facts.length}`, source: 'test' });
    const { baseOffset } = await this.log.append(this.topic, [message]);
    this.facts.push({ fact, position: position(baseOffset) });
    return position(baseOffset);
  }

  async define(
    put: readonly Document[],
    remove: readonly string[] = [],
    defaults?: WorkspaceDefaults,
  ): Promise<Position> {
    const command = `command-${this.facts.length}`;
    const changed = defaults === undefined ? {} : { defaults };
    const at = await this.append({ type: 'definitions', command, expects: this.#definitions, put, remove, ...changed });
    this.#definitions = at;
    return at;
  }

  /** One value a day, by its label. */
  async state(metric: string, values: Readonly<Record<string, string | null>>, feeder = 'push'): Promise<Position> {
    const points = Object.entries(values).map(([period, value]) => ({ period, value }));
    return this.append({ type: 'observations', metric, feeder, points });
  }
}

/** A processor over a test's log. Its own timers run in real time; what counts is the log's. */
export function testProcessor(log: EventLog, store: Store, options: Partial<ProcessorOptions> = {}): Processor {
  return createProcessor(testDeps(log, store, options));
}

export function testDeps(log: EventLog, store: Store, options: Partial<ProcessorOptions> = {}): ProcessorDeps {
  return {
    log,
    store,
    clock: systemClock,
    logger: silentLogger,
    metrics: createMetrics({ defaults: false }),
    edition: 1,
    options: { ticks: 'manual', statusIdleMs: 1, statusBusyMs: 20, ...options },
  };
}
