import type { Evaluation, SubjectAbout } from '../wire.ts';

export type NodeKind = 'unit' | 'objective' | 'key_result' | 'kpi' | 'group';

/** How a parent is put together, as the definitions say. */
export interface TreeEntry {
  /** A subject, or `unit/NAME` of a unit that is not judged. */
  readonly id: string;
  readonly kind: NodeKind;
  readonly title: string | null;
  readonly owner: string | null;
  /** Of objectives: how its members make one progress. */
  readonly rollup: 'mean' | 'min' | null;
  /** Within its parent's roll-up; `null` where nothing rolls up into the parent. */
  readonly weight: number | null;
  readonly children: readonly TreeEntry[];
}

/** One row of the tree, with all that is known of it. */
export interface Node {
  readonly id: string;
  readonly kind: NodeKind;
  readonly title: string;
  readonly owner: string | null;
  /** Node of the organisation tree that it stands in. */
  readonly unit: string | null;
  readonly measure: string | null;
  readonly evaluation: Evaluation | null;
  readonly rollup: 'mean' | 'min' | null;
  readonly weight: number | null;
  /** Its part of all the weight beside it, in [0, 1]. */
  readonly share: number | null;
  readonly children: readonly Node[];
}

export interface Known {
  readonly evaluations: ReadonlyMap<string, Evaluation>;
  readonly about: Readonly<Record<string, SubjectAbout>>;
}

/**
 * Units as the organisation has them, in each its objectives with what makes them up, then its KPIs. What the tree does not
 * name still gets a row: a number that is judged is never hidden.
 */
export function buildTree(entries: readonly TreeEntry[], known: Known): Node[] {
  const placed = new Set<string>();
  const byUnit = Map.groupBy(unplacedKpis(entries, known), (subject) => known.about[subject]?.unit ?? '');
  const roots = entries.map((entry) => nodeOf(entry, '', { known, placed, byUnit }));
  const rest = [...known.evaluations.keys()].filter((subject) => !placed.has(subject));
  const others = subjectNodes(rest, known);
  if (others.length === 0) return roots;
  if (roots.length === 0) return others;
  return [...roots, group('group/other', 'Without a unit', others)];
}

interface Building {
  readonly known: Known;
  readonly placed: Set<string>;
  readonly byUnit: Map<string, string[]>;
}

function nodeOf(entry: TreeEntry, unit: string, building: Building): Node {
  const { known, placed, byUnit } = building;
  const evaluation = known.evaluations.get(entry.id) ?? null;
  if (evaluation !== null) placed.add(entry.id);
  const name = entry.kind === 'unit' ? nameOf(entry.id) : unit;
  const children = entry.children.map((child) => nodeOf(child, name, building));
  const kpis = entry.kind === 'unit' ? (byUnit.get(name) ?? []) : [];
  for (const subject of kpis) placed.add(subject);
  const goals = children.filter(({ kind }) => kind !== 'unit');
  const units = children.filter(({ kind }) => kind === 'unit');
  const about = known.about[entry.id];
  return {
    id: entry.id,
    kind: entry.kind,
    title: entry.title ?? about?.title ?? nameOf(entry.id),
    owner: entry.owner ?? about?.owner ?? null,
    unit: name === '' ? null : name,
    measure: about?.measure ?? null,
    evaluation,
    rollup: entry.rollup,
    weight: entry.weight,
    share: null,
    children: withShares([...goals, ...subjectNodes(kpis, known), ...units]),
  };
}

function unplacedKpis(entries: readonly TreeEntry[], known: Known): string[] {
  const named = new Set<string>();
  const visit = (entry: TreeEntry): void => {
    named.add(entry.id);
    entry.children.forEach(visit);
  };
  entries.forEach(visit);
  return [...known.evaluations.keys()].filter((subject) => subject.startsWith('kpi/') && !named.has(subject));
}

/** Subjects that the tree does not place. A closed period of a KPI stands below the KPI itself. */
function subjectNodes(subjects: readonly string[], known: Known): Node[] {
  const closed = Map.groupBy(
    subjects.filter((subject) => subject.startsWith('kpi/') && subject.includes('@')),
    (subject) => subject.slice(0, subject.indexOf('@')),
  );
  const present = new Set(subjects);
  return subjects
    .filter(
      (subject) => !subject.startsWith('kpi/') || !present.has(subject.split('@')[0] ?? '') || !subject.includes('@'),
    )
    .map((subject) => subjectNode(subject, known, closed.get(subject) ?? []));
}

function subjectNode(subject: string, known: Known, closed: readonly string[]): Node {
  const about = known.about[subject];
  const label = subject.startsWith('kpi/') ? subject.split('@')[1] : undefined;
  return {
    id: subject,
    kind: kindOf(subject),
    title: label ?? about?.title ?? nameOf(subject),
    owner: about?.owner ?? null,
    unit: about?.unit ?? null,
    measure: about?.measure ?? null,
    evaluation: known.evaluations.get(subject) ?? null,
    rollup: null,
    weight: null,
    share: null,
    children: closed.map((each) => subjectNode(each, known, [])),
  };
}

function group(id: string, title: string, children: readonly Node[]): Node {
  const none = { owner: null, unit: null, measure: null, evaluation: null, rollup: null, weight: null, share: null };
  return { id, kind: 'group', title, ...none, children };
}

function withShares(nodes: readonly Node[]): Node[] {
  const total = nodes.reduce((sum, { weight }) => sum + (weight ?? 0), 0);
  return nodes.map((node) => (node.weight === null || total <= 0 ? node : { ...node, share: node.weight / total }));
}

export function kindOf(subject: string): NodeKind {
  const kind = subject.slice(0, subject.indexOf('/'));
  return kind === 'unit' || kind === 'objective' || kind === 'key_result' || kind === 'kpi' ? kind : 'group';
}

/** `grow-emea` of `objective/grow-emea`, `churn` of `key_result/grow-emea/churn`, `sales` of `unit/sales@2026-q4`. */
export function nameOf(subject: string): string {
  const last = subject.slice(subject.lastIndexOf('/') + 1);
  return kindOf(subject) === 'unit' ? (last.split('@')[0] ?? last) : last;
}

export function countNodes(nodes: readonly Node[]): number {
  return nodes.reduce((sum, { children }) => sum + 1 + countNodes(children), 0);
}

export function findNode(nodes: readonly Node[], id: string): Node | undefined {
  for (const node of nodes) {
    const found = node.id === id ? node : findNode(node.children, id);
    if (found !== undefined) return found;
  }
  return undefined;
}
