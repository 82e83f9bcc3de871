import type { Row } from './rows.ts';

/** Where the focus is: a row, or one of its cells; `column` -1 is the row itself. */
export interface Focus {
  readonly row: number;
  readonly column: number;
}

export type KeyAction =
  | { readonly kind: 'focus'; readonly focus: Focus }
  | { readonly kind: 'toggle'; readonly rows: readonly number[] }
  | { readonly kind: 'open'; readonly row: number };

/** Rows that Page Up and Page Down pass. */
const PAGE_ROWS = 10;

/** What a key means in a treegrid, by the WAI-ARIA Authoring Practices; `undefined` leaves it to the browser. */
export function keyAction(
  rows: readonly Row[],
  columns: number,
  focus: Focus,
  key: { readonly name: string; readonly ctrl: boolean },
): KeyAction | undefined {
  const row = rows[focus.row];
  if (row === undefined) return undefined;
  const to = (index: number, column = focus.column): KeyAction => ({
    kind: 'focus',
    focus: { row: Math.max(0, Math.min(rows.length - 1, index)), column: Math.max(-1, Math.min(columns - 1, column)) },
  });
  switch (key.name) {
    case 'ArrowDown':
      return to(focus.row + 1);
    case 'ArrowUp':
      return to(focus.row - 1);
    case 'PageDown':
      return to(focus.row + PAGE_ROWS);
    case 'PageUp':
      return to(focus.row - PAGE_ROWS);
    case 'Home':
      return focus.column === -1 || key.ctrl ? to(0) : to(focus.row, 0);
    case 'End':
      return focus.column === -1 || key.ctrl ? to(rows.length - 1) : to(focus.row, columns - 1);
    case 'ArrowRight':
      if (focus.column === -1 && row.expanded === false) return { kind: 'toggle', rows: [focus.row] };
      return to(focus.row, focus.column + 1);
    case 'ArrowLeft':
      if (focus.column >= 0) return to(focus.row, focus.column - 1);
      if (row.expanded === true) return { kind: 'toggle', rows: [focus.row] };
      return row.parent === -1 ? undefined : to(row.parent);
    case 'Enter':
    case ' ':
      return { kind: 'open', row: focus.row };
    case '*': {
      const closed = rows.flatMap(({ parent, expanded }, index) =>
        parent === row.parent && expanded === false ? [index] : [],
      );
      return { kind: 'toggle', rows: closed };
    }
    default:
      return undefined;
  }
}
