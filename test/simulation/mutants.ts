import { type ResolvedCovered, WorkspaceFold } from '@paceline/domain';
import { Workspace } from '@paceline/processor/workspace';
import type { WireTap } from './process-wire.ts';

/** A way to be wrong that the simulation must notice. It bends what lies between a processor and the world, never the processor. */
export interface Mutant {
  readonly name: string;
  readonly says: string;
  readonly wire?: WireTap;
  /** Changes a class of the processor's until it is undone; the oracle reads with the right one. */
  patch?(): () => void;
}

const FAR = '18014398509481984';

/** Rewrites what is sent to the engine; a builder that changes must not leave a mutant that does nothing. */
function rewriting(marks: RegExp, pattern: RegExp, replacement: string): WireTap {
  return {
    sql(text) {
      const bent = text.replace(pattern, replacement);
      if (bent === text && marks.test(text)) throw new Error(`a mutant changes nothing in ${text.slice(0, 200)}`);
      return bent;
    },
  };
}

/** Changes what a workspace tells of itself; the answer undoes it. */
function bentGetter(name: 'progress' | 'isAtHead', bend: (told: unknown) => unknown): () => void {
  const own = Object.getOwnPropertyDescriptor(Workspace.prototype, name);
  if (own?.get === undefined) throw new Error(`a workspace has no ${name} any more: bend what the ticker waits for`);
  const { get } = own;
  Object.defineProperty(Workspace.prototype, name, {
    ...own,
    get() {
      return bend(get.call(this));
    },
  });
  return () => Object.defineProperty(Workspace.prototype, name, own);
}

/** What is resolved between ticks waits in memory for the next tick; a fold that is loaded anew has none of it. */
function coveredAtTicks(): () => void {
  const { takeResolved } = WorkspaceFold.prototype;
  const { load } = Workspace.prototype;
  WorkspaceFold.prototype.takeResolved = function taken() {
    return this.lastTick?.position === this.position ? takeResolved.call(this) : [];
  };
  Workspace.prototype.load = async function loaded(next) {
    await load.call(this, next);
    takeResolved.call(this.fold);
  };
  return () => {
    WorkspaceFold.prototype.takeResolved = takeResolved;
    Workspace.prototype.load = load;
  };
}

/** Nobody takes what an answer resolves; what was resolved before it is taken as ever. */
function answersUntaken(): () => void {
  const { answer, takeResolved } = WorkspaceFold.prototype;
  const kept = new WeakMap<WorkspaceFold, ResolvedCovered[]>();
  const take = (fold: WorkspaceFold): ResolvedCovered[] => {
    const taken = [...(kept.get(fold) ?? []), ...takeResolved.call(fold)];
    kept.delete(fold);
    return taken;
  };
  WorkspaceFold.prototype.takeResolved = function taken() {
    return take(this);
  };
  WorkspaceFold.prototype.answer = function answered(question, extent) {
    const before = take(this);
    answer.call(this, question, extent);
    takeResolved.call(this);
    kept.set(this, before);
  };
  return () => {
    WorkspaceFold.prototype.takeResolved = takeResolved;
    WorkspaceFold.prototype.answer = answer;
  };
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'commit-before-insert',
    says: 'the offset is committed before the rows are durable',
    wire: { insertLaterMs: 4_000 },
  },
  {
    name: 'unbounded-reads',
    says: 'reads see what came after the position they stand at',
    wire: rewriting(/FROM observation\b/, /\b(pos|position) < CAST\(\d+ AS UInt64\)/g, `$1 < CAST(${FAR} AS UInt64)`),
  },
  {
    name: 'bare-arg-max',
    says: 'the value that stands is chosen among values, so that a retracted point comes back',
    wire: rewriting(
      /FROM observation\b/,
      /(FROM observation\s+WHERE workspace = )/g,
      '$1workspace AND (value IS NOT NULL OR numerator IS NOT NULL) AND workspace = ',
    ),
  },
  {
    name: 'any-feeder',
    says: 'a bucket counts as covered as soon as one feeder covers it',
    patch() {
      const own = WorkspaceFold.prototype.coverage;
      WorkspaceFold.prototype.coverage = function coverage(metric) {
        const { feeders } = own.call(this, metric);
        const first = feeders.find(({ statements, points }) => statements.length > 0 || points !== null);
        return { feeders: first === undefined ? feeders : [first] };
      };
      return () => {
        WorkspaceFold.prototype.coverage = own;
      };
    },
  },
  {
    name: 'two-ticks',
    says: 'the next tick does not wait for the one in flight to be judged',
    patch() {
      const judged = bentGetter('progress', (progress) => ({
        ...Object(progress),
        committed: Number.MAX_SAFE_INTEGER,
      }));
      // Nor for the head, which is not reached while a tick is judged.
      const head = bentGetter('isAtHead', () => true);
      return () => {
        head();
        judged();
      };
    },
  },
  {
    name: 'last-write-wins',
    says: 'what arrives last stands, however early it was read',
    wire: rewriting(/LIMIT 1 BY metric/, /(?:revision DESC, )?read_at DESC, pos DESC/g, 'pos DESC'),
  },
  {
    name: 'covered-at-ticks',
    says: 'what a feeder covered is written with the next tick, after the commit of its statement',
    patch: coveredAtTicks,
  },
  {
    name: 'answers-untaken',
    says: 'a statement that waits for how far its feeder had come by its points is written nowhere once that is answered',
    patch: answersUntaken,
  },
];
