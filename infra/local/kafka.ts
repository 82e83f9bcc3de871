import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram, freePort, type LocalServer, NotInstalled, serverFolder, startServer } from './server.ts';

const FOLDER = import.meta.dirname;
const JARS = join(FOLDER, 'lib');
/** The broker's classes as one JVM left them: the next ones read them in and take half of the processor time to start. */
const CLASSES = join(JARS, 'kafka.jsa');
const run = promisify(execFile);

/** One Kafka broker in KRaft mode, with its data in a temporary folder. */
export interface Kafka {
  /** `host:port`, as clients want it. */
  readonly brokers: string;
  readonly port: number;
  /** Ends it at once, as a crash would; `restart` brings it back with what it had written. */
  kill(): Promise<void>;
  /** Stops it if it runs, and starts it again at the same address with the same data. */
  restart(): Promise<void>;
  /** Stops it and removes its folder. Safe to call twice. */
  stop(): Promise<void>;
}

export interface KafkaOptions {
  readonly port?: number;
  /** The port that clients are told to use: that of a proxy in front of the broker. */
  readonly advertisedPort?: number;
  /** More broker properties, or other values for those set here. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** Whether a broker can be started here, and if not what is missing. */
export function available(): { readonly ok: true } | { readonly ok: false; readonly reason: string } {
  if (findProgram('java') === undefined) {
    return { ok: false, reason: 'java is not installed; on Debian: apt-get install openjdk-17-jre-headless' };
  }
  if (hasJars() || findProgram('mvn') !== undefined) return { ok: true };
  return { ok: false, reason: "Kafka's jars are not here and mvn is not installed; on Debian: apt-get install maven" };
}

/** Downloads the broker's jars through Maven unless they are there (about 43 MB, once), and keeps their classes for quick starts. */
export async function fetchKafka(): Promise<void> {
  if (!hasJars()) {
    const maven = findProgram('mvn');
    if (maven === undefined) throw new NotInstalled('mvn', 'on Debian: apt-get install maven');
    await run(maven, ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${JARS}`], { cwd: FOLDER });
  }
  if (!existsSync(CLASSES)) await keepClasses();
}

/** Others may do the same at once: each writes a file of its own, and the last one stays. */
async function keepClasses(): Promise<void> {
  const own = `${CLASSES}.${process.pid}`;
  const broker = await startBroker({}, `-XX:ArchiveClassesAtExit=${own}`);
  await broker.stop();
  if (existsSync(own)) renameSync(own, CLASSES);
}

function hasJars(): boolean {
  return existsSync(JARS) && readdirSync(JARS).some((name) => name.startsWith('kafka_2.13-'));
}

export async function startKafka(options: KafkaOptions = {}): Promise<Kafka> {
  await fetchKafka();
  return startBroker(options, `-XX:SharedArchiveFile=${CLASSES}`);
}

async function startBroker(options: KafkaOptions, classes: string): Promise<Kafka> {
  const java = findProgram('java');
  if (java === undefined) throw new NotInstalled('java', 'on Debian: apt-get install openjdk-17-jre-headless');
  const port = options.port ?? (await freePort());
  const controllerPort = await freePort();
  const dir = serverFolder('kafka');
  const properties = join(dir, 'server.properties');
  writeFileSync(properties, propertiesText(dir, port, controllerPort, options));
  const jvm = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];
  const classPath = ['-cp', join(JARS, '*')];
  // As Kafka writes ids; one that begins with a hyphen it would take for an option.
  const id = randomBytes(16).toString('base64url').replace(/^-/, 'A');
  const format = ['kafka.tools.StorageTool', 'format', '--standalone', '-t', id, '-c', properties];
  await run(java, [`-XX:SharedArchiveFile=${CLASSES}`, ...jvm, ...classPath, ...format]);
  const start = (): Promise<LocalServer> =>
    startServer({
      name: 'kafka',
      command: [java, classes, '-Xmx384m', '-Xms128m', ...jvm, ...classPath, 'kafka.Kafka', properties],
      port,
      dir,
      readyMsMax: 60_000,
      stopMsMax: 30_000,
    });
  let server = await start();
  let stopped = false;
  return {
    brokers: `127.0.0.1:${options.advertisedPort ?? port}`,
    port,
    kill: () => server.kill(),
    restart: async () => {
      // The supervisor leaves a folder with this file in it.
      writeFileSync(join(dir, '.keep'), '');
      await server.stop();
      rmSync(join(dir, '.keep'));
      server = await start();
    },
    stop: async () => {
      if (stopped) return;
      stopped = true;
      await server.stop();
    },
  };
}

function propertiesText(dir: string, port: number, controllerPort: number, options: KafkaOptions): string {
  const properties: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${options.advertisedPort ?? port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.quorum.bootstrap.servers': `127.0.0.1:${controllerPort}`,
    'log.dirs': join(dir, 'data'),
    // One node has to be enough for every internal topic.
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    // Members of a test must not wait for others that never come.
    'group.initial.rebalance.delay.ms': '0',
    'auto.create.topics.enable': 'false',
    // One that was killed is let in again once its own session is over.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    ...options.properties,
  };
  return `${Object.entries(properties)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`;
}
