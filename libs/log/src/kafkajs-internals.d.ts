/**
 * The parts of kafkajs 2.2.4 that it does not export but that reading without a group needs: its cluster and broker
 * classes. The version is pinned exactly; `kafka-client.ts` is the only importer.
 */
declare module 'kafkajs/src/cluster/index.js' {
  /** Of a format before Kafka 0.11, which knew no headers. */
  export interface OldMessage {
    readonly offset: string;
    readonly timestamp: string;
    readonly key: Buffer | null;
    readonly value: Buffer | null;
  }
  export type FetchedMessages = readonly import('./kafka-records.ts').KafkaRecord[] | readonly OldMessage[];
  export interface FetchedPartition {
    readonly partition: number;
    readonly highWatermark: string;
    readonly messages: FetchedMessages;
  }
  export interface FetchResponse {
    readonly responses: readonly { readonly topicName: string; readonly partitions: readonly FetchedPartition[] }[];
  }
  export interface BrokerConnection {
    fetch(request: {
      readonly isolationLevel: number;
      readonly maxWaitTime: number;
      readonly minBytes: number;
      readonly maxBytes: number;
      readonly topics: readonly {
        readonly topic: string;
        readonly partitions: readonly {
          readonly partition: number;
          readonly fetchOffset: string;
          readonly maxBytes: number;
        }[];
      }[];
    }): Promise<FetchResponse>;
  }
  export interface ClusterOptions {
    readonly logger: unknown;
    readonly socketFactory: unknown;
    readonly brokers: readonly string[];
    readonly clientId: string;
    readonly ssl: unknown;
    readonly sasl: unknown;
    readonly connectionTimeout: number;
    readonly authenticationTimeout: number;
    readonly requestTimeout: number;
    readonly enforceRequestTimeout: boolean;
    readonly metadataMaxAge: number;
    readonly retry: unknown;
    readonly allowAutoTopicCreation: boolean;
    readonly isolationLevel: number;
  }
  export default class Cluster {
    constructor(options: ClusterOptions);
    readonly targetTopics: Set<string>;
    isConnected(): boolean;
    connect(): Promise<void>;
    disconnect(): Promise<void>;
    removeBroker(address: { readonly host: string; readonly port: number }): void;
    refreshMetadata(): Promise<void>;
    refreshMetadataIfNecessary(): Promise<void>;
    addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
    findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, number[]>;
    findBroker(node: { readonly nodeId: string }): Promise<BrokerConnection>;
  }
}

declare module 'kafkajs/src/loggers/index.js' {
  import type { logCreator, logLevel } from 'kafkajs';
  export function createLogger(options: { readonly level: logLevel; readonly logCreator: logCreator }): unknown;
}

declare module 'kafkajs/src/network/socketFactory.js' {
  export default function socketFactory(): unknown;
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  export default class RequestQueue {
    readonly pending: readonly unknown[];
    throttleCheckTimeoutId: unknown;
    scheduleCheckPendingRequests(): void;
    /** Called for each request; `timeoutHandler` when its answer did not come in time. */
    createSocketRequest(request: Readonly<Record<string, unknown>>): { timeoutHandler: () => void };
    push(request: Readonly<Record<string, unknown>>): void;
    destroy(): void;
    constructor(options: Readonly<Record<string, unknown>>);
  }
}

declare module 'kafkajs/src/network/connection.js' {
  import type { Socket } from 'node:net';
  import type RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
  export default class Connection {
    readonly socket: Socket | undefined;
    /** What was read of an answer that is not whole yet. */
    chunks: Buffer[];
    bytesBuffered: number;
    bytesNeeded: number;
    isConnected(): boolean;
    readonly requestQueue: RequestQueue;
    connect(): Promise<boolean>;
  }
}
