import { createEgress } from '@paceline/connector-sdk';
import type { Document, Fact, MetricDocument, SourceDocument } from '@paceline/domain';
import { decodeRecord, encodeFact, factsTopic } from '@paceline/events';
import type { Jobs } from '@paceline/jobs';
import { type MemoryLog, openMemoryLog } from '@paceline/log/memory';
import { type Clock, createMetrics, type Logger, silentLogger, systemClock } from '@paceline/runtime';
import { type Connectors, createConnectors } from './index.ts';

/** The service over a log in memory, with definitions put straight into it. */
export interface Bench {
  readonly log: MemoryLog;
  readonly connectors: Connectors;
  define(...documents: readonly Document[]): Promise<void>;
  facts(): Promise<Fact[]>;
  stop(): Promise<void>;
}

export const WORKSPACE = 'main';

export function metric(name: string, spec: MetricDocument['spec']): MetricDocument {
  return { apiVersion: 'paceline/v1', kind: 'Metric', metadata: { name }, spec };
}

export function source(name: string, spec: SourceDocument['spec']): SourceDocument {
  return { apiVersion: 'paceline/v1', kind: 'Source', metadata: { name }, spec };
}

export interface BenchOptions {
  readonly projectDir?: string;
  readonly allow?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly log?: MemoryLog;
  readonly jobs?: Jobs;
}

export async function openBench(options: BenchOptions = {}): Promise<Bench> {
  const clock = options.clock ?? systemClock;
  const log = options.log ?? openMemoryLog({ now: () => clock.now() });
  const topic = factsTopic(WORKSPACE);
  await log.ensureTopic(topic);
  const connectors = createConnectors({
    log,
    jobs: options.jobs ?? null,
    clock,
    logger: options.logger ?? silentLogger,
    metrics: createMetrics({ defaults: false }),
    projectDir: options.projectDir ?? '.',
    egress: createEgress({ allow: options.allow ?? [] }),
    env: options.env ?? {},
    workspace: WORKSPACE,
  });
  await connectors.start?.();
  let expects: number | null = null;
  let commands = 0;
  return {
    log,
    connectors,
    async define(...documents) {
      const fact = { type: 'definitions', command: `c${commands++}`, expects, put: documents, remove: [] } as const;
      const { baseOffset } = await log.append(topic, [
        encodeFact(WORKSPACE, fact, { id: fact.command, source: 'test' }),
      ]);
      expects = baseOffset * 1024;
      await connectors.caughtUp();
    },
    async facts() {
      const facts: Fact[] = [];
      for await (const records of log.read(topic, { from: 0 })) {
        for (const record of records) {
          const decoded = decodeRecord(record);
          if (!decoded.ok) throw new Error(decoded.message);
          facts.push(decoded.fact);
        }
      }
      return facts;
    },
    async stop() {
      await connectors.stop?.();
      await log.close();
    },
  };
}
