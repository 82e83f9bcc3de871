import type { KnownDocument, WorkspaceDefaults } from '../catalog.ts';
import { resolvedDefaults } from '../definition/defaults.ts';
import type { CalendarDocument, Document, MetricDocument } from '../document.ts';
import { documentId } from '../document.ts';
import type { DefinitionsFact, OverrideFact, Recorded } from '../fact.ts';
import type { Instant } from '../instant.ts';
import type { Position } from '../position.ts';

/** What became of a command, found at its place in the one order and never changed afterwards. */
export interface CommandOutcome {
  /** An accepted `definitions` command is what the next one must expect; an override is not. */
  readonly kind: 'definitions' | 'override';
  readonly command: string;
  readonly position: Position;
  readonly recordedAt: Instant;
  readonly accepted: boolean;
  /** `conflict`: another apply was accepted after the definitions this one was validated against. */
  readonly reason: 'accepted' | 'conflict';
  readonly actor: string;
}

/** What an accepted apply changed. Documents put again with equal content are in neither list. */
export interface DefinitionChange {
  readonly position: Position;
  readonly recordedAt: Instant;
  readonly put: readonly KnownDocument[];
  readonly removed: readonly { readonly id: string; readonly document: KnownDocument }[];
  /** Metrics whose buckets moved, newly defined ones among them. */
  readonly reshaped: readonly string[];
  /** When they changed; what they are now. */
  readonly defaults?: WorkspaceDefaults;
}

export interface DefinitionsSnapshot {
  readonly position: Position | null;
  readonly documents: readonly KnownDocument[];
  readonly defaults: WorkspaceDefaults;
  readonly commands: readonly (readonly [command: string, position: Position, accepted: boolean])[];
}

/** The definitions known at one place in the log. A fold of definition commands alone; every reader of the log holds one. */
export class Definitions {
  #position: Position | null = null;
  #defaults: WorkspaceDefaults = {};
  readonly #documents = new Map<string, KnownDocument>();
  /** Kept for ever: a command id that comes again, however late, must change nothing. */
  readonly #commands = new Map<string, { readonly position: Position; readonly accepted: boolean }>();

  /** Of the last accepted command: what the next one must expect. */
  get position(): Position | null {
    return this.#position;
  }

  get documents(): ReadonlyMap<string, KnownDocument> {
    return this.#documents;
  }

  /** Of subjects that name no policy or pace. */
  get defaults(): WorkspaceDefaults {
    return this.#defaults;
  }

  outcome(command: string): { readonly position: Position; readonly accepted: boolean } | undefined {
    return this.#commands.get(command);
  }

  /** `undefined` when the command's id was seen before: the first outcome stands. */
  apply(
    record: Recorded<DefinitionsFact>,
  ): { readonly outcome: CommandOutcome; readonly change: DefinitionChange | null } | undefined {
    const { fact, position } = record;
    if (this.#commands.has(fact.command)) return undefined;
    const accepted = fact.expects === this.#position;
    const outcome = this.#settle(record, accepted);
    if (!accepted) return { outcome, change: null };
    const change = this.#change(record);
    this.#position = position;
    return { outcome, change };
  }

  /** An override is accepted wherever it stands; only its id is checked. */
  override(record: Recorded<OverrideFact>): CommandOutcome | undefined {
    return this.#commands.has(record.fact.command) ? undefined : this.#settle(record, true);
  }

  snapshot(): DefinitionsSnapshot {
    return {
      position: this.#position,
      documents: [...this.#documents.values()],
      defaults: this.#defaults,
      commands: [...this.#commands].map(([command, { position, accepted }]) => [command, position, accepted] as const),
    };
  }

  restore(snapshot: DefinitionsSnapshot): void {
    this.#position = snapshot.position;
    this.#defaults = snapshot.defaults;
    this.#documents.clear();
    this.#commands.clear();
    for (const known of snapshot.documents) this.#documents.set(documentId(known.document), known);
    for (const [command, position, accepted] of snapshot.commands) this.#commands.set(command, { position, accepted });
  }

  #settle(record: Recorded<DefinitionsFact | OverrideFact>, accepted: boolean): CommandOutcome {
    const { position, recordedAt, fact } = record;
    this.#commands.set(fact.command, { position, accepted });
    const reason = accepted ? 'accepted' : 'conflict';
    return { kind: fact.type, command: fact.command, position, recordedAt, accepted, reason, actor: fact.actor ?? '' };
  }

  #change(record: Recorded<DefinitionsFact>): DefinitionChange {
    const { fact, position, recordedAt } = record;
    const before = new Map(this.#documents);
    const removed: { id: string; document: KnownDocument }[] = [];
    for (const id of fact.remove) {
      const document = this.#documents.get(id);
      if (document === undefined || !this.#documents.delete(id)) continue;
      removed.push({ id, document });
    }
    const put = new Map<string, KnownDocument>();
    for (const document of fact.put) {
      const id = documentId(document);
      const known = before.get(id);
      if (known !== undefined && this.#documents.has(id) && equalJson(known.document, document)) continue;
      put.set(id, { document, position, recordedAt });
      this.#documents.set(id, { document, position, recordedAt });
    }
    const reshaped = this.#reshape(before, put, position);
    const change = { position, recordedAt, put: [...put.values()], removed, reshaped };
    const defaults = this.#newDefaults(fact.defaults);
    return defaults === undefined ? change : { ...change, defaults };
  }

  #newDefaults(defaults: WorkspaceDefaults | undefined): WorkspaceDefaults | undefined {
    if (defaults === undefined) return undefined;
    if (canonicalJson(resolvedDefaults(defaults)) === canonicalJson(resolvedDefaults(this.#defaults))) return undefined;
    this.#defaults = defaults;
    return defaults;
  }

  /** Gives every metric whose buckets moved the position of this change as its shape; the others keep theirs. */
  #reshape(before: ReadonlyMap<string, KnownDocument>, put: Map<string, KnownDocument>, position: Position): string[] {
    const reshaped: string[] = [];
    for (const [id, known] of this.#documents) {
      if (known.document.kind !== 'Metric') continue;
      const earlier = before.get(id);
      const kept =
        earlier?.document.kind === 'Metric' &&
        shapeOf(earlier.document, before) === shapeOf(known.document, this.#documents);
      const shape = kept ? earlier.shape : position;
      if (!kept) reshaped.push(known.document.metadata.name);
      if (shape === known.shape) continue;
      const shaped = shape === undefined ? known : { ...known, shape };
      this.#documents.set(id, shaped);
      // A metric moved by its calendar alone has a new shape too, so it belongs to the change like one that was put.
      if (put.has(id) || !kept) put.set(id, shaped);
    }
    return reshaped;
  }
}

/** Everything that decides which bucket a point falls into, and what a bucket's aggregate is, as comparable text. */
function shapeOf(metric: MetricDocument, documents: ReadonlyMap<string, KnownDocument>): string {
  const { aggregation, derived, points, revisions, grain, timezone, calendar } = metric.spec;
  const named = calendar === undefined ? undefined : documents.get(`calendar/${calendar}`)?.document;
  const spec: CalendarDocument['spec'] | null = named?.kind === 'Calendar' ? named.spec : null;
  return canonicalJson([aggregation, derived, points ?? 'period', revisions, grain, timezone, spec]);
}

function equalJson(left: Document, right: Document): boolean {
  return canonicalJson(left) === canonicalJson(right);
}

/** JSON with sorted keys and without absent members: equal text, equal meaning. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}
