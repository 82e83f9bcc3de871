import { STANDINGS, type Standing, standingOf } from './standing.ts';
import type { Node } from './tree.ts';

/** What is shown of the tree. Empty text and `null` keep everything. */
export interface Filter {
  readonly text: string;
  readonly unit: string | null;
  readonly owner: string | null;
  readonly standing: Standing | null;
  readonly order: 'tree' | 'worst';
}

export const NO_FILTER: Filter = { text: '', unit: null, owner: null, standing: null, order: 'tree' };

export function isFiltering({ text, unit, owner, standing }: Filter): boolean {
  return text.trim() !== '' || unit !== null || owner !== null || standing !== null;
}

/** Every word must be in the title, the id, the owner or the unit, in any order and whatever the case. */
export function matches(node: Node, filter: Filter): boolean {
  if (filter.standing !== null && standingOf(node) !== filter.standing) return false;
  if (filter.owner !== null && node.owner !== filter.owner) return false;
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  const text = `${node.title} ${node.id} ${node.owner ?? ''} ${node.unit ?? ''}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

export interface Kept {
  readonly node: Node;
  /** Kept only because something below it matches. */
  readonly isContext: boolean;
  readonly children: readonly Kept[];
}

/** The nodes that match and what stands above them, in the order asked for. */
export function keep(nodes: readonly Node[], filter: Filter, inUnit = filter.unit === null): Kept[] {
  const kept = nodes.flatMap((node): Kept[] => {
    const within = inUnit || (node.kind === 'unit' && node.unit === filter.unit) || node.unit === filter.unit;
    const children = keep(node.children, filter, within);
    const isMatch = within && matches(node, filter);
    return isMatch || children.length > 0 ? [{ node, isContext: !isMatch, children }] : [];
  });
  return filter.order === 'worst' ? kept.sort((left, right) => worstRank(left) - worstRank(right)) : kept;
}

/** A row comes as early as the worst thing in it; rows without a verdict last. */
function worstRank({ node, children }: Kept): number {
  const standing = standingOf(node);
  const own = standing === null ? STANDINGS.length : STANDINGS.indexOf(standing);
  return children.reduce((worst, child) => Math.min(worst, worstRank(child)), own);
}

export interface Choices {
  readonly units: readonly string[];
  readonly owners: readonly string[];
}

/** What there is to choose from. */
export function choicesOf(nodes: readonly Node[]): Choices {
  const units = new Set<string>();
  const owners = new Set<string>();
  const visit = (node: Node): void => {
    if (node.unit !== null) units.add(node.unit);
    if (node.owner !== null) owners.add(node.owner);
    node.children.forEach(visit);
  };
  nodes.forEach(visit);
  return { units: [...units].sort(), owners: [...owners].sort() };
}
