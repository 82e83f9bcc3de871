import {
  type Feeder,
  type Instant,
  type ObservationsFact,
  POINTS_PER_RECORD_MAX,
  type PointColumns,
  type PointStatement,
  safelyScaled,
} from '@paceline/domain';
import { faultOfDimensions, isName, readObservations } from './observations.ts';

/**
 * Reads the body of an observations record as columns, straight from its bytes and without an object or a text a point.
 * `undefined` for every body that is not as plain as those we write ourselves: whitespace, escapes in labels, retractions, time
 * points, ids, values beyond a double, unknown keys, faults of any kind. That is for `JSON.parse` to read, and to refuse.
 */
export function readColumns(body: Uint8Array): ObservationsFact | undefined {
  const head = heads.at(body, 0);
  if (head === undefined) return undefined;
  const columns = reader.points(body, head.bytes.length);
  if (columns === undefined) return undefined;
  return new PlainObservations(body, head.value, columns);
}

interface Head {
  readonly metric: string;
  readonly feeder: Feeder;
  readonly readAt?: Instant;
  readonly run?: string;
}

/** A fact whose points are made only for who asks for them. */
class PlainObservations implements ObservationsFact {
  readonly type = 'observations';
  readonly metric: string;
  readonly feeder: Feeder;
  readonly readAt?: Instant;
  readonly run?: string;
  readonly columns: PointColumns;
  readonly #body: Uint8Array;
  #points: readonly PointStatement[] | undefined;

  constructor(body: Uint8Array, { metric, feeder, readAt, run }: Head, columns: PointColumns) {
    this.metric = metric;
    this.feeder = feeder;
    if (readAt !== undefined) this.readAt = readAt;
    if (run !== undefined) this.run = run;
    this.columns = columns;
    this.#body = body;
  }

  get points(): readonly PointStatement[] {
    this.#points ??= pointsOf(this.#body);
    return this.#points;
  }
}

function pointsOf(body: Uint8Array): readonly PointStatement[] {
  const read = readObservations(JSON.parse(utf8.decode(body)));
  if (!read.ok) throw new Error(`a record that was read as columns is refused: ${read.message}`);
  return read.fact.points;
}

/** A mark of byte order is a character like others within a body. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A piece of a body and what it says. */
interface Phrase<Value> {
  readonly bytes: Uint8Array;
  readonly value: Value;
  /** What followed it last. */
  next: Phrase<Value> | undefined;
}

const PHRASES_MAX = 10_000;
/** Longer ones are not kept. */
const PHRASE_BYTES_MAX = 1_024;

/**
 * Pieces of bodies that repeat from record to record, mostly in the order in which they came before: found by comparing bytes
 * with the last one and its follower, seldom by a look-up.
 */
class Phrases<Value> {
  readonly #end: (body: Uint8Array, from: number) => number;
  readonly #read: (text: string) => Value | undefined;
  readonly #known = new Map<string, Phrase<Value>>();
  #last: Phrase<Value> | undefined;

  /**
   * `end`: the offset after a piece that begins at `from`, or -1. `read`: what its text says, `undefined` where that is for
   * others to read. Both see to it that one piece is never the beginning of another.
   */
  constructor(end: (body: Uint8Array, from: number) => number, read: (text: string) => Value | undefined) {
    this.#end = end;
    this.#read = read;
  }

  at(body: Uint8Array, from: number): Phrase<Value> | undefined {
    const last = this.#last;
    if (last !== undefined) {
      if (stands(last.bytes, body, from)) return last;
      const { next } = last;
      if (next !== undefined && stands(next.bytes, body, from)) {
        this.#last = next;
        return next;
      }
    }
    const found = this.#find(body, from);
    if (found === undefined) return undefined;
    if (last !== undefined) last.next = found;
    this.#last = found;
    return found;
  }

  #find(body: Uint8Array, from: number): Phrase<Value> | undefined {
    const end = this.#end(body, from);
    if (end < 0 || end - from > PHRASE_BYTES_MAX) return undefined;
    const bytes = body.subarray(from, end);
    const text = textOf(bytes);
    if (text === undefined) return undefined;
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const value = this.#read(text);
    if (value === undefined) return undefined;
    const phrase: Phrase<Value> = { bytes: Uint8Array.from(bytes), value, next: undefined };
    if (this.#known.size >= PHRASES_MAX) this.#known.clear();
    this.#known.set(text, phrase);
    return phrase;
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** From the end: pieces of one kind differ there first. */
function stands(bytes: Uint8Array, body: Uint8Array, from: number): boolean {
  if (from + bytes.length > body.length) return false;
  for (let at = bytes.length - 1; at >= 0; at--) if (bytes[at] !== body[from + at]) return false;
  return true;
}

const QUOTE = 34;
const COMMA = 44;
const MINUS = 45;
const POINT = 46;
const ZERO = 48;
const COLON = 58;
const BACKSLASH = 92;
const OPEN = 123;
const CLOSE = 125;
const END_OF_LIST = 93;

const POINTS = Buffer.from('"points":[');

/** Up to and with the opening of the points. A quote within a text is escaped, so nothing but a key looks like it. */
const heads = new Phrases<Head>(
  (body, from) => {
    const at = Buffer.from(body.buffer, body.byteOffset, body.byteLength).indexOf(POINTS, from);
    return at < 0 ? -1 : at + POINTS.length;
  },
  (text) => {
    // A point of no moment, since a record without any is refused.
    const read = readObservations(parsed(`${text}{"period":"-","value":null}]}`));
    if (!read.ok || read.fact.points.length !== 1) return undefined;
    const { type: _, points: __, ...head } = read.fact;
    return head;
  },
);

/** A label and its closing quote. */
const labels = new Phrases<string>(
  (body, from) => {
    for (let at = from; at < body.length; at++) {
      const byte = body[at]!;
      if (byte === BACKSLASH || byte < 32) return -1;
      if (byte === QUOTE) return at + 1;
    }
    return -1;
  },
  (text) => {
    const label = text.slice(0, -1);
    return isName(label) ? label : undefined;
  },
);

/** An object of dimensions. Cut off within a text, it is no JSON and left to others. */
const dimensions = new Phrases<Readonly<Record<string, string>>>(
  (body, from) => {
    if (body[from] !== OPEN) return -1;
    const at = body.indexOf(CLOSE, from);
    return at < 0 ? -1 : at + 1;
  },
  (text) => {
    const object = parsed(text);
    return faultOfDimensions(object) === undefined ? (object as Readonly<Record<string, string>>) : undefined;
  },
);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const NO_DIMENSIONS: Readonly<Record<string, string>> = Object.freeze({});

const PERIOD = Buffer.from('"period":"');
const VALUE = Buffer.from('"value":"');
const DIMENSIONS = Buffer.from('"dimensions":');

/** Keys that a point has had, one bit each. */
const HAS_PERIOD = 1;
const HAS_VALUE = 2;
const HAS_DIMENSIONS = 4;

/** One place in one body; every method goes on from there, or answers that others must read it. */
class Reader {
  #body: Uint8Array = new Uint8Array();
  #at = 0;
  #scaled = 0;
  #period = '';
  #dimensions = NO_DIMENSIONS;

  /** The points from `from`, behind the bracket that opens them, to the end of the body. */
  points(body: Uint8Array, from: number): PointColumns | undefined {
    this.#body = body;
    this.#at = from;
    const columns = { periods: [] as string[], scaled: [] as number[], dimensions: [] as (typeof NO_DIMENSIONS)[] };
    for (;;) {
      if (!this.#point() || columns.periods.length === POINTS_PER_RECORD_MAX) return undefined;
      columns.periods.push(this.#period);
      columns.scaled.push(this.#scaled);
      columns.dimensions.push(this.#dimensions);
      const byte = body[this.#at++];
      if (byte === COMMA) continue;
      const isEnd = byte === END_OF_LIST && body[this.#at] === CLOSE && this.#at === body.length - 1;
      return isEnd ? columns : undefined;
    }
  }

  #point(): boolean {
    const body = this.#body;
    if (body[this.#at++] !== OPEN) return false;
    let has = 0;
    this.#dimensions = NO_DIMENSIONS;
    for (;;) {
      const key = this.#key();
      if (key === 0 || (has & key) !== 0) return false;
      has |= key;
      if (key === HAS_PERIOD ? !this.#label() : key === HAS_VALUE ? !this.#decimal() : !this.#names()) return false;
      const byte = body[this.#at++];
      if (byte === CLOSE) return (has & (HAS_PERIOD | HAS_VALUE)) === (HAS_PERIOD | HAS_VALUE);
      if (byte !== COMMA) return false;
    }
  }

  /** Goes behind the key and what opens its value; 0 for any other key or value. */
  #key(): number {
    // The first letter tells them apart.
    switch (this.#body[this.#at + 1]) {
      case 112:
        return this.#after(PERIOD, HAS_PERIOD);
      case 118:
        return this.#after(VALUE, HAS_VALUE);
      case 100:
        return this.#after(DIMENSIONS, HAS_DIMENSIONS);
      default:
        return 0;
    }
  }

  #after(text: Uint8Array, key: number): number {
    if (!stands(text, this.#body, this.#at)) return 0;
    this.#at += text.length;
    return key;
  }

  #label(): boolean {
    const label = this.#phrase(labels);
    if (label !== undefined) this.#period = label;
    return label !== undefined;
  }

  #names(): boolean {
    const names = this.#phrase(dimensions);
    if (names !== undefined) this.#dimensions = names;
    return names !== undefined;
  }

  #phrase<Value>(phrases: Phrases<Value>): Value | undefined {
    const phrase = phrases.at(this.#body, this.#at);
    if (phrase !== undefined) this.#at += phrase.bytes.length;
    return phrase?.value;
  }

  /** As `safeScaled` reads a text, up to and with the closing quote. */
  #decimal(): boolean {
    const body = this.#body;
    let at = this.#at;
    const negative = body[at] === MINUS;
    if (negative) at++;
    let [value, digits, places] = [0, 0, -1];
    for (; ; at++) {
      const byte = body[at];
      if (byte === undefined) return false;
      if (byte >= ZERO && byte < COLON) {
        value = value * 10 + (byte - ZERO);
        digits++;
        if (places >= 0) places++;
      } else if (byte === POINT && places < 0 && digits > 0) places = 0;
      else if (byte === QUOTE) break;
      else return false;
    }
    const scaled = safelyScaled({ value, digits, places, negative });
    if (scaled === undefined) return false;
    this.#scaled = scaled;
    this.#at = at + 1;
    return true;
  }
}

const reader = new Reader();
