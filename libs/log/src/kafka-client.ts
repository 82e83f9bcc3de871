import type { ConnectionOptions } from 'node:tls';
import kafkajs, { type Kafka, type logLevel, type SASLOptions } from 'kafkajs';
import Cluster from 'kafkajs/src/cluster/index.js';
import { createLogger } from 'kafkajs/src/loggers/index.js';
import Connection from 'kafkajs/src/network/connection.js';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import socketFactory from 'kafkajs/src/network/socketFactory.js';
import './kafka-records.ts';
import { LogUnavailable } from './port.ts';

export interface KafkaConnection {
  /** `host:port` each. */
  readonly brokers: readonly string[];
  readonly clientId?: string;
  readonly tls?: boolean | ConnectionOptions;
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  };
  readonly connectionTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  /** What kafkajs has to say. What matters reaches the caller as an error as well. Default: nowhere. */
  readonly log?: (
    level: 'error' | 'warn' | 'info' | 'debug',
    message: string,
    fields: Readonly<Record<string, unknown>>,
  ) => void;
}

/** Gives up after about ten seconds, so that callers hear of a lost broker while they can still answer for it. */
export const RETRY = { initialRetryTime: 100, maxRetryTime: 2_000, retries: 8 } as const;
const METADATA_AGE_MS_MAX = 300_000;
const READ_COMMITTED = 1;

const LEVELS: ReadonlyMap<logLevel, 'error' | 'warn' | 'info' | 'debug'> = new Map([
  [kafkajs.logLevel.ERROR, 'error'],
  [kafkajs.logLevel.WARN, 'warn'],
  [kafkajs.logLevel.INFO, 'info'],
  [kafkajs.logLevel.DEBUG, 'debug'],
]);

export function createKafka(connection: KafkaConnection): Kafka {
  mendKafkajs();
  const { tls, sasl } = settings(connection);
  return new kafkajs.Kafka({
    brokers: [...connection.brokers],
    clientId: connection.clientId ?? 'paceline',
    ...(tls === undefined ? {} : { ssl: tls }),
    ...(sasl === undefined ? {} : { sasl }),
    connectionTimeout: connection.connectionTimeoutMs ?? 5_000,
    requestTimeout: connection.requestTimeoutMs ?? 30_000,
    retry: RETRY,
    logLevel: kafkajs.logLevel.INFO,
    logCreator: logCreator(connection),
  });
}

/** kafkajs's own cluster, which can fetch without a group; its client offers that only inside consumer groups. */
export function createCluster(connection: KafkaConnection): Cluster {
  mendKafkajs();
  const { tls, sasl } = settings(connection);
  return new Cluster({
    brokers: [...connection.brokers],
    clientId: connection.clientId ?? 'paceline',
    ssl: tls,
    sasl,
    connectionTimeout: connection.connectionTimeoutMs ?? 5_000,
    authenticationTimeout: 10_000,
    requestTimeout: connection.requestTimeoutMs ?? 30_000,
    enforceRequestTimeout: true,
    metadataMaxAge: METADATA_AGE_MS_MAX,
    retry: RETRY,
    allowAutoTopicCreation: false,
    isolationLevel: READ_COMMITTED,
    socketFactory: socketFactory(),
    logger: createLogger({ level: kafkajs.logLevel.INFO, logCreator: logCreator(connection) }),
  });
}

function settings(connection: KafkaConnection): {
  tls: boolean | ConnectionOptions | undefined;
  sasl: SASLOptions | undefined;
} {
  return { tls: connection.tls, sasl: connection.sasl === undefined ? undefined : saslOf(connection.sasl) };
}

function saslOf(sasl: NonNullable<KafkaConnection['sasl']>): SASLOptions {
  const { mechanism, username, password } = sasl;
  switch (mechanism) {
    case 'plain':
      return { mechanism, username, password };
    case 'scram-sha-256':
      return { mechanism, username, password };
    case 'scram-sha-512':
      return { mechanism, username, password };
  }
}

function logCreator({ log }: KafkaConnection) {
  return () =>
    ({ level, namespace, log: entry }: { level: logLevel; namespace: string; log: { readonly message: string } }) => {
      const name = LEVELS.get(level);
      if (name !== undefined) log?.(name, `kafkajs ${namespace}: ${entry.message}`, { ...entry });
    };
}

let mended = false;

function mendKafkajs(): void {
  if (mended) return;
  mended = true;
  quietIdleConnections();
  endSilentConnections();
  forgetHalfAnswers();
}

/** Bytes that say how long an answer is. */
const SIZE_BYTES = 4;

/**
 * A connection that broke in the middle of an answer keeps the half, and kafkajs reads the next connection's bytes as its other half: no
 * answer is understood any more. A new connection begins with nothing read.
 */
function forgetHalfAnswers(): void {
  const connect = Connection.prototype.connect;
  Connection.prototype.connect = function (this: Connection): Promise<boolean> {
    if (!this.isConnected()) {
      this.chunks = [];
      this.bytesBuffered = 0;
      this.bytesNeeded = SIZE_BYTES;
    }
    return connect.call(this);
  };
}

/**
 * When an answer does not come in time, kafkajs fails the request and keeps the connection: on one that went silent (a firewall that
 * forgot it, a peer that lost its power) every later request fails in the same way, for ever. Answers of a connection come in order, so one
 * that owes an answer for that long has none to give: it is ended, and the next request makes a new one.
 */
function endSilentConnections(): void {
  const owners = new WeakMap<RequestQueue, Connection>();
  const connect = Connection.prototype.connect;
  Connection.prototype.connect = function (this: Connection): Promise<boolean> {
    owners.set(this.requestQueue, this);
    return connect.call(this);
  };
  const create = RequestQueue.prototype.createSocketRequest;
  RequestQueue.prototype.createSocketRequest = function (this: RequestQueue, request): { timeoutHandler: () => void } {
    const created = create.call(this, request);
    const { timeoutHandler } = created;
    created.timeoutHandler = () => {
      timeoutHandler();
      owners.get(this)?.socket?.destroy(new Error('an answer did not come in time'));
    };
    return created;
  };
}

/**
 * kafkajs re-arms a timer of 1 ms for every connection that has nothing to send (issue 1751), which costs an idle process
 * several percent of a core. A check is only needed while requests wait.
 */
export function quietIdleConnections(): void {
  const schedule = RequestQueue.prototype.scheduleCheckPendingRequests;
  RequestQueue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length > 0) schedule.call(this);
  };
}

/** The broker's error name (`UNKNOWN_TOPIC_OR_PARTITION`), through the retries that may wrap it. */
export function kafkaErrorType(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('type' in at && typeof at.type === 'string') return at.type;
  }
  return undefined;
}

/** User, password or a right was refused: the same request will be refused again. */
export function isCredentialFault(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at.name === 'KafkaJSSASLAuthenticationError') return true;
  }
  return kafkaErrorType(error)?.endsWith('_AUTHORIZATION_FAILED') ?? false;
}

/** Resolves as the question does; a broker that is away is told as the port says, with what kafkajs said as its cause. */
export async function reached<T>(question: Promise<T>): Promise<T> {
  try {
    return await question;
  } catch (error) {
    if (!isKafkaFault(error) || isCredentialFault(error)) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new LogUnavailable(`Kafka does not answer: ${message}`, { cause: error });
  }
}

/** Something between us and the brokers, or at them. */
export function isKafkaFault(error: unknown): boolean {
  return error instanceof Error && error.name.startsWith('KafkaJS');
}
