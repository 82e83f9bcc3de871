import kafkajs, { type Kafka, type Message, type Producer } from 'kafkajs';
import { kafkaErrorType, RETRY } from './kafka-client.ts';
import { messageBytes, topicUnknown } from './limits.ts';
import type { Appended, LogMessage } from './port.ts';
import { AppendQueue, type AppendRequest, type QueueLimits } from './queue.ts';

/** One request of the broker's default `message.max.bytes` (1,048,588) with room for the batch's own overhead. */
export const APPEND_BYTES_MAX = 950_000;
/** Overhead of a record and of each of its headers on the wire, at most. */
const RECORD_OVERHEAD_BYTES = 32;
const RECORDS_MAX = 10_000;

/**
 * Appends through one idempotent producer with one send in flight. Idempotence lets the broker drop the second copy when an
 * answer was lost and the send is retried. kafkajs keeps its sequence numbers right only while sends do not overlap, and
 * takes one back when a send is given up though the broker may have it: the next batch would then be taken for a
 * repetition and dropped in silence. So sends never overlap, and after a send that was given up the producer is thrown
 * away with its identity.
 */
export class KafkaAppender {
  readonly #kafka: Kafka;
  readonly #queue: AppendQueue;
  #producer: Promise<Producer> | undefined;

  constructor(kafka: Kafka, limits: QueueLimits) {
    this.#kafka = kafka;
    this.#queue = new AppendQueue((requests) => this.#flush(requests), { limits, oneTopic: true });
  }

  append(topic: string, messages: readonly LogMessage[]): Promise<Appended> {
    return this.#queue.append(topic, messages);
  }

  async close(): Promise<void> {
    await this.#queue.drain();
    await this.#fence();
  }

  /** All requests are of one topic, which has one partition: their records lie one behind the other. */
  async #flush(requests: readonly AppendRequest[]): Promise<void> {
    const answers = requests.map(() => ({ first: -1, last: -1, appendedAt: 0 }));
    for (const chunk of chunks(requests)) {
      let sent: { readonly baseOffset: number; readonly appendedAt: number };
      try {
        sent = await this.#sendKnown(requests[0]!.topic, chunk.messages);
      } catch (error) {
        settle(requests, answers, chunk.requests[0]!, error);
        return;
      }
      for (const [i, at] of chunk.requests.entries()) {
        const answer = answers[at]!;
        if (answer.first < 0) answer.first = sent.baseOffset + i;
        answer.last = sent.baseOffset + i;
        answer.appendedAt = sent.appendedAt;
      }
    }
    settle(requests, answers, requests.length, undefined);
  }

  /** A topic that was deleted fails a producer that once sent to it whatever the topic: only a fresh one knows which is missing. */
  async #sendKnown(topic: string, messages: Message[]): Promise<{ baseOffset: number; appendedAt: number }> {
    try {
      return await this.#send(topic, messages);
    } catch (error) {
      if (!isUnknownTopic(error)) throw error;
    }
    try {
      return await this.#send(topic, messages);
    } catch (error) {
      throw isUnknownTopic(error) ? topicUnknown(topic) : error;
    }
  }

  async #send(topic: string, messages: Message[]): Promise<{ baseOffset: number; appendedAt: number }> {
    try {
      this.#producer ??= this.#connect();
      const producer = await this.#producer;
      const [answer] = await producer.send({ topic, messages, acks: -1, compression: kafkajs.CompressionTypes.None });
      const baseOffset = Number(answer?.baseOffset ?? -1);
      const appendedAt = Number(answer?.logAppendTime ?? -1);
      if (baseOffset < 0 || appendedAt < 0) {
        throw new Error(`the broker took an append to "${topic}" without naming its offset and append time`);
      }
      return { baseOffset, appendedAt };
    } catch (error) {
      await this.#fence();
      throw error;
    }
  }

  async #connect(): Promise<Producer> {
    const producer = this.#kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      // Every topic has one partition.
      createPartitioner: () => () => 0,
      retry: RETRY,
    });
    await producer.connect();
    return producer;
  }

  async #fence(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    try {
      await (await producer)?.disconnect();
    } catch {
      // It never connected or its connection is gone: that it will not send again is all that matters.
    }
  }
}

function isUnknownTopic(error: unknown): boolean {
  return kafkaErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION';
}

/** Requests before `failedFrom` are durable in whole; the others are rejected. */
function settle(
  requests: readonly AppendRequest[],
  answers: readonly { first: number; last: number; appendedAt: number }[],
  failedFrom: number,
  error: unknown,
): void {
  for (const [i, request] of requests.entries()) {
    const { first, last, appendedAt } = answers[i]!;
    if (i < failedFrom) request.resolve({ baseOffset: first, lastOffset: last, appendedAt });
    else request.reject(error);
  }
}

interface Chunk {
  readonly messages: Message[];
  /** For each message the index of its request. */
  readonly requests: number[];
}

function* chunks(requests: readonly AppendRequest[]): Iterable<Chunk> {
  let chunk: Chunk = { messages: [], requests: [] };
  let bytes = 0;
  for (const [i, request] of requests.entries()) {
    for (const message of request.messages) {
      const size = messageBytes(message) + RECORD_OVERHEAD_BYTES * (1 + Object.keys(message.headers).length);
      const full = chunk.messages.length >= RECORDS_MAX || bytes + size > APPEND_BYTES_MAX;
      if (full && chunk.messages.length > 0) {
        yield chunk;
        chunk = { messages: [], requests: [] };
        bytes = 0;
      }
      chunk.messages.push(wireMessage(message));
      chunk.requests.push(i);
      bytes += size;
    }
  }
  yield chunk;
}

function wireMessage(message: LogMessage): Message {
  return { key: buffer(message.key), value: buffer(message.value), headers: { ...message.headers } };
}

/** kafkajs takes Node's buffers only; this is a view, not a copy. */
function buffer(bytes: Uint8Array | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
