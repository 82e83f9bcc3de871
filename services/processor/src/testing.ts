import { type Document, type Fact, type Position, position } from '@paceline/domain';
import { encodeFact, factsTopic } from '@paceline/events';
import type { EventLog } from '@paceline/log';
import { type MemoryDisk, type MemoryLog, memoryDisk, openMemoryLog } from '@paceline/log/memory';
import { createLogger, createMetrics, ManualClock } from '@paceline/runtime';
import type { Store } from '@paceline/store';
import type { ProcessorOptions } from './options.ts';
import { createProcessor, type Processor } from './processor.ts';

/** A log of one workspace that a test writes by hand, with a clock of its own. */
export class TestLog {
  readonly workspace: string;
  readonly disk: MemoryDisk = memoryDisk();
  readonly clock: ManualClock;
  log: MemoryLog;
  /** All facts in order, for the oracle. */
  readonly facts: { readonly fact: Fact; readonly position: Position }[] = [];
  #definitions: Position | null = null;

  constructor(workspace: string, now: string) {
    this.workspace = workspace;
    this.clock = new ManualClock(Date.parse(now));
    this.log = this.open();
  }

  get topic(): string {
    return factsTopic(this.workspace);
  }

  open(): MemoryLog {
    this.log = openMemoryLog({ disk: this.disk, now: () => this.clock.now() });
    return this.log;
  }

  at(now: string): this {
    this.clock.set(Date.parse(now));
    return this;
  }

  async append(fact: Fact): Promise<Position> {
    await this.log.ensureTopic(this.topic);
    const message = encodeFact(this.workspace, fact, { id: `fact-${this.facts.length}`, source: 'test' });
    const { baseOffset } = await this.log.append(this.topic, [message]);
    this.facts.push({ fact, position: position(baseOffset) });
    return position(baseOffset);
  }

  async define(put: readonly Document[], remove: readonly string[] = []): Promise<Position> {
    const command = `command-${this.facts.length}`;
    const at = await this.append({ type: 'definitions', command, expects: this.#definitions, put, remove });
    this.#definitions = at;
    return at;
  }

  /** One value a day, by its label. */
  async state(metric: string, values: Readonly<Record<string, string | null>>, feeder = 'push'): Promise<Position> {
    const points = Object.entries(values).map(([period, value]) => ({ period, value }));
    return this.append({ type: 'observations', metric, feeder, points });
  }
}

/** A processor over a test's log, with everything that waits running in real time. */
export function testProcessor(
  log: EventLog,
  store: Store,
  clock: ManualClock,
  options: Partial<ProcessorOptions> = {},
): Processor {
  return createProcessor({
    log,
    store,
    clock,
    logger: createLogger({ level: 'silent' }),
    metrics: createMetrics({ defaults: false }),
    edition: 1,
    options: { ticks: 'manual', ...options },
  });
}
