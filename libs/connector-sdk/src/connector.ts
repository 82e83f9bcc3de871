import type { JsonValue } from '@paceline/domain';
import type { z } from 'zod';
import type { ConnectorContext } from './context.ts';
import type { HostPort } from './egress.ts';

/** One configured way to read one kind of system. A connector never sees the log, windows, ids or state files. */
export interface Connector<Config = unknown, State = unknown> {
  readonly spec: ConnectorSpec<Config, State>;
  /** Looks whether the source can be read, stage by stage; the first failed stage is the last. */
  check(ctx: ConnectorContext, config: Config, stream?: StreamQuery): AsyncIterable<CheckStage>;
  /** What could be read: tables, files, columns. */
  discover?(ctx: ConnectorContext, config: Config): Promise<readonly StreamInfo[]>;
  /**
   * Of a source that is read whole: a text that is equal only while nothing in it has changed. A run that would state
   * nothing new is spared the reading.
   */
  fingerprint?(ctx: ConnectorContext, config: Config, stream: StreamQuery): Promise<string>;
  /**
   * Rows of one stream. In window mode rows of `[from, to)`; it may give more, the runtime drops what lies outside. In
   * cursor mode rows after `state`, with a checkpoint only between distinct cursor values. Stops soon after
   * `ctx.signal` is aborted.
   */
  read(ctx: ConnectorContext, config: Config, request: ReadRequest<State>): AsyncIterable<ReadItem<State>>;
}

export interface ConnectorSpec<Config, State> {
  readonly id: string;
  readonly version: string;
  readonly title: string;
  /** Secrets are marked with `secret()` of `spec.ts`. Strict: unknown keys are refused. */
  readonly config: z.ZodType<Config>;
  readonly state: z.ZodType<State>;
  readonly stateVersion: number;
  /** Brings an older state up to `stateVersion`; without it an older state is begun anew. */
  migrate?(old: JsonValue, version: number): State;
  readonly modes: readonly ('window' | 'cursor' | 'push')[];
  /** Which mode a configuration asks for. Default: the first of `modes`. */
  mode?(config: Config): 'window' | 'cursor';
  /**
   * `window`: the far side is asked for exactly `[from, to)`, so an empty answer means that nothing is there.
   * `whole`: everything is read each time (a file), so what it covers ends with its last row. Default `window`.
   */
  extent?(config: Config, stream: StreamQuery): 'window' | 'whole';
  /** What is wrong with a stream text for this connector, before anything is read. */
  validateStream?(config: Config, stream: StreamQuery): string | undefined;
  /** Hosts that the configuration makes it dial, for plans and reviews. */
  egress(config: Config): readonly HostPort[];
}

/** What the source document says about what to read. */
export interface StreamQuery {
  /** The document's `query`. */
  readonly query?: string;
}

export interface ReadRequest<State> {
  readonly stream: StreamQuery;
  readonly from?: WindowEdge;
  readonly to?: WindowEdge;
  readonly state?: State;
  /** No more rows than this are wanted (preview, check). */
  readonly limit?: number;
}

/** An edge of a window as texts, because values and cursors are never floats or `Date`. */
export interface WindowEdge {
  /** `2026-11-22T00:00:00.000+01:00`: a database reads it rightly as date, as local and as absolute time. */
  readonly local: string;
  /** `2026-11-21T23:00:00.000Z`. */
  readonly utc: string;
  /** `2026-11-22`, the local day. */
  readonly date: string;
  readonly epochMs: number;
}

/** Values as the source gave them: text wherever a number could lose digits, `null` for none, objects for nested rows. */
export type Row = Readonly<Record<string, unknown>>;

export type ReadItem<State> =
  | {
      readonly row: Row;
      /** Where it stood, for a person: `sales.csv:12`, `page 3, row 7`. */
      readonly at?: string;
    }
  | {
      readonly checkpoint: State;
      /** Everything before this ISO instant has been read; absent: unknown. */
      readonly watermark?: string;
    };

export interface CheckStage {
  readonly stage: 'config' | 'dns' | 'tcp' | 'tls' | 'auth' | 'permission' | 'sample';
  readonly ok: boolean;
  readonly message: string;
  readonly code?: string;
  readonly remedy?: string;
  readonly elapsedMs?: number;
}

export interface StreamInfo {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** A `query` that would read it. */
  readonly query?: string;
}
