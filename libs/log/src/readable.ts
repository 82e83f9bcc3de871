import { type EventLog, LogRefused } from './port.ts';

export interface ReadableTopics {
  readonly topics: readonly string[];
  /** Topics in a shape that would break the one order, with what is to be done. Those of other tenants are not to suffer from it. */
  readonly refused: ReadonlyMap<string, LogRefused>;
}

/** The topics of a prefix, apart from those that the log refuses. Topics that are `known` to be sound are not looked at again. */
export async function readableTopics(
  log: EventLog,
  prefix: string,
  known: { has(topic: string): boolean },
): Promise<ReadableTopics> {
  const topics: string[] = [];
  const refused = new Map<string, LogRefused>();
  for (const topic of await log.topics(prefix)) {
    try {
      if (!known.has(topic)) await log.end(topic);
      topics.push(topic);
    } catch (error) {
      if (!(error instanceof LogRefused)) throw error;
      refused.set(topic, error);
    }
  }
  return { topics, refused };
}
