import { backoffMs } from './backoff.ts';
import { type Clock, systemClock } from './clock.ts';
import { type ClickHouseAddress, type Config, type KafkaAddress, type RedisAddress, requireConfig } from './config.ts';
import { describeError, isErrorCode, PacelineError } from './errors.ts';
import { createHttp, type HttpServer, httpOptionsOf, httpService, type Routes } from './http.ts';
import { createFront } from './http-front.ts';
import { KeyRing } from './keys/ring.ts';
import { createLifecycle, type PartHealth, type Service, type SystemHealth, stopOnSignals } from './lifecycle.ts';
import { createLogger, type Logger } from './logger.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { type AnyNeed, isAway, type Need, type Opened, Probe } from './need.ts';

/** Where the servers are that separate services run on. */
export type ClusterConfig = Config & {
  readonly kafka: KafkaAddress;
  readonly clickhouse: ClickHouseAddress;
  readonly redis: RedisAddress;
};

export interface ProcessContext {
  readonly config: ClusterConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Of the server: for what answers beside its HTTP. */
  readonly keys: KeyRing;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Opens one server that the service needs. `name` is the part that health names. */
export type Open = <Part extends { close(): Promise<void> }>(name: string, need: Need<Part>) => Promise<Part>;

export interface Composed {
  readonly service: Service;
  readonly routes: readonly Routes[];
}

/** Opens adapters one after the other and makes the service on them; called anew until all of it, and its start, succeeds. */
export type Compose = (open: Open, context: ProcessContext) => Promise<Composed>;

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

const FIRST_RETRY_MS = 250;
const RETRY_MS_MAX = 5_000;
const CLOSE_MS = 1_000;

/**
 * Runs a service until a signal stops it. It listens at once, so that whoever watches it hears which of its servers it waits for;
 * what it needs is opened with backoff; what waiting cannot cure (credentials, a topic in another shape, newer tables) ends it with
 * exit code 1 and the remedy on standard error.
 */
export async function runProcess(name: string, compose: Compose, options: ProcessOptions = {}): Promise<void> {
  try {
    await run(name, compose, options);
  } catch (error) {
    const remedy = error instanceof PacelineError ? `\n  ${error.remedy}` : '';
    process.stderr.write(`${name}: ${describeError(error)}${remedy}\n`);
    process.exitCode = 1;
  }
}

async function run(name: string, compose: Compose, options: ProcessOptions): Promise<void> {
  const env = options.env ?? process.env;
  const clock = options.clock ?? systemClock;
  const config = clusterConfig(name, requireConfig({ dir: env.PACELINE_DIR ?? process.cwd(), env }));
  const logger = createLogger({
    level: config.log.level,
    format: config.log.format,
    bindings: { service: name },
  });
  const lifecycle = createLifecycle({ logger, clock: systemClock, stopDeadlineMs: config.limits.stopMs });
  const keys = new KeyRing({ file: config.keysFile, usedFile: null, logger });
  const runner = new Runner(name, compose, { config, clock, logger, keys, env });
  const front = createFront({
    title: `Paceline ${name}`,
    health: () => healthOf(lifecycle.health(), runner),
    inner: () => runner.app,
    isKeyed: () => keys.keyed,
  });
  const http = httpService(front, { host: config.http.host, port: config.http.port, clock: systemClock });
  lifecycle.add('runner', { stop: () => runner.stop() });
  lifecycle.add('http', http);
  runner.health = () => healthOf(lifecycle.health(), runner);
  stopOnSignals(lifecycle);
  await lifecycle.start();
  logger.info({ url: http.url }, `${name} listens`);
  try {
    if (await runner.start()) logger.info({ url: http.url }, `${name} runs`);
  } catch (error) {
    await lifecycle.stop(`${name} cannot run`);
    throw error;
  }
}

function clusterConfig(name: string, config: Config): ClusterConfig {
  const { kafka, clickhouse, redis } = config;
  if (kafka !== null && clickhouse !== null && redis !== null) return { ...config, kafka, clickhouse, redis };
  throw new PacelineError(
    'incomplete_addresses',
    `${name} as a process of its own runs on Kafka, ClickHouse and Redis: set PACELINE_KAFKA_BROKERS, PACELINE_CLICKHOUSE_URL and PACELINE_REDIS_URL, or run everything in one process with paceline serve`,
  );
}

/** The process's own parts, with what the runner says in place of itself. */
function healthOf(own: SystemHealth, runner: { readonly parts: readonly PartHealth[] }): SystemHealth {
  const parts = [...own.parts.filter(({ part }) => part !== 'runner'), ...runner.parts];
  return {
    live: parts.every(({ live }) => live),
    ready: parts.every(({ ready }) => ready),
    parts,
  };
}

interface Running {
  readonly opened: readonly Opened[];
  readonly service: Service;
  readonly app: HttpServer;
}

/** Makes and starts the service, again and again until every server it needs is there. */
class Runner {
  /** Of the whole process, for the service's own server. */
  health: () => SystemHealth = () => ({ live: true, ready: false, parts: [] });
  readonly #name: string;
  readonly #compose: Compose;
  readonly #context: Omit<ProcessContext, 'metrics'>;
  readonly #stopping = new AbortController();
  #waiting: { readonly part: string; readonly what: string; readonly detail: string };
  #running: Running | null = null;
  #probes: readonly Probe[] = [];
  #starting: Promise<boolean> | null = null;

  constructor(name: string, compose: Compose, context: Omit<ProcessContext, 'metrics'>) {
    this.#name = name;
    this.#compose = compose;
    this.#context = context;
    this.#waiting = { part: name, what: name, detail: 'starting' };
  }

  get app(): HttpServer | null {
    return this.#running?.app ?? null;
  }

  get parts(): readonly PartHealth[] {
    const { part, detail } = this.#waiting;
    if (this.#running === null) return [{ part, live: true, ready: false, detail }];
    const service = this.#running.service.health();
    return [{ part: this.#name, ...service }, ...this.#probes.map((probe) => probe.health)];
  }

  /** Resolves once the service runs: `false` when it was stopped before. Rejects with what waiting cannot cure. */
  start(): Promise<boolean> {
    this.#starting ??= this.#startUntilThere();
    return this.#starting;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    // Its failure was told to whoever started it.
    await this.#starting?.catch(() => false);
    for (const probe of this.#probes) probe.stop();
    const running = this.#running;
    this.#running = null;
    if (running !== null) await close(running);
  }

  async #startUntilThere(): Promise<boolean> {
    const { signal } = this.#stopping;
    for (let attempt = 1; !signal.aborted; attempt++) {
      const opened: Opened[] = [];
      const asked: AnyNeed[] = [];
      try {
        this.#running = await this.#attempt(opened, asked);
        this.#probes = opened.map((one) => new Probe(one));
        return true;
      } catch (error) {
        if (signal.aborted) break;
        const refusing = asked.findLast((need) => need.judge(error) === 'refused');
        if (refusing !== undefined) throw refusal(refusing.what, error);
        if (!isAway(error, asked) && !isPassing(error)) throw error;
        await this.#waitAfter(error, attempt, asked.findLast((need) => need.judge(error) === 'away')?.what);
      }
    }
    return false;
  }

  async #waitAfter(error: unknown, attempt: number, away: string | undefined): Promise<void> {
    const { part } = this.#waiting;
    const what = away ?? this.#waiting.what;
    const delayMs = backoffMs(attempt, { firstMs: FIRST_RETRY_MS, maxMs: RETRY_MS_MAX });
    this.#waiting = { part, what, detail: `${what}: ${describeError(error)}` };
    this.#context.logger.warn({ part, err: error, delayMs }, `${this.#name} waits for ${what}`);
    await systemClock.sleep(delayMs, this.#stopping.signal).catch(() => undefined);
  }

  async #attempt(opened: Opened[], asked: AnyNeed[]): Promise<Running> {
    const context = { ...this.#context, metrics: createMetrics() };
    let service: Service | null = null;
    let app: HttpServer | null = null;
    const open: Open = async (name, need) => {
      this.#waitFor(name, need.what);
      asked.push(need);
      const part = await need.open();
      opened.push({ name, what: need.what, probe: () => need.probe(part), close: () => part.close() });
      return part;
    };
    try {
      const composed = await this.#compose(open, context);
      service = composed.service;
      app = await this.#serve(composed.routes, context);
      this.#waitFor(this.#name, this.#name);
      await service.start();
      return { opened, service, app };
    } catch (error) {
      await close({ opened, service, app });
      throw error;
    }
  }

  async #serve(routes: readonly Routes[], { config, keys, logger, metrics }: ProcessContext): Promise<HttpServer> {
    const app = await createHttp({
      ...httpOptionsOf(config, keys),
      logger,
      metrics,
      health: () => this.health(),
      title: `Paceline ${this.#name}`,
      version: '1',
    });
    for (const each of routes) await app.register(each);
    await app.ready();
    return app;
  }

  /** What failed is told until something else is waited for. */
  #waitFor(part: string, what: string): void {
    if (this.#waiting.part !== part) this.#waiting = { part, what, detail: `${what}: starting` };
  }
}

/** Names the server, under the error's own code where the table knows it. */
function refusal(what: string, error: unknown): PacelineError {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const known = isErrorCode(code) ? code : 'server_refused';
  return new PacelineError(known, `${what} refuses: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error instanceof Error ? error.cause : undefined,
  });
}

/** A refusal that says itself that trying again makes sense, such as definitions that are still being read. */
function isPassing(error: unknown): boolean {
  return error instanceof PacelineError && error.status === 503;
}

/** Everything is given the chance to end, whatever becomes of the rest; the first failure is thrown. */
async function close(running: {
  readonly opened: readonly Opened[];
  readonly service: Service | null;
  readonly app: HttpServer | null;
}): Promise<void> {
  const steps = [
    async () => running.app?.close(),
    async () => running.service?.stop(),
    ...running.opened.toReversed().map((part) => () => within(part.close(), CLOSE_MS)),
  ];
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** A server that is away cannot be told goodbye: its connections are left to themselves. */
async function within(closing: Promise<void>, ms: number): Promise<void> {
  const late = new AbortController();
  await Promise.race([closing.finally(() => late.abort()), systemClock.sleep(ms, late.signal).catch(() => undefined)]);
}
