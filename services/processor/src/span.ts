import {
  type CheckInFact,
  type CommandOutcome,
  DEFAULTS_ID,
  type DefinitionChange,
  documentId,
  type Instant,
  offsetOf,
  type Position,
  position,
  type Recorded,
  type ResolvedCovered,
} from '@paceline/domain';
import { ObservationBatch, type ObservationTexts, type Row } from '@paceline/store';

/** Rows of consecutive records that are written together and then committed together. */
export class Span {
  readonly workspace: string;
  readonly observation: ObservationBatch;
  readonly definition: Row<'definition'>[] = [];
  readonly checkIn: Row<'check_in'>[] = [];
  readonly covered: Row<'covered'>[] = [];
  readonly command: Row<'command'>[] = [];
  readonly deadLetter: Row<'dead_letter'>[] = [];
  /** Every record, readable or not, for the recorded axis: numbers alone, for there may be a hundred thousand. */
  readonly #positions: Position[] = [];
  readonly #recordedAts: Instant[] = [];
  /** Offset of its first record. */
  readonly first: number;
  /** Offset after the last record in it. */
  next: number;
  /** Of its last fact: the last point of its last record. */
  last: Position;

  /** `before`: it will hold about as much as that one. */
  constructor(workspace: string, next: number, texts: ObservationTexts, before?: Span) {
    this.workspace = workspace;
    this.observation = new ObservationBatch(workspace, texts, before?.observation.byteLength);
    this.first = next;
    this.next = next;
    this.last = position(next) - 1;
  }

  get empty(): boolean {
    return this.#positions.length === 0;
  }

  /** Records in it. */
  get records(): number {
    return this.#positions.length;
  }

  /** The place of every record in time, in log order. */
  *timeline(): Generator<{ readonly position: Position; readonly recordedAt: Instant }> {
    for (let index = 0; index < this.#positions.length; index++)
      yield { position: this.#positions[index]!, recordedAt: this.#recordedAts[index]! };
  }

  record(at: Position, recordedAt: Instant, facts: number): void {
    this.#positions.push(at);
    this.#recordedAts.push(recordedAt);
    this.next = offsetOf(at) + 1;
    this.last = at + Math.max(0, facts - 1);
  }

  outcome(outcome: CommandOutcome): void {
    const { kind, command, position: at, recordedAt, accepted, reason, actor } = outcome;
    const place = { workspace: this.workspace, position: at, recorded_at: recordedAt };
    this.command.push({ ...place, kind, command, accepted, reason, actor });
  }

  definitions(change: DefinitionChange): void {
    const place = { workspace: this.workspace, position: change.position, recorded_at: change.recordedAt };
    for (const { document, shape } of change.put) {
      const content = { id: documentId(document), shape: shape ?? 0, document: JSON.stringify(document) };
      this.definition.push({ ...place, ...content, removed: false });
    }
    for (const { id, document } of change.removed) {
      const content = { id, shape: document.shape ?? 0, document: JSON.stringify(document.document) };
      this.definition.push({ ...place, ...content, removed: true });
    }
    if (change.defaults !== undefined) {
      const content = { id: DEFAULTS_ID, shape: 0, document: JSON.stringify(change.defaults) };
      this.definition.push({ ...place, ...content, removed: false });
    }
  }

  checkedIn({ fact, position: at, recordedAt }: Recorded<CheckInFact>): void {
    const { type: _, subject, ...body } = fact;
    const place = { workspace: this.workspace, position: at, recorded_at: recordedAt };
    this.checkIn.push({ ...place, subject, time: fact.time, body: JSON.stringify(body) });
  }

  coveredBy(statement: ResolvedCovered): void {
    const { metric, feeder, position: at, recordedAt, from, to, before } = statement;
    this.covered.push({
      workspace: this.workspace,
      metric,
      feeder,
      position: at,
      recorded_at: recordedAt,
      covered_from: Number.isFinite(from) ? from : null,
      covered_to: to,
      before_from: before?.from ?? null,
      before_to: before?.to ?? null,
    });
  }
}
