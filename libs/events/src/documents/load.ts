import { type Document, documentId, type Kind } from '@paceline/domain';
import { suggest } from '@paceline/domain/metric/suggest';
import type { z } from 'zod';
import { type DocumentFault, type Path, pointerOf } from './fault.ts';
import { SCHEMAS } from './schema.ts';
import { type Environment, substitute } from './substitute.ts';
import { type ParsedYaml, type Place, parseYaml, type ScalarHook } from './yaml.ts';
import { shapeFaults } from './zod-faults.ts';

export const DOCUMENTS_MAX = 20_000;
/** Told of one file; a file that is no YAML at all has one at every character. */
export const FAULTS_MAX = 100;

export interface SourceText {
  /** Shown in faults: as the user would name it. */
  readonly file: string;
  readonly text: string;
}

/** A document and where its parts stand, so that faults found later by meaning can name the line too. */
export interface LoadedDocument {
  readonly document: Document;
  readonly file: string;
  placeOf(path: Path): Place;
}

export interface Loaded {
  readonly documents: readonly LoadedDocument[];
  /** Everything wrong with shapes, at once; a document with faults is not among `documents`. */
  readonly faults: readonly DocumentFault[];
}

/** Reads definition documents from YAML texts of many documents each. Pure: the environment is handed in. */
export function loadDocuments(texts: readonly SourceText[], env: Environment): Loaded {
  const documents: LoadedDocument[] = [];
  const faults: DocumentFault[] = [];
  for (const { file, text } of texts) {
    const parsed = parseYaml(text, substituting(env));
    const found: DocumentFault[] = parsed.faults.map((fault) => ({ file, document: '', ...fault }));
    const said = new Set(parsed.faults.map(({ line, pointer }) => `${line} ${pointer}`));
    for (const yaml of parsed.documents) {
      const read = readDocument(yaml.value, { file, yaml, base: [] });
      // What was refused inside a scalar has been said already, at the same place.
      found.push(...read.faults.filter(({ line, pointer }) => !said.has(`${line} ${pointer}`)));
      if (read.ok) documents.push({ document: read.document, file, placeOf: (path) => yaml.placeOf(path) });
    }
    faults.push(...bounded(found, file));
  }
  if (documents.length > DOCUMENTS_MAX) {
    faults.push({
      document: '',
      pointer: '',
      code: 'too_many_documents',
      message: `${documents.length} documents, at most ${DOCUMENTS_MAX} are taken`,
      remedy: 'split the definitions over several workspaces',
    });
  }
  return { documents, faults: inOrder(faults) };
}

function bounded(faults: readonly DocumentFault[], file: string): readonly DocumentFault[] {
  if (faults.length <= FAULTS_MAX) return faults;
  const more = {
    file,
    document: '',
    pointer: '',
    code: 'invalid_yaml',
    message: `and ${faults.length - FAULTS_MAX} more faults`,
    remedy: 'correct the first ones and look again',
  };
  return [...faults.slice(0, FAULTS_MAX), more];
}

/** By file as given, then by line: the order in which a person corrects them. */
export function inOrder(faults: readonly DocumentFault[]): readonly DocumentFault[] {
  const files = [...new Set(faults.map(({ file }) => file))];
  const placed = faults.map((fault) => ({ fault, file: files.indexOf(fault.file) }));
  const by = (left: (typeof placed)[number], right: (typeof placed)[number]) =>
    left.file - right.file ||
    (left.fault.line ?? 0) - (right.fault.line ?? 0) ||
    (left.fault.column ?? 0) - (right.fault.column ?? 0);
  return placed.sort(by).map(({ fault }) => fault);
}

/** Hands every text scalar to `substitute`. */
export function substituting(env: Environment): ScalarHook {
  return (text) => {
    const made = substitute(text, env);
    return made.ok ? { text: made.text } : { faults: made.faults };
  };
}

/** Where a raw document stands: in a file of its own, or somewhere inside a scenario. Absent for what came over HTTP. */
export interface Standing {
  readonly file?: string;
  readonly yaml?: ParsedYaml;
  /** Path of the document inside the YAML document. */
  readonly base: Path;
}

export type ReadDocument =
  | { readonly ok: true; readonly document: Document; readonly faults: readonly [] }
  | { readonly ok: false; readonly faults: readonly DocumentFault[] };

/** One raw document, already parsed, to a normalised one or all its faults of shape. */
export function readDocument(raw: unknown, standing: Standing): ReadDocument {
  const refuse = (path: Path, atKey: boolean, code: string, message: string, remedy: string): DocumentFault => ({
    ...placed(standing, path, atKey),
    document: idOf(raw),
    pointer: pointerOf(path),
    code,
    message,
    remedy,
  });
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    const message = 'a document is a map with apiVersion, kind, metadata and spec';
    return { ok: false, faults: [refuse([], false, 'invalid_type', message, 'write the four keys')] };
  }
  const kind: unknown = 'kind' in raw ? raw.kind : undefined;
  if (kind === undefined) {
    return {
      ok: false,
      faults: [refuse([], false, 'missing_key', '"kind" is missing', `add kind: ${KINDS.join(' | ')}`)],
    };
  }
  if (typeof kind !== 'string' || !isKind(kind)) {
    const near = typeof kind === 'string' ? suggest(kind, KINDS) : undefined;
    const remedy = near === undefined ? `use one of ${KINDS.join(', ')}` : `did you mean "${near}"?`;
    return {
      ok: false,
      faults: [
        refuse(['kind'], false, 'invalid_value', `there is no kind ${JSON.stringify(kind).slice(0, 80)}`, remedy),
      ],
    };
  }
  const schema: z.ZodType<Document> = SCHEMAS[kind];
  const parsed = schema.safeParse(raw);
  const misplaced = secretsOutside(raw, kind).map((path) =>
    refuse(
      path,
      false,
      'invalid_value',
      'a secret is resolved only in the config of a source and in url and secret of a channel',
      'move it there',
    ),
  );
  if (parsed.success && misplaced.length === 0) return { ok: true, document: parsed.data, faults: [] };
  const shape = parsed.success ? [] : shapeFaults(parsed.error, raw);
  const found = shape.map((fault) => refuse(fault.path, fault.atKey, fault.code, fault.message, fault.remedy));
  return { ok: false, faults: [...found, ...misplaced] };
}

const KINDS = Object.keys(SCHEMAS);

function isKind(kind: string): kind is Kind {
  return Object.hasOwn(SCHEMAS, kind);
}

function placed(standing: Standing, path: Path, atKey: boolean): Partial<DocumentFault> {
  const { file, yaml, base } = standing;
  if (yaml === undefined) return file === undefined ? {} : { file };
  const full = [...base, ...path];
  return { ...(file === undefined ? {} : { file }), ...(atKey ? yaml.keyPlaceOf(full) : yaml.placeOf(full)) };
}

/** The id as far as the raw document tells it: faults should name the document even when its shape is wrong. */
function idOf(raw: unknown): string {
  if (typeof raw !== 'object' || raw === null || !('kind' in raw) || !('metadata' in raw)) return '';
  const { kind, metadata } = raw;
  if (typeof kind !== 'string' || !isKind(kind) || typeof metadata !== 'object' || metadata === null) return '';
  const name: unknown = 'name' in metadata ? metadata.name : undefined;
  return typeof name === 'string' ? documentId({ kind, metadata: { name } }) : '';
}

/** Places of secret references where nobody would resolve them, so that they would be sent or shown as they stand. */
function secretsOutside(raw: object, kind: Kind): Path[] {
  const found: Path[] = [];
  const walk = (value: unknown, path: Path): void => {
    if (typeof value === 'string') {
      if (value.includes('${secret:') && !takesSecrets(kind, path)) found.push(path);
    } else if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) walk(item, [...path, index]);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) walk(item, [...path, key]);
    }
  };
  walk(raw, []);
  return found;
}

function takesSecrets(kind: Kind, path: Path): boolean {
  if (path[0] !== 'spec') return false;
  return kind === 'Source' ? path[1] === 'config' : kind === 'Channel' && (path[1] === 'url' || path[1] === 'secret');
}
