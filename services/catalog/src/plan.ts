import {
  canonicalJson,
  DEFAULTS_ID,
  type DefinitionFold,
  type Document,
  documentId,
  type Position,
  PRESETS,
  resolvedDefaults,
  type WorkspaceDefaults,
} from '@paceline/domain';
import { checkDocuments, DOCUMENTS_MAX, type DocumentFault, type LoadedDocument, refuses } from '@paceline/events';
import { type Consequence, consequencesOf } from './consequences.ts';
import { type Diff, type DocumentChange, diffDocuments, fieldChanges } from './diff.ts';

export interface Plan extends Diff {
  /** The definitions it was made against: what an apply of it expects. */
  readonly expects: Position | null;
  /** When they change: policy and pace of subjects that name none. */
  readonly defaults: WorkspaceDefaults | null;
  readonly consequences: readonly Consequence[];
  readonly warnings: readonly DocumentFault[];
}

export interface PlanOptions {
  readonly prune: boolean;
  /** Documents a workspace may have. Default 20,000. */
  readonly documentsMax?: number;
  /** What the workspace's defaults are to be; absent: as they are. */
  readonly defaults?: WorkspaceDefaults | undefined;
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
  const defaults = options.defaults ?? fold.definitions.defaults;
  const faults = [...checkDocuments(result), ...unknownPolicy(defaults, result)];
  if (refuses(faults)) return { ok: false, faults: faults.filter(({ severity }) => severity !== 'warning') };
  const diff = diffDocuments(current, documents, options);
  const consequences = consequencesOf(fold.definitions, diff);
  const change = defaultsChange(fold.definitions.defaults, defaults);
  const plan: Plan = {
    ...diff,
    changes: [...diff.changes, ...change],
    defaults: change.length === 0 ? null : defaults,
    expects: fold.definitions.position,
    consequences,
    warnings: faults,
  };
  return { ok: true, plan };
}

function defaultsChange(before: WorkspaceDefaults, after: WorkspaceDefaults): DocumentChange[] {
  const [left, right] = [resolvedDefaults(before), resolvedDefaults(after)];
  if (canonicalJson(left) === canonicalJson(right)) return [];
  return [{ id: DEFAULTS_ID, change: 'changed', fields: fieldChanges(left, right) }];
}

/** A default that names nothing would be passed over, and everything judged by another policy than was meant. */
function unknownPolicy(defaults: WorkspaceDefaults, result: readonly Given[]): DocumentFault[] {
  const { policy } = resolvedDefaults(defaults);
  const isKnown =
    PRESETS.has(policy) ||
    result.some(({ document }) => document.kind === 'Policy' && document.metadata.name === policy);
  if (isKnown) return [];
  return [
    {
      document: DEFAULTS_ID,
      pointer: '/policy',
      code: 'unknown_reference',
      message: `there is no policy "${policy}", which is to be that of subjects that name none`,
      remedy: 'define it, or name another as policy in paceline.yaml',
    },
  ];
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
