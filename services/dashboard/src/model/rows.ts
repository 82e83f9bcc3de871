import type { Kept } from './filter.ts';
import type { Node } from './tree.ts';

/** A row of the treegrid as WAI-ARIA counts it: level, place among its siblings, and their number, from 1. */
export interface Row {
  readonly node: Node;
  readonly level: number;
  readonly place: number;
  readonly siblings: number;
  /** `null` where there is nothing to open. */
  readonly expanded: boolean | null;
  readonly isContext: boolean;
  /** Index of the row above it in the tree; -1 at the top. */
  readonly parent: number;
}

/** Up to here everything is open at first; beyond it units are, so that the first look is not a wall. */
const OPEN_ROWS_MAX = 150;

export interface Opening {
  /** Rows whose state differs from the first one. */
  readonly toggled: ReadonlySet<string>;
  /** Rows in all. */
  readonly total: number;
  /** While one filters, all that is found is in sight. */
  readonly all: boolean;
}

export function isOpen(node: Node, { toggled, total, all }: Opening): boolean {
  const first =
    all || (node.kind !== 'kpi' && (total <= OPEN_ROWS_MAX || node.kind === 'unit' || node.kind === 'group'));
  return first !== toggled.has(node.id);
}

export function rowsOf(kept: readonly Kept[], opening: Opening): Row[] {
  const rows: Row[] = [];
  const visit = (siblings: readonly Kept[], level: number, parent: number): void => {
    for (const [index, { node, isContext, children }] of siblings.entries()) {
      const expanded = children.length === 0 ? null : isOpen(node, opening);
      rows.push({ node, level, place: index + 1, siblings: siblings.length, expanded, isContext, parent });
      if (expanded === true) visit(children, level + 1, rows.length - 1);
    }
  };
  visit(kept, 1, -1);
  return rows;
}

/** Rows are drawn in pieces of this size; pieces out of sight are only as high as they were. */
export const PIECE_ROWS = 30;

export function piecesOf(rows: readonly Row[]): Row[][] {
  const pieces: Row[][] = [];
  for (let from = 0; from < rows.length; from += PIECE_ROWS) pieces.push(rows.slice(from, from + PIECE_ROWS));
  return pieces;
}
