import { canonicalDecimal } from '@paceline/domain/number/decimal';
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Scalar,
  type Document as YamlDocument,
} from 'yaml';
import { kept } from '../exact-json.ts';
import { type Path, pointerOf } from './fault.ts';

/** Longer texts are refused unread. */
export const FILE_BYTES_MAX = 1024 * 1024;
/** Values in one text. One reached through an alias counts as much as ten that were written: a small file cannot grow into a large one. */
const VALUES_MAX = 200_000;
const ALIASED = 10;
const DEPTH_MAX = 64;

export interface Place {
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

export interface YamlFault extends Place {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly pointer: string;
}

/** One document of a YAML text: plain data, and where each part of it stands. */
export interface ParsedYaml {
  readonly value: unknown;
  /** The place of a value, or of the nearest part around it that was written. */
  placeOf(path: Path): Place;
  /** The place of the key that names it. */
  keyPlaceOf(path: Path): Place;
}

/** What becomes of a text scalar; faults are reported at its place. */
export type ScalarHook = (
  text: string,
  path: Path,
) => { readonly text: string } | { readonly faults: readonly { code: string; message: string; remedy: string }[] };

/**
 * Reads YAML 1.2 core: dates and `yes` are text, duplicate keys and unknown tags are faults. A number with more digits than a
 * double keeps is handed on as its text, so nothing is lost. Never throws on what the text holds; documents that are
 * only comments are left out.
 */
export function parseYaml(text: string, hook: ScalarHook): { documents: ParsedYaml[]; faults: YamlFault[] } {
  const lines = new LineCounter();
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  if (Buffer.byteLength(text) > FILE_BYTES_MAX) {
    return {
      documents: [],
      faults: [invalid({ line: 1, column: 1 }, `longer than ${FILE_BYTES_MAX} bytes`, 'split it')],
    };
  }
  let parsed: YamlDocument.Parsed[];
  try {
    parsed = [...parseAllDocuments(text, { version: '1.2', schema: 'core', lineCounter: lines, prettyErrors: false })];
  } catch (cause) {
    // The parser recurses: brackets nested some thousands deep exhaust the stack.
    const message = cause instanceof Error ? cause.message : String(cause);
    return { documents: [], faults: [invalid({ line: 1, column: 1 }, message, 'nest less deeply')] };
  }
  const faults: YamlFault[] = [];
  const documents: ParsedYaml[] = [];
  let values = VALUES_MAX;
  for (const document of parsed) {
    for (const error of [...document.errors, ...document.warnings]) {
      faults.push(invalid(at(error.pos[0]), error.message, 'correct it here'));
    }
    if (document.errors.length > 0 || document.contents === null) continue;
    if (isScalar(document.contents) && document.contents.value === null && document.contents.source === '') continue;
    const reader = new Reader(document, at, hook, faults, values);
    const value = reader.read(document.contents, [], 0);
    values = reader.values;
    if (reader.exhausted) break;
    documents.push({
      value,
      placeOf: (path) => reader.place(path, false),
      keyPlaceOf: (path) => reader.place(path, true),
    });
  }
  return { documents, faults };
}

function invalid(place: Place, message: string, remedy: string): YamlFault {
  return { ...place, code: 'invalid_yaml', message, remedy, pointer: '' };
}

class Reader {
  values: number;
  /** The text held more than is read: what was read of this document is not whole. */
  exhausted = false;
  readonly #document: YamlDocument.Parsed;
  readonly #at: (offset: number) => Place;
  readonly #hook: ScalarHook;
  readonly #faults: YamlFault[];
  readonly #valueOffsets = new Map<string, number>();
  readonly #keyOffsets = new Map<string, number>();

  constructor(
    document: YamlDocument.Parsed,
    at: (offset: number) => Place,
    hook: ScalarHook,
    faults: YamlFault[],
    values: number,
  ) {
    this.#document = document;
    this.#at = at;
    this.#hook = hook;
    this.#faults = faults;
    this.values = values;
  }

  place(path: Path, key: boolean): Place {
    for (let length = path.length; length >= 0; length--) {
      const pointer = pointerOf(path.slice(0, length));
      const own = key && length === path.length ? this.#keyOffsets.get(pointer) : undefined;
      // A missing key has no place: the key of the map it belongs into is where a person looks.
      const around = length < path.length || key ? this.#keyOffsets.get(pointer) : undefined;
      const offset = own ?? around ?? this.#valueOffsets.get(pointer);
      if (offset !== undefined) return this.#at(offset);
    }
    return { line: 1, column: 1 };
  }

  read(node: unknown, path: Path, depth: number, aliased = false): unknown {
    if (this.values <= 0 || depth > DEPTH_MAX) return this.#tooLarge(path, depth);
    this.values -= aliased ? ALIASED : 1;
    if (isAlias(node)) {
      this.#mark(path, node.range?.[0]);
      return this.read(node.resolve(this.#document), path, depth + 1, true);
    }
    if (isMap(node)) {
      if (!aliased) this.#mark(path, node.range?.[0]);
      return this.#map(node.items, path, depth, aliased);
    }
    if (isSeq(node)) {
      if (!aliased) this.#mark(path, node.range?.[0]);
      const list: unknown[] = [];
      for (const [index, item] of node.items.entries()) {
        if (this.exhausted) break;
        list.push(this.read(item, [...path, index], depth + 1, aliased));
      }
      return list;
    }
    if (!isScalar(node)) return null;
    if (!aliased) this.#mark(path, node.range?.[0]);
    return this.#scalar(node, path);
  }

  #map(
    items: readonly { readonly key: unknown; readonly value: unknown }[],
    path: Path,
    depth: number,
    aliased: boolean,
  ): unknown {
    const made: Record<string, unknown> = {};
    for (const { key, value } of items) {
      if (this.exhausted) break;
      const name = isScalar(key) ? (key.source ?? String(key.value)) : undefined;
      if (name === undefined || name === '__proto__') {
        const offset = isMap(key) || isSeq(key) || isScalar(key) ? key.range?.[0] : undefined;
        this.#fault('invalid_yaml', path, 'a key must be plain text', 'write a word before the colon', offset);
        continue;
      }
      const inner = [...path, name];
      if (isScalar(key) && key.range && !aliased) this.#keyOffsets.set(pointerOf(inner), key.range[0]);
      made[name] = this.read(value, inner, depth + 1, aliased);
    }
    return made;
  }

  #scalar(node: Scalar, path: Path): unknown {
    const { value, source } = node;
    if (typeof value === 'number') return exactly(value, source);
    if (typeof value !== 'string') return value;
    const made = this.#hook(value, path);
    if ('text' in made) return made.text;
    for (const { code, message, remedy } of made.faults) this.#fault(code, path, message, remedy, node.range?.[0]);
    return value;
  }

  #mark(path: Path, offset: number | undefined): void {
    const pointer = pointerOf(path);
    if (offset !== undefined && !this.#valueOffsets.has(pointer)) this.#valueOffsets.set(pointer, offset);
  }

  #fault(code: string, path: Path, message: string, remedy: string, offset: number | undefined): void {
    const place = offset === undefined ? this.place(path, false) : this.#at(offset);
    this.#faults.push({ ...place, code, message, remedy, pointer: pointerOf(path) });
  }

  #tooLarge(path: Path, depth: number): undefined {
    const message =
      depth > DEPTH_MAX ? `nested more than ${DEPTH_MAX} deep` : `more than ${VALUES_MAX} values, aliases included`;
    if (!this.exhausted) this.#fault('invalid_yaml', path, message, 'split the file', undefined);
    this.exhausted = true;
    return undefined;
  }
}

/** A number by its shortest text; one that a double does not keep, or that is no decimal, by its own. */
function exactly(value: number, source: string | undefined): number | string {
  if (source === undefined || kept(value, source)) return value;
  return !Number.isFinite(value) || typeof canonicalDecimal(source) === 'string' ? source : value;
}
