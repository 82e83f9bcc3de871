import { canonicalJson, type Document, documentId } from '@paceline/domain';

/** One place of a document that differs: `spec.keyResults[mrr-emea].target`. Absent is `null`. */
export interface FieldChange {
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

export interface DocumentChange {
  readonly id: string;
  readonly change: 'added' | 'changed' | 'removed';
  /** Of changed documents only. */
  readonly fields: readonly FieldChange[];
}

export interface Diff {
  /** Added and changed in the order given, then removed in the order of their ids. */
  readonly changes: readonly DocumentChange[];
  readonly unchanged: number;
  readonly put: readonly Document[];
  readonly remove: readonly string[];
}

/** What an apply would change. Without `prune` documents that are not given stay as they are. */
export function diffDocuments(
  current: ReadonlyMap<string, Document>,
  given: readonly Document[],
  options: { readonly prune: boolean },
): Diff {
  const changes: DocumentChange[] = [];
  const put: Document[] = [];
  const ids = new Set<string>();
  for (const document of given) {
    const id = documentId(document);
    ids.add(id);
    const before = current.get(id);
    if (before !== undefined && canonicalJson(before) === canonicalJson(document)) continue;
    put.push(document);
    changes.push(
      before === undefined
        ? { id, change: 'added', fields: [] }
        : { id, change: 'changed', fields: fieldChanges(before, document) },
    );
  }
  const remove = options.prune ? [...current.keys()].filter((id) => !ids.has(id)).sort() : [];
  changes.push(...remove.map((id): DocumentChange => ({ id, change: 'removed', fields: [] })));
  const unchanged = current.size + changes.filter(({ change }) => change === 'added').length - changes.length;
  return { changes, unchanged, put, remove };
}

/** Keys by which the items of a list are told apart; other lists are compared as a whole. */
const ITEM_KEYS = ['name', 'effectiveFrom', 'label', 'date'];

export function fieldChanges(before: unknown, after: unknown, field = ''): FieldChange[] {
  if (canonicalJson(before ?? null) === canonicalJson(after ?? null)) return [];
  if (isObject(before) && isObject(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) => fieldChanges(before[key], after[key], field === '' ? key : `${field}.${key}`));
  }
  const left = itemsOf(before);
  const right = itemsOf(after);
  if (left === undefined || right === undefined) return [{ field, before: before ?? null, after: after ?? null }];
  const keys = new Set([...left.keys(), ...right.keys()]);
  const found = [...keys].flatMap((key) => fieldChanges(left.get(key), right.get(key), `${field}[${key}]`));
  // Equal items in another order: the order itself is what changed.
  return found.length > 0 ? found : [{ field, before: [...left.keys()], after: [...right.keys()] }];
}

/** A list's items by the key that names them; `undefined` when they have none, or not each its own. */
function itemsOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (!Array.isArray(value)) return undefined;
  for (const key of ITEM_KEYS) {
    const items = new Map<string, unknown>();
    for (const item of value) {
      const name: unknown = isObject(item) ? item[key] : undefined;
      if (typeof name === 'string') items.set(name, item);
    }
    if (items.size === value.length && value.length > 0) return items;
  }
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
