import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type Output, textWidth } from '../output.ts';
import type { TrendRow } from '../wire.ts';
import { axisOf } from './axis.ts';
import { Canvas } from './canvas.ts';
import { rowOf, scaleOf } from './scale.ts';
import { trendChart } from './trend-chart.ts';

const nowhere = () => undefined;
const place = { columns: 60, rows: 24 };
const plain: Output = {
  format: 'table',
  quiet: false,
  asked: false,
  colour: false,
  terminal: place,
  write: nowhere,
  say: nowhere,
};

function days(count: number, row: (day: number) => Partial<TrendRow>): TrendRow[] {
  return Array.from({ length: count }, (_, at) => {
    const bucket = new Date(Date.UTC(2026, 0, 1 + at)).toISOString().slice(0, 10);
    return { bucket, from: '', to: '', value: null, count: 1, final: true, ...row(at) };
  });
}

const climbing = days(10, (day) => ({
  value: String(day * 10),
  target: '100',
  expectedValue: String(day * 10 + 20),
  verdict: day < 5 ? 'on_track' : 'off_track',
  final: day < 9,
}));

describe('the chart of a trend', () => {
  it('draws value, pace and target apart without colour, on an axis of round numbers', () => {
    const lines = trendChart(plain, { name: 'kpi/sales', unit: 'EUR', rows: climbing }, place).split('\n');
    expect(lines[0]).toMatch(/^kpi\/sales, EUR {2,}■ off track$/);
    const labels = lines.flatMap((line) => /^ *([\d,.]+) ┤/.exec(line)?.[1] ?? []);
    expect(labels).toEqual(['125', '100', '75', '50', '25', '0']);
    expect(lines.find((line) => line.startsWith('100 ┤'))).toContain('╌╌╌╌╌');
    const bottom = lines.find((line) => line.startsWith('  0 ┤')) ?? '';
    expect(bottom).toMatch(/[\u2801-\u28ff]/);
    expect(lines.join('')).toContain('··');
    expect(lines.join('')).toContain('○');
    expect(lines.at(-1)).toBe('⠒⠒ value   ·· expected by pace   ╌╌ target   ○ provisional');
    expect(lines.at(-2)).toBe('2026-01-10: 90 EUR (provisional), expected 110, target 100');
  });

  it('names the first and the last window below the axis, and shows each verdict', () => {
    const lines = trendChart(plain, { name: 'kpi/sales', unit: null, rows: climbing }, place).split('\n');
    const axis = lines.findIndex((line) => line.includes('└'));
    expect(lines[axis]).toMatch(/┬.*┬/);
    expect(lines[axis + 1]).toMatch(/^ +2026-01-01 .* 2026-01-10 *$/);
    expect(lines[axis + 2]?.replaceAll(' ', '')).toBe('●●●●●■■■■■');
  });

  it.each([40, 63, 120])('is never wider than %i columns', (columns) => {
    const name = 'key_result/an-objective-with-a-long-name/a-key-result-with-a-long-name-too';
    const text = trendChart(plain, { name, unit: 'EUR', rows: climbing }, { columns, rows: 24 });
    for (const line of text.split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(columns);
  });

  it('says the same in colour', () => {
    const chart = { name: 'kpi/sales', unit: null, rows: climbing };
    const coloured = trendChart({ ...plain, colour: true }, chart, place);
    expect(coloured).not.toBe(stripVTControlCharacters(coloured));
    expect(stripVTControlCharacters(coloured)).toBe(trendChart(plain, chart, place));
  });

  it('draws goals, which have no value, by their progress, cut to whole percents', () => {
    const rows = days(4, (day) => ({ progress: day / 4 + 0.0099, expected: day / 3, verdict: 'at_risk' }));
    const lines = trendChart(plain, { name: 'objective/grow', unit: null, rows }, place).split('\n');
    expect(lines[0]).toContain('objective/grow, %');
    expect(lines.at(-2)).toBe('2026-01-04: 75 %, target 100');
  });

  it('puts groups below one another on one scale, and counts those it leaves out', () => {
    const rows = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].flatMap((region, at) =>
      days(3, (day) => ({ value: String(at * 10 + day), dimensions: { region } })),
    );
    const text = trendChart(plain, { name: 'sales', unit: null, rows }, place);
    expect(text.split('\n').filter((line) => line.startsWith('region '))).toHaveLength(6);
    expect(text).toContain('1 more not drawn');
    const tops = text.split('\n').filter((line) => line.includes('┤'));
    expect(new Set(tops.map((line) => line.split('┤')[0])).size).toBeLessThan(tops.length);
  });

  it('says so where nothing has a value, and draws a single value', () => {
    expect(trendChart(plain, { name: 'sales', unit: null, rows: days(3, () => ({})) }, place)).toContain(
      'No values in this range.',
    );
    const one = trendChart(plain, { name: 'sales', unit: null, rows: days(1, () => ({ value: '0.0004' })) }, place);
    expect(one).toMatch(/[\u2801-\u28ff]/);
    expect(one).toContain('2026-01-01: 0.0004');
  });
});

describe('its scale', () => {
  it.each([
    [0, 90, 15],
    [800_000, 1_000_000, 13],
    [-3, 3, 5],
    [0.0001, 0.0004, 12],
    [7, 7, 9],
    [0, 0, 9],
    [99.2, 99.9, 15],
  ])('holds %d to %d in at most %i rows, with ticks on whole rows', (low, high, rowsMax) => {
    const scale = scaleOf(low, high, rowsMax);
    expect(scale.rows).toBeLessThanOrEqual(rowsMax);
    expect(scale.ticks.length).toBeGreaterThan(1);
    expect(rowOf(scale, high)).toBeGreaterThanOrEqual(-1e-9);
    expect(rowOf(scale, low)).toBeLessThanOrEqual(scale.rows - 1 + 1e-9);
    for (const [row, value] of scale.ticks) expect(rowOf(scale, value)).toBeCloseTo(row, 9);
  });
});

describe('its axis', () => {
  it('leaves out labels before they touch, and never breaks one', () => {
    const buckets = days(31, () => ({})).map(({ bucket }) => bucket);
    for (const width of [12, 25, 40, 100]) {
      const { labels, ticks } = axisOf(buckets, width);
      expect(labels.length).toBeLessThanOrEqual(width);
      const shown = labels.trim().split(/ {2,}/);
      expect(shown.every((label) => buckets.includes(label))).toBe(true);
      expect([...ticks].filter((sign) => sign === '┬')).toHaveLength(shown.length);
    }
  });
});

describe('its canvas', () => {
  it('joins two dots by a line without holes, and draws nothing outside', () => {
    const canvas = new Canvas(4, 2);
    canvas.line(0, 7, 7, 0);
    for (let column = 0; column < 4; column++) {
      expect([0, 1].some((row) => canvas.sign(column, row) !== null)).toBe(true);
    }
    const empty = new Canvas(2, 2);
    empty.dot(-1, 0);
    empty.dot(4, 8);
    expect([empty.sign(0, 0), empty.sign(1, 1)]).toEqual([null, null]);
  });
});
