import type { PolicyDocument, Threshold } from '../document.ts';
import { round12 } from '../number/round.ts';

/** What a policy compares: `gap` E* − P, `ratio` P / E*, `final` P against the full target, `probability` P(hit). */
export type PolicyKind = PolicyDocument['spec']['kind'];

export interface Policy {
  readonly name: string;
  /** What an evaluation prints: `paceline@1` for a preset, `strict@120:0` for a document at its position. */
  readonly label: string;
  readonly kind: PolicyKind;
  readonly onTrack: Threshold;
  readonly atRisk: Threshold;
  /** While less of the period than this has elapsed and the gap is at most `deadBand`, all is on track. 0: never. */
  readonly minElapsed: number;
  readonly deadBand: number;
  /** Read by alert rules only. */
  readonly recoverMargin: number;
}

function preset(name: string, kind: PolicyKind, onTrack: Threshold, atRisk: Threshold, early = [0, 0, 0]): Policy {
  const [minElapsed = 0, deadBand = 0, recoverMargin = 0] = early;
  return { name, label: `${name}@1`, kind, onTrack, atRisk, minElapsed, deadBand, recoverMargin };
}

/** EVALUATION §6. A change here is a new version: the label's number moves, old judgements keep theirs. */
export const PRESETS: ReadonlyMap<string, Policy> = new Map(
  [
    preset('paceline', 'ratio', { atLeast: 0.9 }, { atLeast: 0.7 }, [0.2, 0.05, 0.05]),
    preset('viva', 'gap', { atMost: 0 }, { atMost: 0.25 }),
    preset('engagedly', 'gap', { below: 0.165 }, { atMost: 0.33 }),
    preset('burningokr', 'gap', { atMost: 0.2 }, { atMost: 0.4 }),
    preset('upraise', 'ratio', { atLeast: 0.95 }, { above: 0.75 }),
    preset('oboard', 'ratio', { atLeast: 0.7 }, { atLeast: 0.4 }),
    preset('mooncamp', 'ratio', { atLeast: 0.9 }, { atLeast: 0.7 }),
    preset('recruiterflow', 'ratio', { atLeast: 0.99 }, { atLeast: 0.81 }),
    preset('servicenow', 'final', { atLeast: 0.9 }, { atLeast: 0.75 }),
  ].map((policy) => [policy.name, policy]),
);

export const DEFAULT_POLICY = 'paceline';

export function policyOfDocument(document: PolicyDocument, version: string): Policy {
  const { kind, onTrack, atRisk, minElapsed, deadBand, recoverMargin } = document.spec;
  const name = document.metadata.name;
  return {
    name,
    label: `${name}@${version}`,
    kind,
    onTrack: threshold(onTrack),
    atRisk: threshold(atRisk),
    minElapsed: Number(minElapsed ?? 0),
    deadBand: Number(deadBand ?? 0),
    recoverMargin: Number(recoverMargin ?? 0),
  };
}

/** Numbers may have been written as text. */
function threshold(written: Threshold): Threshold {
  return Object.fromEntries(Object.entries(written).map(([key, value]) => [key, Number(value)]));
}

export function atLeast(value: number, bar: number): boolean {
  return round12(value) >= round12(bar);
}

export function atMost(value: number, bar: number): boolean {
  return round12(value) <= round12(bar);
}

/** Whether the measure passes the threshold. A threshold that says nothing is never passed. */
export function passes(measure: number, threshold: Threshold): boolean {
  if (threshold.atLeast !== undefined) return atLeast(measure, threshold.atLeast);
  if (threshold.above !== undefined) return !atMost(measure, threshold.above);
  if (threshold.atMost !== undefined) return atMost(measure, threshold.atMost);
  if (threshold.below !== undefined) return !atLeast(measure, threshold.below);
  return false;
}
