import type { Socket } from 'node:net';
import type { DialOptions, Egress } from './egress.ts';
import type { HttpClient } from './http.ts';
import type { Redactor } from './redact.ts';

/** The part of a clock that connectors need; the runtime's clocks fit. Times are epoch milliseconds. */
export interface Clock {
  now(): number;
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** The part of a logger that connectors need; the runtime's loggers fit. */
export interface Logger {
  error(fields: object, message?: string): void;
  warn(fields: object, message?: string): void;
  info(fields: object, message?: string): void;
  debug(fields: object, message?: string): void;
}

/** What a run counts about itself; the runtime exports the sums. */
export interface RunMetrics {
  requests: number;
  retries: number;
  bytesRead: number;
}

/** Files below the project folder, and nothing else of the disk. */
export interface ProjectFiles {
  /** Paths relative to the folder, sorted, that fit the glob. Never follows a link out of the folder. */
  glob(pattern: string): Promise<readonly string[]>;
  /** Changes when the file does: its size, time of change and place on the disk. */
  fingerprint(file: string): Promise<string>;
  /** Bytes of a file below the folder. */
  read(file: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** A connector's only way to the outside. */
export interface ConnectorContext {
  readonly http: HttpClient;
  /** Guarded TCP. */
  dial(options: DialOptions): Promise<Socket>;
  readonly egress: Egress;
  readonly files: ProjectFiles;
  readonly secrets: Redactor;
  readonly logger: Logger;
  readonly metrics: RunMetrics;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}
