import { describe, expect, it } from 'vitest';
import { NOW, TREE } from '../fixture.ts';
import { keep, NO_FILTER } from './filter.ts';
import { keyAction } from './keys.ts';
import { rowsOf } from './rows.ts';
import { buildTree } from './tree.ts';

const nodes = buildTree(TREE, { evaluations: new Map(), now: NOW });
/** company, grow, mrr, nps, sales (closed), without a unit, loose */
const rows = rowsOf(keep(nodes, NO_FILTER), { toggled: new Set(['unit/sales']), total: 8, all: false });
const COLUMNS = 7;

function press(name: string, row: number, column = -1, ctrl = false) {
  return keyAction(rows, COLUMNS, { row, column }, { name, ctrl });
}

function to(row: number, column = -1) {
  return { kind: 'focus', focus: { row, column } };
}

describe('a key in the treegrid', () => {
  it('walks the rows, and stops at both ends', () => {
    expect(press('ArrowDown', 0)).toEqual(to(1));
    expect(press('ArrowUp', 0)).toEqual(to(0));
    expect(press('ArrowDown', 6)).toEqual(to(6));
    expect(press('PageDown', 0)).toEqual(to(6));
    expect(press('PageUp', 6)).toEqual(to(0));
    expect(press('Home', 4)).toEqual(to(0));
    expect(press('End', 0)).toEqual(to(6));
  });

  it('opens what is closed, then goes into the cells', () => {
    expect(press('ArrowRight', 4)).toEqual({ kind: 'toggle', rows: [4] });
    expect(press('ArrowRight', 1)).toEqual(to(1, 0));
    expect(press('ArrowRight', 1, 6)).toEqual(to(1, 6));
  });

  it('goes back to the row, closes it, then goes to the one above', () => {
    expect(press('ArrowLeft', 1, 0)).toEqual(to(1));
    expect(press('ArrowLeft', 1)).toEqual({ kind: 'toggle', rows: [1] });
    expect(press('ArrowLeft', 2)).toEqual(to(1));
    expect(press('ArrowLeft', 5)).toEqual({ kind: 'toggle', rows: [5] });
  });

  it('keeps the column from row to row', () => {
    expect(press('ArrowDown', 1, 3)).toEqual(to(2, 3));
    expect(press('Home', 1, 3)).toEqual(to(1, 0));
    expect(press('End', 1, 3)).toEqual(to(1, 6));
    expect(press('End', 1, 3, true)).toEqual(to(6, 3));
  });

  it('opens the subject, or all that is closed beside it', () => {
    expect(press('Enter', 2)).toEqual({ kind: 'open', row: 2 });
    expect(press(' ', 2, 4)).toEqual({ kind: 'open', row: 2 });
    expect(press('*', 1)).toEqual({ kind: 'toggle', rows: [4] });
  });

  it('is left to the browser when it means nothing here', () => {
    expect(press('Tab', 0)).toBeUndefined();
    expect(press('a', 0)).toBeUndefined();
    expect(keyAction([], COLUMNS, { row: 0, column: -1 }, { name: 'ArrowDown', ctrl: false })).toBeUndefined();
  });
});
