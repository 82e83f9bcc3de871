import {
  type Catalog,
  type CompiledCycle,
  type CompiledKeyResult,
  type CompiledObjective,
  type Effective,
  type EvaluationDocument,
  type Instant,
  inForce,
  instantText,
  type UnitDocument,
} from '@paceline/domain';
import { z } from 'zod';
import { aboutSubject, type SubjectAbout } from './about.ts';
import { evaluationSchema, subjectAboutSchema } from './schemas.ts';

const base = subjectAboutSchema.extend({
  subject: z.string(),
  name: z.string(),
  evaluation: evaluationSchema.nullable(),
});
const keyResultNode = base.extend({ type: z.string(), weight: z.number() });
const kpiNode = base.extend({ direction: z.string() });
const objectiveNode = base.extend({
  parent: z.string().nullable(),
  weight: z.number().describe('In the roll-up of its parent'),
  ambition: z.enum(['committed', 'aspirational']),
  rollup: z.object({ rule: z.enum(['mean', 'min']), minCoverage: z.number() }),
  members: z
    .array(z.object({ subject: z.string(), weight: z.number() }))
    .describe('What rolls up into it: key results and child objectives, of other units too'),
  keyResults: z.array(keyResultNode),
  get objectives() {
    return z.array(objectiveNode).describe('Child objectives of the same unit');
  },
});
z.globalRegistry.add(objectiveNode, { id: 'TreeObjective' });
const unitNode = z.object({
  name: z.string(),
  title: z.string().nullable(),
  owner: z.string().nullable(),
  type: z.string(),
  subject: z.string().nullable().describe('Its roll-up in the cycle, where it has objectives there'),
  evaluation: evaluationSchema.nullable(),
  members: z.array(z.object({ subject: z.string(), weight: z.number() })),
  objectives: z.array(objectiveNode),
  kpis: z.array(kpiNode),
  get units() {
    return z.array(unitNode);
  },
});
z.globalRegistry.add(unitNode, { id: 'TreeUnit' });
const cycleNode = z.object({ name: z.string(), from: z.string(), to: z.string(), timezone: z.string() });

export const treeSchema = z.object({
  cycle: cycleNode.nullable(),
  units: z.array(unitNode),
  objectives: z.array(objectiveNode).describe('Of no unit'),
  kpis: z.array(kpiNode).describe('Of no unit'),
});
export const cyclesSchema = z.array(cycleNode);

type ObjectiveNode = z.output<typeof objectiveNode>;
type UnitNode = z.output<typeof unitNode>;
type KpiNode = z.output<typeof kpiNode>;
type Member = UnitNode['members'][number];

export function cyclesOf(catalog: Catalog): z.output<typeof cyclesSchema> {
  return [...catalog.cycles.values()].sort((left, right) => left.span.from - right.span.from).map(cycleOf);
}

function cycleOf({ name, span, zone }: CompiledCycle): z.output<typeof cycleNode> {
  return { name, from: instantText(span.from), to: instantText(span.to), timezone: zone.name };
}

/** Of the cycles with objectives the one that runs, of several the shortest; else the last that began; else the next. */
export function currentCycle(catalog: Catalog, at: Instant): CompiledCycle | undefined {
  const used = new Set([...catalog.objectives.values()].map(({ cycle }) => cycle));
  const length = ({ span }: CompiledCycle): number => span.to - span.from;
  const [running] = [...used]
    .filter(({ span }) => span.from <= at && at < span.to)
    .sort((a, b) => length(a) - length(b));
  if (running !== undefined) return running;
  const byStart = [...used].sort((left, right) => left.span.from - right.span.from);
  return byStart.findLast(({ span }) => span.from <= at) ?? byStart[0];
}

/** What a tree shows besides the definitions. */
export interface TreeContext {
  readonly catalog: Catalog;
  readonly cycle: CompiledCycle | undefined;
  readonly at: Instant;
  readonly evaluations: ReadonlyMap<string, EvaluationDocument>;
}

/** The subjects that a tree shows. */
export function treeSubjects(catalog: Catalog, cycle: CompiledCycle | undefined): string[] {
  const objectives = [...catalog.objectives.values()].filter((objective) => objective.cycle === cycle);
  return [
    ...objectives.flatMap(({ subject, keyResults }) => [subject, ...keyResults.map((result) => result.subject)]),
    ...[...catalog.unitCycles.values()].filter((unit) => unit.cycle === cycle).map(({ subject }) => subject),
    ...kpisOf(catalog, cycle).map(({ subject }) => subject),
  ];
}

function kpisOf(catalog: Catalog, cycle: CompiledCycle | undefined) {
  // A KPI of another cycle belongs to that one's tree; one without a cycle to every tree.
  return [...catalog.kpis.values()].filter(({ period }) => period.kind !== 'cycle' || period.cycle === cycle);
}

export function treeOf(context: TreeContext): z.output<typeof treeSchema> {
  const { catalog, cycle } = context;
  const parents = (parent: string | undefined): UnitDocument[] =>
    [...catalog.units.values()].filter(({ spec }) => knownParent(catalog, spec.parent) === parent);
  const unitOf = (unit: UnitDocument): UnitNode => ({
    ...unitAlone(context, unit),
    units: parents(unit.metadata.name).map(unitOf),
  });
  return {
    cycle: cycle === undefined ? null : cycleOf(cycle),
    units: parents(undefined).map(unitOf),
    objectives: objectivesOf(context, null),
    kpis: kpiNodes(context, null),
  };
}

function knownParent(catalog: Catalog, parent: string | undefined): string | undefined {
  return parent !== undefined && catalog.units.has(parent) ? parent : undefined;
}

function unitAlone(context: TreeContext, { metadata, spec }: UnitDocument): Omit<UnitNode, 'units'> {
  const { catalog, cycle, evaluations } = context;
  const { name } = metadata;
  const rolled = cycle === undefined ? undefined : catalog.unitCycles.get(`unit/${name}@${cycle.name}`);
  const about = rolled === undefined ? undefined : aboutSubject(catalog, rolled.subject, context.at);
  const owner = typeof metadata.owner === 'string' ? metadata.owner : null;
  return {
    name,
    title: metadata.title ?? null,
    owner: about?.owner ?? owner,
    type: spec.type,
    subject: rolled?.subject ?? null,
    evaluation: rolled === undefined ? null : (evaluations.get(rolled.subject) ?? null),
    members: (rolled?.members ?? []).map((member) => memberOf(member, context.at)),
    objectives: objectivesOf(context, name),
    kpis: kpiNodes(context, name),
  };
}

/** The objectives of a unit that are not below another one of the same unit. */
function objectivesOf(context: TreeContext, unit: string | null): ObjectiveNode[] {
  const { catalog, cycle } = context;
  const isHere = (objective: CompiledObjective | undefined): boolean =>
    objective !== undefined && objective.cycle === cycle && unitNameOf(catalog, objective) === unit;
  return [...catalog.objectives.values()]
    .filter((objective) => isHere(objective) && !isHere(catalog.objectives.get(objective.parent ?? '')))
    .sort((left, right) => (left.name < right.name ? -1 : 1))
    .map((objective) => objectiveOf(context, objective, isHere));
}

function unitNameOf(catalog: Catalog, { unit }: { readonly unit: string | null }): string | null {
  return unit !== null && catalog.units.has(unit) ? unit : null;
}

function objectiveOf(
  context: TreeContext,
  objective: CompiledObjective,
  isHere: (child: CompiledObjective) => boolean,
): ObjectiveNode {
  const { keyResults, children, rollup, minCoverage, name, parent, weight, bar } = objective;
  return {
    ...nodeOf(context, objective.subject, name),
    parent,
    weight: weightAt(weight, context.at),
    ambition: bar < 1 ? 'aspirational' : 'committed',
    rollup: { rule: rollup, minCoverage },
    members: [...keyResults, ...children].map((member) => memberOf(member, context.at)),
    keyResults: keyResults.map((result) => ({
      ...nodeOf(context, result.subject, result.name),
      type: result.type,
      weight: weightAt(result.weight, context.at),
    })),
    objectives: children.filter(isHere).map((child) => objectiveOf(context, child, isHere)),
  };
}

function memberOf(member: CompiledKeyResult | CompiledObjective, at: Instant): Member {
  return { subject: member.subject, weight: weightAt(member.weight, at) };
}

function weightAt(weight: Effective<number>, at: Instant): number {
  return inForce(weight, at, Number.POSITIVE_INFINITY) ?? 1;
}

function kpiNodes(context: TreeContext, unit: string | null): KpiNode[] {
  return kpisOf(context.catalog, context.cycle)
    .filter((kpi) => unitNameOf(context.catalog, kpi) === unit)
    .sort((left, right) => (left.name < right.name ? -1 : 1))
    .map((kpi) => ({ ...nodeOf(context, kpi.subject, kpi.name), direction: kpi.direction }));
}

function nodeOf(
  { catalog, at, evaluations }: TreeContext,
  subject: string,
  name: string,
): SubjectAbout & { subject: string; name: string; evaluation: EvaluationDocument | null } {
  return { subject, name, ...aboutSubject(catalog, subject, at), evaluation: evaluations.get(subject) ?? null };
}
