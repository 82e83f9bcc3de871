import { freshnessNow } from '@paceline/domain/look';
import type { Evaluation, SubjectAbout, TreeData, TreeKpi, TreeMember, TreeObjective, TreeUnit } from '../wire.ts';

export type NodeKind = 'unit' | 'objective' | 'key_result' | 'kpi' | 'group';
export type Freshness = '' | 'fresh' | 'late' | 'stale';

/** How the members of a node make one progress. */
export interface Rollup {
  readonly rule: 'mean' | 'min';
  readonly members: readonly TreeMember[];
}

/** One row of the tree, with all that is known of it. */
export interface Node {
  /** A subject; `unit/NAME` of a unit that is not judged in this cycle. */
  readonly id: string;
  readonly kind: NodeKind;
  readonly title: string;
  readonly owner: string | null;
  /** Node of the organisation tree that it stands in. */
  readonly unit: string | null;
  readonly measure: string | null;
  readonly evaluation: Evaluation | null;
  readonly freshness: Freshness;
  readonly rollup: Rollup | null;
  /** In the roll-up of what stands above it; `null` where nothing rolls up. */
  readonly weight: number | null;
  /** Its part of all the weight in that roll-up, in [0, 1]. */
  readonly share: number | null;
  readonly children: readonly Node[];
}

export interface Known {
  /** Newer ones than those in the tree, by subject. */
  readonly evaluations: ReadonlyMap<string, Evaluation>;
  /** In epoch milliseconds: the server's clock, or the instant asked about. */
  readonly now: number;
}

/** Units as the organisation has them, in each its objectives with what makes them up, then its KPIs, then the units below it. */
export function buildTree(tree: TreeData, known: Known): Node[] {
  const units = tree.units.map((unit) => unitNode(unit, known));
  const others = [
    ...tree.objectives.map((objective) => objectiveNode(objective, null, known)),
    ...tree.kpis.map((kpi) => kpiNode(kpi, known)),
  ];
  if (others.length === 0 || units.length === 0) return [...units, ...others];
  return [...units, groupOf('Without a unit', others)];
}

function unitNode(unit: TreeUnit, known: Known): Node {
  const { name, title, owner, subject, members } = unit;
  const rollup: Rollup | null = members.length === 0 ? null : { rule: 'mean', members };
  return {
    id: subject ?? `unit/${name}`,
    kind: 'unit',
    title: title ?? name,
    owner,
    unit: name,
    measure: null,
    ...standingOfSubject(subject ?? '', unit.evaluation, known),
    rollup,
    weight: null,
    share: null,
    children: [
      ...unit.objectives.map((objective) => objectiveNode(objective, rollup, known)),
      ...unit.kpis.map((kpi) => kpiNode(kpi, known)),
      ...unit.units.map((below) => unitNode(below, known)),
    ],
  };
}

function objectiveNode(objective: TreeObjective, above: Rollup | null, known: Known): Node {
  const { members, keyResults, objectives } = objective;
  const rollup: Rollup = { rule: objective.rollup.rule, members };
  return {
    ...plainNode('objective', objective, known),
    rollup,
    ...weightIn(above, objective.subject),
    children: [
      ...keyResults.map((result) => ({
        ...plainNode('key_result', result, known),
        ...weightIn(rollup, result.subject),
      })),
      ...objectives.map((child) => objectiveNode(child, rollup, known)),
    ],
  };
}

function kpiNode(kpi: TreeKpi, known: Known): Node {
  return plainNode('kpi', kpi, known);
}

interface Plain extends SubjectAbout {
  readonly subject: string;
  readonly name: string;
  readonly evaluation: Evaluation | null;
}

function plainNode(kind: NodeKind, plain: Plain, known: Known): Node {
  return {
    id: plain.subject,
    kind,
    title: plain.title ?? plain.name,
    owner: plain.owner,
    unit: plain.unit,
    measure: plain.measure,
    ...standingOfSubject(plain.subject, plain.evaluation, known),
    rollup: null,
    weight: null,
    share: null,
    children: [],
  };
}

function standingOfSubject(
  subject: string,
  given: Evaluation | null,
  { evaluations, now }: Known,
): Pick<Node, 'evaluation' | 'freshness'> {
  const evaluation = evaluations.get(subject) ?? given;
  if (evaluation === null) return { evaluation, freshness: '' };
  return { evaluation, freshness: freshnessNow(evaluation.lateAt, evaluation.staleAt, now) };
}

/** Members of other units and objectives count in the whole, though they stand elsewhere in the tree. */
function weightIn(above: Rollup | null, subject: string): Pick<Node, 'weight' | 'share'> {
  const weight = above?.members.find((member) => member.subject === subject)?.weight;
  if (above === null || weight === undefined) return { weight: null, share: null };
  const total = above.members.reduce((sum, member) => sum + member.weight, 0);
  return { weight, share: total > 0 ? weight / total : null };
}

function groupOf(title: string, children: readonly Node[]): Node {
  const none = { owner: null, unit: null, measure: null, evaluation: null, rollup: null, weight: null, share: null };
  return { id: 'group/other', kind: 'group', title, ...none, freshness: '', children };
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
