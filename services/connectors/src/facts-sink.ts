import { randomUUID } from 'node:crypto';
import type { Sink } from '@paceline/connector-sdk';
import { type Fact, type Position, position } from '@paceline/domain';
import { encodeFact, type WireMessage } from '@paceline/events';
import { type EventLog, LogBusy } from '@paceline/log';
import type { LagGate } from '@paceline/log/lag';
import type { Clock } from '@paceline/runtime';

/** A broker splits a larger append itself, and then the offset of its last record is not known. */
const APPEND_BYTES_MAX = 900_000;
const BUSY_WAIT_MS = 200;

export interface FactsWriter {
  /** Appends in this order and answers the position of the last fact once all are durable. */
  append(workspace: string, topic: string, facts: readonly Fact[], source: string): Promise<Position>;
}

export function factsWriter(log: EventLog, gate: LagGate): FactsWriter {
  return {
    async append(workspace, topic, facts, source) {
      let last: Position | undefined;
      for (const batch of batches(workspace, facts, source)) {
        const { baseOffset } = await log.append(topic, batch.messages);
        gate.appended(topic, batch.messages.length, batch.points);
        last = position(baseOffset + batch.messages.length - 1, batch.lastIndex);
      }
      if (last === undefined) throw new RangeError('there is no fact to append');
      return last;
    },
  };
}

interface Batch {
  readonly messages: WireMessage[];
  points: number;
  /** Index of the last point of the last fact. */
  lastIndex: number;
}

function* batches(workspace: string, facts: readonly Fact[], source: string): Iterable<Batch> {
  let batch: Batch = { messages: [], points: 0, lastIndex: 0 };
  let bytes = 0;
  for (const fact of facts) {
    const message = encodeFact(workspace, fact, { id: randomUUID(), source });
    if (batch.messages.length > 0 && bytes + message.value.length > APPEND_BYTES_MAX) {
      yield batch;
      batch = { messages: [], points: 0, lastIndex: 0 };
      bytes = 0;
    }
    const points = fact.type === 'observations' ? fact.points.length : 0;
    batch.messages.push(message);
    batch.points += points;
    batch.lastIndex = Math.max(0, points - 1);
    bytes += message.value.length;
  }
  if (batch.messages.length > 0) yield batch;
}

/** The sink of a run: waits while the processor is far behind, and while the log's own queue is full. */
export function runSink(
  options: {
    readonly writer: FactsWriter;
    readonly gate: LagGate;
    readonly clock: Clock;
    readonly workspace: string;
    readonly topic: string;
  },
  kind: 'live' | 'backfill',
  paused: (pointsBehind: number) => void,
): Sink {
  const { writer, gate, clock, workspace, topic } = options;
  return {
    async append(facts) {
      for (;;) {
        try {
          return await writer.append(workspace, topic, facts, 'connectors');
        } catch (error) {
          if (!(error instanceof LogBusy)) throw error;
          await clock.sleep(BUSY_WAIT_MS);
        }
      }
    },
    async room(_pointsMax, signal) {
      for (;;) {
        const pressure = await gate.check(topic, kind);
        if (pressure.ok) return;
        paused(pressure.pointsBehind);
        await clock.sleep(pressure.retryAfterMs, signal);
      }
    },
  };
}
