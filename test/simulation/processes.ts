import { Workspaces as Catalogs, Commands } from '@paceline/catalog';
import { type Connector, createEgress, defineConnector } from '@paceline/connector-sdk';
import { factsWriter } from '@paceline/connectors/facts-sink';
import { acceptPush } from '@paceline/connectors/push/accept';
import { Runs } from '@paceline/connectors/runs';
import { createWorkbench } from '@paceline/connectors/workbench';
import { Workspaces } from '@paceline/connectors/workspaces';
import type { Document, Instant, Position } from '@paceline/domain';
import { factsTopic } from '@paceline/events';
import { lagGate } from '@paceline/log/lag';
import { createProcessor, type Processor } from '@paceline/processor';
import { createMetrics, PacelineError, silentLogger } from '@paceline/runtime';
import { openMemoryStore } from '@paceline/store/memory/index';
import { z } from 'zod';
import { type Life, LifeClock } from './life.ts';
import { ProcessLog } from './process-log.ts';
import { processWire } from './process-wire.ts';
import type { World } from './world.ts';

const metrics = createMetrics({ defaults: false });
const logger = silentLogger;
const egress = createEgress();

export interface ProcessorProcess {
  readonly life: Life;
  readonly log: ProcessLog;
  readonly processor: Processor;
}

/** Starts a processor over its own way to the log and the engine. */
export function startProcessor(world: World, life: Life): ProcessorProcess {
  const clock = new LifeClock(life);
  const log = new ProcessLog(world.log, life, world.logTaps);
  const store = openMemoryStore(world.disk, {
    wrap: (wire) => processWire(wire, life, world.wireTap),
    sleep: (ms) => clock.wait(ms),
  });
  const options = { ticks: 'scheduled', spanPointsMax: 8, snapshotRecords: 20, statusIdleMs: 300 } as const;
  // Made once for all of them, before the world began.
  const migrated = Object.assign(store, { migrate: async () => ({ from: 0, to: 0 }) });
  const deps = { log, store: migrated, clock, logger, metrics, edition: 1, options };
  const processor = createProcessor(deps);
  void processor.start?.();
  return { life, log, processor };
}

export interface CatalogProcess {
  readonly life: Life;
  apply(workspace: string, command: string, given: readonly Document[], prune: readonly string[]): Promise<void>;
}

export function startCatalog(world: World, life: Life): CatalogProcess {
  const clock = new LifeClock(life);
  const log = new ProcessLog(world.log, life, world.logTaps);
  const workspaces = new Catalogs({ log, clock, logger, sleep: (ms, signal) => clock.wait(ms, signal) });
  const commands = new Commands(workspaces, clock);
  return {
    life,
    async apply(name, command, given, removed) {
      const workspace = await workspaces.current(name, { create: true });
      const kept = [...workspace.fold.documents].flatMap(([id, { document }]) =>
        removed.includes(id) ? [] : [document],
      );
      const all = removed.length === 0 ? given : [...kept, ...given];
      await commands.apply(workspace, {
        command,
        given: all.map((document) => ({ document })),
        prune: removed.length > 0,
      });
    },
  };
}

export interface FeederProcess {
  readonly life: Life;
  pull(workspace: string, source: string, slowMs: number): Promise<void>;
  /** The position of the last statement; `null` when none was taken. */
  push(workspace: string, lines: readonly unknown[]): Promise<Position | null>;
  /** States that whoever pushes the metric has pushed all of it up to then, from wherever the last such statement ended. */
  cover(workspace: string, metric: string, to: Instant): Promise<void>;
  /** Lets go of what it waits for, when nobody looks any more. */
  end(): void;
}

/** The connectors service without its schedule and its HTTP: what it reads, what it says, and how that reaches the log. */
export function startFeeder(world: World, life: Life): FeederProcess {
  const clock = new LifeClock(life);
  const log = new ProcessLog(world.log, life, world.logTaps);
  const gate = lagGate({ log, group: 'processor', now: () => clock.now() });
  const writer = factsWriter(log, gate);
  const slow = new Map<string, number>();
  const load = async (id: string): Promise<Connector> => rowsOf(world, life, id, slow.get(id) ?? 0);
  const workbench = createWorkbench({ projectDir: '.', egress, env: {}, clock, logger, load });
  const runs = new Runs({ workbench, writer, gate, clock, logger, metrics });
  const workspaces = new Workspaces({
    log,
    logger,
    changed: () => undefined,
    sleep: (ms, signal) => clock.wait(ms, signal),
  });
  async function workspaceOf(name: string) {
    const ready = workspaces.all.find((known) => known.name === name);
    if (ready === undefined) await workspaces.look();
    const found = workspaces.all.find((known) => known.name === name);
    if (found === undefined) throw new PacelineError('unknown_workspace', `there is no workspace ${name}`);
    await found.opened;
    await found.follower.caughtUp();
    return found;
  }
  return {
    life,
    async pull(name, source, slowMs) {
      const workspace = await workspaceOf(name);
      slow.set(`rows-${name}-${source}`, slowMs);
      await runs.runOnce(workspace, source);
    },
    async push(name, lines) {
      const workspace = await workspaceOf(name);
      const judged = acceptPush(
        lines.map((line) => ({ ok: true, line })),
        workspace.fold.catalog,
        clock.now(),
        false,
      );
      if (judged.facts.length === 0) return null;
      return writer.append(name, factsTopic(name), judged.facts, 'push');
    },
    async cover(name, metric, to) {
      await writer.append(name, factsTopic(name), [{ type: 'covered', metric, feeder: 'push', to }], 'push');
    },
    end() {
      void workspaces.stop();
      void runs.stop();
    },
  };
}

const CONFIG = z.strictObject({});

/** A table that changes under its readers: a reader sees it as it was when it began, however long it takes. */
function rowsOf(world: World, life: Life, id: string, slowMs: number): Connector {
  return defineConnector({
    spec: {
      id,
      version: '1.0.0',
      title: 'Rows of the simulation',
      config: CONFIG,
      state: CONFIG,
      stateVersion: 1,
      modes: ['window'],
      extent: () => 'window',
      egress: () => [],
    },
    async *check() {
      yield { stage: 'sample', ok: true, message: 'rows' };
    },
    async *read() {
      await life.hop('source');
      const rows = world.rowsOf(id);
      if (slowMs > 0) await new LifeClock(life).sleep(slowMs);
      for (const [at, row] of rows.entries()) {
        if (at % 4 === 0) await life.hop('source');
        yield { row, at: `row ${at}` };
      }
    },
  });
}
