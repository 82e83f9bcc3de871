import {
  type CheckInFact,
  type CommandOutcome,
  DEFAULTS_ID,
  type DefinitionChange,
  documentId,
  type Instant,
  type ObservationsFact,
  offsetOf,
  type Position,
  position,
  type Recorded,
  type ResolvedCovered,
} from '@paceline/domain';
import { decodeRecord } from '@paceline/events';
import type { LogRecord } from '@paceline/log';
import { ObservationBatch, type ObservationTexts, observationRows, type Row } from '@paceline/store';

interface Source {
  readonly record: LogRecord;
  readonly position: Position;
  readonly recordedAt: Instant;
}

/** Rows of consecutive records that are written together and then committed together. */
export class Span {
  readonly workspace: string;
  readonly observation: ObservationBatch;
  readonly definition: Row<'definition'>[] = [];
  readonly checkIn: Row<'check_in'>[] = [];
  readonly covered: Row<'covered'>[] = [];
  readonly command: Row<'command'>[] = [];
  readonly deadLetter: Row<'dead_letter'>[] = [];
  /** Where the rows of `observation` came from, so that rows which do not go in together can go one by one, or be put aside. */
  readonly #sources: Source[] = [];
  /** Every record, readable or not, for the recorded axis. */
  readonly records: { readonly position: Position; readonly recordedAt: Instant }[] = [];
  /** Offset after the last record in it. */
  next: number;
  /** Of its last fact: the last point of its last record. */
  last: Position;

  constructor(workspace: string, next: number, texts: ObservationTexts) {
    this.workspace = workspace;
    this.observation = new ObservationBatch(workspace, texts);
    this.next = next;
    this.last = position(next) - 1;
  }

  get empty(): boolean {
    return this.records.length === 0;
  }

  record(at: Position, recordedAt: Instant, facts: number): void {
    this.records.push({ position: at, recordedAt });
    this.next = offsetOf(at) + 1;
    this.last = at + Math.max(0, facts - 1);
  }

  observations(fact: Recorded<ObservationsFact>, record: LogRecord): void {
    this.#sources.push({ record, position: fact.position, recordedAt: fact.recordedAt });
    this.observation.add(fact);
  }

  /** The rows of `observation` as objects, each with the record that stated it: read again from the records, as faults are rare. */
  observationRows(): { readonly rows: Row<'observation'>[]; readonly records: LogRecord[] } {
    const rows: Row<'observation'>[] = [];
    const records: LogRecord[] = [];
    for (const { record, position: at, recordedAt } of this.#sources) {
      const decoded = decodeRecord(record);
      if (!decoded.ok || decoded.fact.type !== 'observations')
        throw new RangeError(`record ${record.offset} of ${record.topic} is not what it was when it was read first`);
      const { fact, id } = decoded;
      for (const row of observationRows(this.workspace, { position: at, recordedAt, id, fact })) {
        rows.push(row);
        records.push(record);
      }
    }
    return { rows, records };
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
