import { type DefinitionFold, type Document, documentId, type Position } from '@paceline/domain';
import { checkDocuments, DOCUMENTS_MAX, type DocumentFault, type LoadedDocument, refuses } from '@paceline/events';
import { type Consequence, consequencesOf } from './consequences.ts';
import { type Diff, diffDocuments } from './diff.ts';

export interface Plan extends Diff {
  /** The definitions it was made against: what an apply of it expects. */
  readonly expects: Position | null;
  readonly consequences: readonly Consequence[];
  readonly warnings: readonly DocumentFault[];
}

export interface PlanOptions {
  readonly prune: boolean;
  /** Documents a workspace may have. Default 20,000. */
  readonly documentsMax?: number;
}

export type Planned =
  | { readonly ok: true; readonly plan: Plan }
  | { readonly ok: false; readonly faults: readonly DocumentFault[] };

export type Given = LoadedDocument | { readonly document: Document };

/** The change from the current definitions to the given ones, or everything wrong with what would result. Changes nothing. */
export function planDefinitions(fold: DefinitionFold, given: readonly Given[], options: PlanOptions): Planned {
  const documents = given.map(({ document }) => document);
  const current = new Map([...fold.documents].map(([id, known]) => [id, known.document]));
  const ids = new Set(documents.map(documentId));
  // The whole result is checked: a document that stays may name one that is removed.
  const staying: Given[] = options.prune
    ? []
    : [...current].flatMap(([id, document]) => (ids.has(id) ? [] : [{ document }]));
  const result = [...given, ...staying];
  const max = options.documentsMax ?? DOCUMENTS_MAX;
  if (result.length > max) return { ok: false, faults: [tooMany(result.length, max)] };
  const faults = checkDocuments(result);
  if (refuses(faults)) return { ok: false, faults: faults.filter(({ severity }) => severity !== 'warning') };
  const diff = diffDocuments(current, documents, options);
  const consequences = consequencesOf(fold.definitions, diff);
  return { ok: true, plan: { ...diff, expects: fold.definitions.position, consequences, warnings: faults } };
}

function tooMany(count: number, max: number): DocumentFault {
  return {
    document: '',
    pointer: '',
    code: 'too_many_documents',
    message: `the workspace would have ${count} documents, at most ${max} are allowed`,
    remedy: 'split the definitions over several workspaces, or raise limits.documents',
  };
}
