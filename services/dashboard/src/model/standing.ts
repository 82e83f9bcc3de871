import { VERDICTS, type Verdict } from '@paceline/domain/evaluation';
import { type Tone, VERDICT_LOOK } from '@paceline/domain/look';
import type { Evaluation } from '../wire.ts';
import type { Freshness, Node } from './tree.ts';

/** What a row is counted and filtered as. A good verdict on stale data is nothing to rely on, so it is a standing of its own. */
export type Standing = Verdict | 'stale';

/** Worst first; stale good news is worse than what has merely not begun. */
export const STANDINGS: readonly Standing[] = VERDICTS.flatMap((verdict): Standing[] =>
  verdict === 'not_started' ? ['stale', verdict] : [verdict],
);

export function standingOf({ evaluation, freshness }: Pick<Node, 'evaluation' | 'freshness'>): Standing | null {
  if (evaluation === null) return null;
  const isGood = VERDICT_LOOK[evaluation.verdict].tone === 'green';
  return isGood && freshness === 'stale' ? 'stale' : evaluation.verdict;
}

/** Never green on stale data. */
export function toneOf({ verdict }: Pick<Evaluation, 'verdict'>, freshness: Freshness): Tone {
  const { tone } = VERDICT_LOOK[verdict];
  return tone === 'green' && freshness === 'stale' ? 'gray' : tone;
}

export function standingWords(standing: Standing): string {
  return standing === 'stale' ? 'stale' : VERDICT_LOOK[standing].text;
}

/** How many rows have each standing, worst first; what nobody has is left out. */
export function standingCounts(nodes: readonly Node[]): { readonly standing: Standing; readonly count: number }[] {
  const counts = new Map<Standing, number>();
  const visit = (node: Node): void => {
    const standing = standingOf(node);
    if (standing !== null) counts.set(standing, (counts.get(standing) ?? 0) + 1);
    node.children.forEach(visit);
  };
  nodes.forEach(visit);
  return STANDINGS.flatMap((standing) => {
    const count = counts.get(standing);
    return count === undefined ? [] : [{ standing, count }];
  });
}
