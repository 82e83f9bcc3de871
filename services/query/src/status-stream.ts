import { Readable } from 'node:stream';
import { type EvaluationDocument, formatPosition, offsetOf, type Position, position } from '@paceline/domain';
import { type Logger, PacelineError } from '@paceline/runtime';
import type { QueryDeps } from './deps.ts';
import type { Evaluations } from './evaluations.ts';
import type { Knowledge } from './knowledge.ts';
import { statusMarks } from './sql.ts';

const POLL_MS = 500;
const HEARTBEAT_MS = 15_000;
const CLIENTS_MAX = 200;
/** What waits for a slow client; behind it news are put together until it has read. */
const WAITING_BYTES_MAX = 1024 * 1024;
/** A client that reads nothing for this long is let go; it resumes where it was when it comes back. */
const STALLED_MS_MAX = 60_000;

interface Client {
  readonly stream: Readable;
  /** Everything of earlier records was sent. */
  sent: Position;
  /** Since when too much waits for it. */
  stalledSince: number | null;
  heardAt: number;
}

/** The status of one workspace as last seen, and who watches it. */
interface Channel {
  readonly workspace: string;
  readonly clients: Set<Client>;
  /** By subject, the position of its latest status; gone subjects too. */
  marks: ReadonlyMap<string, Mark>;
  timer: NodeJS.Timeout | null;
  /** Resolves once `marks` are known. */
  readonly opened: Promise<void>;
}

interface Mark {
  readonly position: Position;
  readonly removed: boolean;
}

export interface StatusNews {
  readonly position: string;
  readonly data: readonly EvaluationDocument[];
  /** Subjects that are no longer evaluated. */
  readonly removed: readonly string[];
}

/**
 * Server-sent events of the status. One question a half second asks for the versions of all subjects, however many watch;
 * what changed is read once. An event's id is a position: everything of records up to there has been sent.
 */
export class StatusStream {
  readonly #deps: QueryDeps;
  readonly #knowledge: Knowledge;
  readonly #evaluations: Evaluations;
  readonly #logger: Logger;
  readonly #channels = new Map<string, Channel>();
  #clients = 0;
  #stopped = false;

  constructor(deps: QueryDeps, knowledge: Knowledge, evaluations: Evaluations) {
    this.#deps = deps;
    this.#knowledge = knowledge;
    this.#evaluations = evaluations;
    this.#logger = deps.logger;
  }

  /** The events from a position on; the whole status first without one. */
  async open(workspace: string, after: Position | undefined): Promise<Readable> {
    if (this.#stopped) throw new PacelineError('stopping', 'the server is stopping');
    if (this.#clients >= CLIENTS_MAX) {
      throw new PacelineError('rate_limited', `${CLIENTS_MAX} programs watch already`, { retryAfterSeconds: 5 });
    }
    this.#clients += 1;
    const stream = new Readable({ read: () => undefined, highWaterMark: WAITING_BYTES_MAX });
    const client: Client = { stream, sent: after ?? -1, stalledSince: null, heardAt: performance.now() };
    stream.on('close', () => this.#leave(workspace, client));
    stream.push('retry: 2000\n\n');
    try {
      const channel = await this.#join(workspace, client);
      await this.#catchUp(channel, client);
    } catch (error) {
      stream.destroy();
      throw error;
    }
    return stream;
  }

  /** Ends all streams: a server that closes waits for its answers. */
  close(): void {
    this.#stopped = true;
    for (const { clients, timer } of this.#channels.values()) {
      if (timer !== null) clearTimeout(timer);
      for (const { stream } of clients) stream.push(null);
    }
  }

  async #join(workspace: string, client: Client): Promise<Channel> {
    let channel = this.#channels.get(workspace);
    if (channel === undefined) {
      const { promise: opened, resolve, reject } = Promise.withResolvers<void>();
      const made: Channel = { workspace, clients: new Set(), marks: new Map(), timer: null, opened };
      this.#channels.set(workspace, made);
      this.#marks(workspace).then((marks) => {
        made.marks = marks;
        this.#schedule(made);
        resolve();
      }, reject);
      channel = made;
    }
    channel.clients.add(client);
    await channel.opened;
    return channel;
  }

  #leave(workspace: string, client: Client): void {
    this.#clients -= 1;
    const channel = this.#channels.get(workspace);
    channel?.clients.delete(client);
    if (channel === undefined || channel.clients.size > 0) return;
    if (channel.timer !== null) clearTimeout(channel.timer);
    this.#channels.delete(workspace);
  }

  #schedule(channel: Channel): void {
    if (this.#stopped || channel.clients.size === 0) return;
    channel.timer = setTimeout(() => {
      this.#poll(channel)
        .catch((error: unknown) =>
          this.#logger.warn(
            { workspace: channel.workspace, err: error },
            'the status could not be read for those who watch it; it is tried again',
          ),
        )
        .finally(() => this.#schedule(channel));
    }, POLL_MS);
  }

  async #poll(channel: Channel): Promise<void> {
    const before = channel.marks;
    const marks = await this.#marks(channel.workspace);
    const changed = [...marks].filter(([subject, mark]) => before.get(subject)?.position !== mark.position);
    const news = changed.length === 0 ? null : await this.#news(channel.workspace, marks, changed);
    // Only once what changed was read is it known: a failure above is made up for by the next poll.
    channel.marks = marks;
    const now = performance.now();
    for (const client of channel.clients) {
      if (this.#isStalled(client, now)) continue;
      if (client.stalledSince !== null) {
        client.stalledSince = null;
        await this.#catchUp(channel, client);
      } else if (news !== null) this.#send(client, news, latestOf(marks));
      else if (now - client.heardAt >= HEARTBEAT_MS) this.#push(client, ': nothing new\n\n');
    }
  }

  #isStalled(client: Client, now: number): boolean {
    const { stream } = client;
    if (stream.readableLength <= (client.stalledSince === null ? WAITING_BYTES_MAX : 0)) return false;
    client.stalledSince ??= now;
    if (now - client.stalledSince > STALLED_MS_MAX) stream.destroy();
    return true;
  }

  /** Sends what changed since the client's position; of that record again, for its status may have come in parts. */
  async #catchUp(channel: Channel, client: Client): Promise<void> {
    const { marks, workspace } = channel;
    const changed = [...marks].filter(
      ([, mark]) => mark.position >= client.sent && (client.sent >= 0 || !mark.removed),
    );
    if (changed.length > 0) this.#send(client, await this.#news(workspace, marks, changed), latestOf(marks));
  }

  async #news(
    workspace: string,
    marks: ReadonlyMap<string, Mark>,
    changed: readonly (readonly [subject: string, Mark])[],
  ): Promise<StatusNews> {
    const subjects = changed.filter(([, { removed }]) => !removed).map(([subject]) => subject);
    const data = subjects.length === 0 ? [] : await this.#evaluations.latest(workspace, subjects);
    const removed = changed.filter(([, mark]) => mark.removed).map(([subject]) => subject);
    return { position: formatPosition(latestOf(marks)), data, removed };
  }

  #send(client: Client, news: StatusNews, at: Position): void {
    client.sent = at;
    this.#push(client, `id: ${news.position}\nevent: status\ndata: ${JSON.stringify(news)}\n\n`);
  }

  #push(client: Client, text: string): void {
    client.heardAt = performance.now();
    if (!client.stream.destroyed) client.stream.push(text);
  }

  async #marks(workspace: string): Promise<ReadonlyMap<string, Mark>> {
    const query = statusMarks(workspace, this.#deps.edition);
    const rows = await this.#deps.store.read(query, query.shape, this.#knowledge.options);
    return new Map(rows.map(({ subject, position: at, removed }) => [subject, { position: at, removed }]));
  }
}

/** The record of the newest status. */
function latestOf(marks: ReadonlyMap<string, Mark>): Position {
  let latest = 0;
  for (const { position: at } of marks.values()) latest = Math.max(latest, at);
  return position(offsetOf(latest));
}
