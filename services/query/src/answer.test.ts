import { describe, expect, it } from 'vitest';
import { csvText } from './answer.ts';
import { cursorOf, placeOf } from './cursor.ts';

const cell = (value: string | number | boolean | null) => csvText(['c'], [[value]]).split('\r\n')[1];

describe('CSV', () => {
  it.each([
    ['a formula', '=1+1', "'=1+1"],
    ['a command', '@SUM(A1)', "'@SUM(A1)"],
    ['a minus that is no number', '-1+1|cmd', "'-1+1|cmd"],
    ['a plus', '+49 30', "'+49 30"],
    ['a tab before a formula', '\t=1', "'\t=1"],
    ['a full-width formula', '＝1', "'＝1"],
    ['a formula that needs quotes', '=A1,"x"', '"\'=A1,""x"""'],
  ])('keeps %s text', (_, written, expected) => {
    expect(cell(written)).toBe(expected);
  });

  it.each([
    ['a negative decimal', '-12.5', '-12.5'],
    ['a number', -3, '-3'],
    ['nothing', null, ''],
    ['a quote', 'say "no"', '"say ""no"""'],
  ])('leaves %s what it is', (_, written, expected) => {
    expect(cell(written)).toBe(expected);
  });
});

describe('a cursor', () => {
  const question = ['main', 'mrr', {}];
  const cursor = cursorOf({ after: 1_884_160, bound: 2_000_000_000_000 }, question);

  it('comes back as what it was made of', () => {
    expect(placeOf(cursor, question)).toEqual({ after: 1_884_160, bound: 2_000_000_000_000 });
  });

  it.each([
    ['of another question', cursor, ['main', 'arr', {}]],
    ['with a letter more', `${cursor}A`, question],
    ['that was cut', cursor.slice(0, -2), question],
    ['made up', Buffer.from('a.b.c').toString('base64url'), question],
    ['that is no text', '%%%', question],
    ['with nothing in it', '', question],
  ])('%s is refused', (_, written, asked) => {
    expect(() => placeOf(written, asked)).toThrow('not one of this query');
  });
});
