import { describe, expect, it } from 'vitest';
import { judge } from './judge.ts';
import { PRESETS } from './policy.ts';

/** Of each preset what it compares, and its two bars: at, just below and just above each. Half of the time has passed. */
const GOLDEN: readonly (readonly [preset: string, measure: 'ratio' | 'gap' | 'final', at: number, said: string])[] = [
  ['paceline', 'ratio', 0.9, 'at on_track, below at_risk, above on_track'],
  ['paceline', 'ratio', 0.7, 'at at_risk, below off_track, above at_risk'],
  ['viva', 'gap', 0, 'at on_track, below on_track, above at_risk'],
  ['viva', 'gap', 0.25, 'at at_risk, below at_risk, above off_track'],
  ['engagedly', 'gap', 0.165, 'at at_risk, below on_track, above at_risk'],
  ['engagedly', 'gap', 0.33, 'at at_risk, below at_risk, above off_track'],
  ['burningokr', 'gap', 0.2, 'at on_track, below on_track, above at_risk'],
  ['burningokr', 'gap', 0.4, 'at at_risk, below at_risk, above off_track'],
  ['upraise', 'ratio', 0.95, 'at on_track, below at_risk, above on_track'],
  ['upraise', 'ratio', 0.75, 'at off_track, below off_track, above at_risk'],
  ['oboard', 'ratio', 0.7, 'at on_track, below at_risk, above on_track'],
  ['oboard', 'ratio', 0.4, 'at at_risk, below off_track, above at_risk'],
  ['mooncamp', 'ratio', 0.9, 'at on_track, below at_risk, above on_track'],
  ['mooncamp', 'ratio', 0.7, 'at at_risk, below off_track, above at_risk'],
  ['recruiterflow', 'ratio', 0.99, 'at on_track, below at_risk, above on_track'],
  ['recruiterflow', 'ratio', 0.81, 'at at_risk, below off_track, above at_risk'],
  ['servicenow', 'final', 0.9, 'at on_track, below at_risk, above on_track'],
  ['servicenow', 'final', 0.75, 'at at_risk, below off_track, above at_risk'],
];

/** What thresholds are compared to has twelve decimals: this is just beside, and the other is the same. */
const BESIDE = 1e-11;
const SAME = 4e-13;

function verdict(preset: string, measure: 'ratio' | 'gap' | 'final', at: number): string {
  const policy = PRESETS.get(preset);
  if (policy === undefined) throw new Error(`there is no preset ${preset}`);
  // Each measure alone decides: the other two say the opposite of each other.
  const standing = { elapsed: 0.5, expected: 0.5, gap: 0.1, ratio: 0.8, final: 0.4, [measure]: at };
  return judge(policy, standing).verdict;
}

describe('presets', () => {
  it.each(GOLDEN)('%s: %s at %d', (preset, measure, at, said) => {
    const found = [
      `at ${verdict(preset, measure, at)}`,
      `below ${verdict(preset, measure, at - BESIDE)}`,
      `above ${verdict(preset, measure, at + BESIDE)}`,
    ].join(', ');
    expect(found).toBe(said);
    for (const close of [at - SAME, at + SAME])
      expect(verdict(preset, measure, close)).toBe(verdict(preset, measure, at));
  });

  it('are nine, each with both of its bars here', () => {
    expect(GOLDEN.map(([preset]) => preset)).toEqual([...PRESETS.keys()].flatMap((name) => [name, name]));
  });

  it('of 10,001 shares each say the words in order, and change them twice', () => {
    const order = ['on_track', 'at_risk', 'off_track'];
    for (const { name, kind } of PRESETS.values()) {
      if (kind === 'probability') continue;
      const measures = Array.from({ length: 10_001 }, (_, index) => index / 10_000);
      const words = (kind === 'gap' ? measures : measures.toReversed()).map((at) =>
        order.indexOf(verdict(name, kind, at)),
      );
      const changes = words.filter((word, index) => index > 0 && word !== words[index - 1]);
      expect(changes, name).toEqual([1, 2]);
    }
  });
});
