import {
  ByDimensions,
  type Instant,
  type ObservationsFact,
  type PointColumns,
  type PointStatement,
  type Position,
  type Recorded,
  readAtOf,
  readInstant,
} from '@paceline/domain';
import { atOfLabel } from './label.ts';
import { BATCH_BYTES_MIN, Writer } from './rows.ts';

/** Texts that repeat in every record are kept as bytes; beyond this many of a kind they are forgotten and asked again. */
const REMEMBERED_MAX = 50_000;

/**
 * Rows of `observation` encoded as the records are read: the same bytes as `encodeRows` of `observationRows`, without an
 * object a point, which costs more than the parse and stays in memory until the insert. A record that no column can hold
 * makes the batch `odd`: its rows must then go one by one, by `Store.insert`.
 */
export class ObservationBatch {
  readonly #writer: Writer;
  readonly #texts: ObservationTexts;
  readonly workspace: string;
  readonly #workspace: Uint8Array;
  readonly #latest = new Map<string, Position>();
  #rows = 0;
  #odd = false;
  #freed = 0;

  /** `room`: the bytes that it will hold, where they can be guessed; growing copies all that was written, and asks for as much memory again. */
  constructor(workspace: string, texts = new ObservationTexts(), room = BATCH_BYTES_MIN) {
    this.#texts = texts;
    this.workspace = workspace;
    this.#workspace = texts.text(workspace);
    this.#writer = new Writer(Math.max(room, BATCH_BYTES_MIN), true);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Whether a row could not be encoded. */
  get odd(): boolean {
    return this.#odd;
  }

  /** By metric: the position of the last record. */
  get latest(): ReadonlyMap<string, Position> {
    return this.#latest;
  }

  get bytes(): Uint8Array {
    return this.#writer.finish();
  }

  /** After the insert, never before it succeeded: the bytes are gone then, and their memory goes to another batch. */
  free(): void {
    this.#freed = this.#writer.length;
    this.#writer.free();
  }

  /** Bytes that were written, also when they are freed. */
  get byteLength(): number {
    return Math.max(this.#freed, this.#writer.length);
  }

  add(recorded: Recorded<ObservationsFact>): void {
    const { fact, position, recordedAt } = recorded;
    this.#latest.set(fact.metric, position);
    const writer = this.#writer;
    const [start, rows] = [writer.length, this.#rows];
    try {
      const texts = this.#texts;
      const metric = texts.text(fact.metric);
      const feeder = texts.text(fact.feeder);
      const readAt = readAtOf(recorded);
      const place = { metric, feeder, position, recordedAt, readAt };
      if (fact.columns === undefined) this.#points(fact.points, place);
      else this.#columns(fact.columns, place);
    } catch {
      // Whatever the fault, the slow way finds the row and says what is wrong with it.
      writer.cut(start);
      this.#rows = rows + fact.points.length;
      this.#odd = true;
    }
  }

  #points(points: readonly PointStatement[], { metric, feeder, position, recordedAt, readAt }: Place): void {
    const [writer, texts] = [this.#writer, this.#texts];
    for (let index = 0; index < points.length; index++) {
      const point = points[index]!;
      const when = point.period === undefined ? texts.time(point.time ?? '') : texts.period(point.period);
      if (when === undefined) continue;
      writer.bytes(this.#workspace);
      writer.bytes(metric);
      writer.bytes(texts.series(point.dimensions));
      writer.bytes(when);
      if (point.id === undefined) writer.byte(0);
      else writer.text(point.id);
      writer.uint64(position + index);
      writer.instant(recordedAt);
      writer.instant(readAt);
      writer.uint64(point.revision ?? 0);
      writer.bytes(feeder);
      parts(writer, point);
      this.#rows++;
    }
  }

  /** The same bytes. What all rows of the record share is written once and copied. */
  #columns({ periods, scaled, dimensions }: PointColumns, place: Place): void {
    const [writer, texts] = [this.#writer, this.#texts];
    const start = writer.length;
    writer.bytes(this.#workspace);
    writer.bytes(place.metric);
    const headBytes = writer.length - start;
    let middle = 0;
    let middleBytes = 0;
    let label: string | undefined;
    let when: Uint8Array | undefined;
    for (let index = 0; index < periods.length; index++) {
      if (when === undefined || periods[index] !== label) {
        label = periods[index]!;
        when = texts.period(label);
      }
      if (index > 0) writer.again(start, headBytes);
      writer.bytes(texts.sharedSeries(dimensions[index]!));
      writer.bytes(when);
      writer.byte(0);
      writer.uint64(place.position + index);
      if (index > 0) writer.again(middle, middleBytes);
      else {
        middle = writer.length;
        writer.instant(place.recordedAt);
        writer.instant(place.readAt);
        writer.uint64(0);
        writer.bytes(place.feeder);
        middleBytes = writer.length - middle;
      }
      writer.plainParts(scaled[index]!);
    }
    this.#rows += periods.length;
  }
}

/** What the rows of a record share. */
interface Place {
  readonly metric: Uint8Array;
  readonly feeder: Uint8Array;
  readonly position: Position;
  readonly recordedAt: Instant;
  readonly readAt: Instant;
}

function parts(writer: Writer, { value, numerator, denominator }: PointStatement): void {
  decimal(writer, value);
  decimal(writer, numerator);
  decimal(writer, denominator);
}

function decimal(writer: Writer, text: string | null | undefined): void {
  if (text === undefined || text === null) {
    writer.byte(1);
    return;
  }
  writer.byte(0);
  writer.decimal(text, 128);
}

/** Encoded once and copied from then on: names, series, and labels with the time that they say. Of one workspace. */
export class ObservationTexts {
  readonly #texts = new Map<string, Uint8Array>();
  readonly #periods = new Map<string, Uint8Array>();
  readonly #series = new Map<string, Uint8Array>();
  readonly #byDimensions = new ByDimensions((key) => this.#keyed(key));

  text(text: string): Uint8Array {
    return remembered(this.#texts, text, (writer) => writer.text(text));
  }

  /** The columns `period` and `at` of a period point. */
  period(label: string): Uint8Array {
    return remembered(this.#periods, label, (writer) => {
      writer.text(label);
      writer.instant(atOfLabel(label));
    });
  }

  /** The same of a time point; `undefined` when the text is no instant. */
  time(text: string): Uint8Array | undefined {
    const at = readInstant(text);
    if (at === undefined) return undefined;
    const writer = new Writer(9);
    writer.text('');
    writer.instant(at);
    return writer.finish();
  }

  series(dimensions: PointStatement['dimensions']): Uint8Array {
    return this.#byDimensions.get(dimensions);
  }

  sharedSeries(dimensions: PointColumns['dimensions'][number]): Uint8Array {
    return this.#byDimensions.ofShared(dimensions);
  }

  #keyed(key: string): Uint8Array {
    return remembered(this.#series, key, (writer) => writer.text(key));
  }
}

function remembered(known: Map<string, Uint8Array>, text: string, write: (writer: Writer) => void): Uint8Array {
  let bytes = known.get(text);
  if (bytes === undefined) {
    const writer = new Writer(text.length * 3 + 24);
    write(writer);
    // A copy of its own size: what is remembered should not hold a larger buffer.
    bytes = Uint8Array.from(writer.finish());
    if (known.size >= REMEMBERED_MAX) known.clear();
    known.set(text, bytes);
  }
  return bytes;
}
