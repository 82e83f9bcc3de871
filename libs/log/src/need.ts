import type { Instant } from '@paceline/domain';
import { openKafkaLog } from './kafka.ts';
import { isCredentialFault, isKafkaFault, type KafkaConnection } from './kafka-client.ts';
import { type EventLog, LogBusy, LogRefused, LogUnavailable } from './port.ts';

/** Where the brokers are, as configured. */
export interface KafkaAddress {
  readonly brokers: readonly string[];
  readonly tls: boolean;
  readonly user: string | null;
  readonly password: string | null;
  /** `null`: plain over TLS, else scram-sha-512, because a password goes over TLS as it is and is never sent in the clear. */
  readonly mechanism: NonNullable<KafkaConnection['sasl']>['mechanism'] | null;
  /** Of topics that are created here. */
  readonly replicationFactor: number;
  /** `writer`: the clock of whoever writes; see `KafkaLogOptions.now`. */
  readonly recordedAt: 'broker' | 'writer';
  /** What a dead member was reading goes to another one after this long. */
  readonly sessionMs: number;
}

/** What matters reaches the caller as an error as well, so all of it is for debugging. */
export interface LogSink {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface KafkaNeedOptions {
  readonly clientId: string;
  readonly now: () => Instant;
  /** Gets what kafkajs has to say. */
  readonly logger?: LogSink;
}

/** The log on Kafka as a process needs it: how it is opened, asked whether it is there, and what an error of it means. */
export function kafkaNeed(address: KafkaAddress, options: KafkaNeedOptions) {
  const { brokers, tls, user, password, replicationFactor } = address;
  const mechanism = address.mechanism ?? (tls ? 'plain' : 'scram-sha-512');
  const sasl = user === null || password === null ? {} : { sasl: { mechanism, username: user, password } };
  return {
    what: `Kafka at ${brokers.join(', ')}`,
    open: (): Promise<EventLog> =>
      openKafkaLog({
        brokers,
        tls,
        ...sasl,
        clientId: options.clientId,
        replicationFactor,
        sessionTimeoutMs: address.sessionMs,
        ...(address.recordedAt === 'writer' ? { now: options.now } : {}),
        log: (level, message, fields) => options.logger?.debug({ kafkajs: level, ...fields }, message),
        // A process that is told to stop has seconds, and what it leaves is done again.
        graceMs: GRACE_MS,
      }),
    probe: async (log: EventLog): Promise<void> => {
      await log.topics('');
    },
    judge(error: unknown): 'refused' | 'away' | undefined {
      if (error instanceof LogBusy || error instanceof LogUnavailable) return 'away';
      if (error instanceof LogRefused || isCredentialFault(error)) return 'refused';
      return isKafkaFault(error) ? 'away' : undefined;
    },
  };
}

const GRACE_MS = 3_000;
