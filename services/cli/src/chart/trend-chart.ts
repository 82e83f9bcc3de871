import { VERDICTS, type Verdict } from '@paceline/domain/evaluation';
import { readable, VERDICT_LOOK } from '../look.ts';
import { type Output, paint, type Tone, textWidth } from '../output.ts';
import type { TrendRow } from '../wire.ts';
import { axisOf } from './axis.ts';
import { Canvas, DOTS_HIGH, DOTS_WIDE } from './canvas.ts';
import { rowOf, type Scale, scaleOf } from './scale.ts';

export interface TrendChart {
  /** What is shown: a metric or a subject. */
  readonly name: string;
  /** Unit of measure of the values. */
  readonly unit: string | null;
  readonly rows: readonly TrendRow[];
}

/** The place there is. */
export interface Place {
  readonly columns: number;
  readonly rows: number;
}

/** Narrower than this a table says more. */
export const CHART_COLUMNS_MIN = 40;
const CHART_COLUMNS_MAX = 120;
const PLOT_ROWS_MAX = 15;
const PLOT_ROWS_MIN = 5;
/** Title, axis, labels, verdicts, the latest value and the legend. */
const OTHER_ROWS = 8;
/** More are not told apart at a glance; the chart says how many are missing. */
const GROUPS_MAX = 6;
const GROUP_ROWS = 5;

/**
 * Values against time as signs of a terminal: the value as a line of braille dots, the pace and the target as dots and dashes,
 * so that nothing hangs on colour. Goals, which have no value of their own, are drawn by their progress in percent. Groups stand
 * below one another on one scale.
 */
export function trendChart(output: Output, chart: TrendChart, place: Place): string {
  const columns = Math.min(place.columns, CHART_COLUMNS_MAX);
  const byProgress =
    chart.rows.every(({ value }) => value === null) && chart.rows.some(({ progress }) => typeof progress === 'number');
  const unit = byProgress ? '%' : chart.unit;
  const all = [...Map.groupBy(chart.rows, groupName)].map(([name, own]) => ({ name, spots: spotsOf(own, byProgress) }));
  const groups = all.slice(0, GROUPS_MAX);
  const rowsMax =
    groups.length > 1 ? GROUP_ROWS : Math.max(PLOT_ROWS_MIN, Math.min(PLOT_ROWS_MAX, place.rows - OTHER_ROWS));
  const scale = scaleOfSpots(
    groups.flatMap(({ spots }) => spots),
    rowsMax,
  );
  const verdict = chart.rows.findLast((row) => row.verdict !== null && row.verdict !== undefined)?.verdict ?? null;
  const lines = [titleLine(output, chart, unit, verdict, columns)];
  if (scale === null) return [...lines, 'No values in this range.'].join('\n');
  for (const group of groups) {
    if (group.name !== '') lines.push(paint(output, 'bold', cut(group.name, columns)));
    lines.push(...plot(output, group.spots, scale, columns), ...packed(latestWords(group.spots, unit), ', ', columns));
  }
  if (all.length > groups.length) lines.push(`${all.length - groups.length} more not drawn; --output csv has them`);
  const spots = groups.flatMap((group) => group.spots);
  lines.push(...packed(legend(output, spots), '   ', columns));
  return lines.join('\n');
}

interface Spot {
  readonly bucket: string;
  readonly value: number | null;
  readonly expected: number | null;
  readonly target: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly final: boolean;
  readonly verdict: Verdict | null;
  /** As in the answer, for the line of the latest value. */
  readonly said: { readonly value: string | null; readonly expected: string | null; readonly target: string | null };
}

function groupName({ dimensions }: TrendRow): string {
  return Object.entries(dimensions ?? {})
    .map(([name, value]) => `${name} ${value === '' ? '(none)' : value}`)
    .join(', ');
}

function spotsOf(rows: readonly TrendRow[], byProgress: boolean): Spot[] {
  return rows.map((row) => {
    const base = { bucket: row.bucket, final: row.final, verdict: row.verdict ?? null };
    if (byProgress) {
      const [value, expected] = [share(row.progress), share(row.expected)];
      const target = value === null ? null : 100;
      const said = { value: textOf(value), expected: textOf(expected), target: textOf(target) };
      return { ...base, value, expected, target, low: null, high: null, said };
    }
    const said = { value: row.value, expected: row.expectedValue ?? null, target: row.target ?? null };
    const [value, expected, target] = [numberOf(said.value), numberOf(said.expected), numberOf(said.target)];
    return { ...base, value, expected, target, low: numberOf(row.targetLow), high: numberOf(row.targetHigh), said };
  });
}

/** Cut as everywhere: 99.9 % of a target is not all of it. */
function share(ratio: number | null | undefined): number | null {
  return typeof ratio === 'number' ? Math.floor(ratio * 100 + 1e-9) : null;
}

function textOf(value: number | null): string | null {
  return value === null ? null : String(value);
}

/** Doubles are exact enough for a picture. */
function numberOf(decimal: string | null | undefined): number | null {
  if (decimal === null || decimal === undefined) return null;
  const value = Number(decimal);
  return Number.isFinite(value) ? value : null;
}

function scaleOfSpots(spots: readonly Spot[], rowsMax: number): Scale | null {
  if (spots.every(({ value }) => value === null)) return null;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const spot of spots) {
    for (const value of [spot.value, spot.expected, spot.target, spot.low, spot.high]) {
      if (value === null) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return scaleOf(low, high, rowsMax);
}

function titleLine(
  output: Output,
  { name }: TrendChart,
  unit: string | null,
  verdict: Verdict | null,
  columns: number,
): string {
  const look = verdict === null ? null : VERDICT_LOOK[verdict];
  const words = look === null ? '' : `${look.symbol} ${look.text}`;
  const title = cut(unit === null ? name : `${name}, ${unit}`, columns - textWidth(words) - 2);
  if (look === null) return paint(output, 'bold', title);
  const gap = ' '.repeat(Math.max(2, columns - textWidth(title) - textWidth(words)));
  return paint(output, 'bold', title) + gap + paint(output, look.tone, words);
}

const VALUE_TONE: Tone = 'cyan';
const PACE = '·';
const TARGET = '╌';
const PROVISIONAL = '○';

/** The rows of one plot with its two axes, and the verdicts below where there are any. */
function plot(output: Output, spots: readonly Spot[], scale: Scale, columns: number): string[] {
  const labels = new Map(scale.ticks.map(([row, value]) => [row, readable(plain(value))]));
  const gutter = Math.max(...[...labels.values()].map(textWidth)) + 1;
  const width = columns - gutter - 1;
  const layers = layersOf(output, spots, scale, width);
  const lines = Array.from({ length: scale.rows }, (_, row) => {
    const label = labels.get(row);
    const axis = label === undefined ? `${' '.repeat(gutter)}│` : `${label.padStart(gutter - 1)} ┤`;
    return `${axis}${layers[row] ?? ''}`.trimEnd();
  });
  const { ticks, labels: dates } = axisOf(
    spots.map(({ bucket }) => bucket),
    width,
  );
  const indent = ' '.repeat(gutter + 1);
  lines.push(`${' '.repeat(gutter)}└${ticks}`, `${indent}${dates}`);
  const verdicts = verdictStrip(output, spots, width);
  if (verdicts !== null) lines.push(`${indent}${verdicts}`);
  return lines;
}

function plain(value: number): string {
  const written = String(value);
  return written.includes('e') ? value.toFixed(Math.abs(value) < 1 ? 9 : 0) : written;
}

/** The value hides the pace, and the pace the target; a provisional value has a mark of its own. */
function layersOf(output: Output, spots: readonly Spot[], scale: Scale, width: number): string[] {
  const canvas = valueCanvas(spots, scale, width);
  const rowAt = (value: number | null): number | null => (value === null ? null : Math.round(rowOf(scale, value)));
  const isPaced = spots.some(({ expected, target }) => expected !== null && expected !== target);
  const marks = new Set(
    spots.flatMap(({ final, value }, index) =>
      final || value === null ? [] : [`${columnOf(index, spots.length, width)},${rowAt(value)}`],
    ),
  );
  const columns = Array.from({ length: width }, (_, column) => {
    const place = ((column + 0.5) / width) * spots.length - 0.5;
    const spot = spots[Math.max(0, Math.min(spots.length - 1, Math.round(place)))];
    return {
      pace: isPaced ? rowAt(between(spots, place)) : null,
      targets: [spot?.target ?? null, spot?.low ?? null, spot?.high ?? null].map(rowAt),
    };
  });
  return Array.from({ length: scale.rows }, (_, row) =>
    painted(
      output,
      columns.map(({ pace, targets }, column): Sign => {
        if (marks.has(`${column},${row}`)) return ['yellow', PROVISIONAL];
        const sign = canvas.sign(column, row);
        if (sign !== null) return [VALUE_TONE, sign];
        if (pace === row) return ['bold', PACE];
        return targets.includes(row) ? ['gray', TARGET] : [null, ' '];
      }),
    ),
  );
}

type Sign = readonly [tone: Tone | null, sign: string];

/** Neighbours of one tone are painted together: a terminal far away gets a third of the bytes. */
function painted(output: Output, signs: readonly Sign[]): string {
  let [text, run, tone]: [string, string, Tone | null] = ['', '', null];
  for (const [own, sign] of [...signs, [null, ''] as const]) {
    if (own !== tone) {
      text += tone === null ? run : paint(output, tone, run);
      [run, tone] = ['', own];
    }
    run += sign;
  }
  return (text + run).trimEnd();
}

function columnOf(index: number, count: number, width: number): number {
  return Math.min(width - 1, Math.floor(((index + 0.5) / count) * width));
}

function valueCanvas(spots: readonly Spot[], scale: Scale, width: number): Canvas {
  const canvas = new Canvas(width, scale.rows);
  let before: readonly [number, number] | null = null;
  for (const [index, { value }] of spots.entries()) {
    if (value === null) continue;
    const x = Math.min(width * DOTS_WIDE - 1, Math.floor(((index + 0.5) / spots.length) * width * DOTS_WIDE));
    const y = Math.round(rowOf(scale, value) * DOTS_HIGH + (DOTS_HIGH - 1) / 2 - 0.25);
    const [fromX, fromY] = before ?? [x, y];
    canvas.line(fromX, fromY, x, y);
    before = [x, y];
  }
  return canvas;
}

/** The pace line between the two nearest windows that have one. */
function between(spots: readonly Spot[], place: number): number | null {
  const [left, right] = [Math.floor(place), Math.ceil(place)];
  const [from, to] = [spots[left]?.expected ?? null, spots[right]?.expected ?? null];
  if (from === null || to === null) return from ?? to;
  return from + (to - from) * (place - left);
}

/** The worst verdict of the windows in each column; nothing for metrics, which have none. */
function verdictStrip(output: Output, spots: readonly Spot[], width: number): string | null {
  if (spots.every(({ verdict }) => verdict === null)) return null;
  const worst = new Map<number, Verdict>();
  for (const [index, { verdict }] of spots.entries()) {
    if (verdict === null) continue;
    const column = columnOf(index, spots.length, width);
    const known = worst.get(column);
    if (known === undefined || VERDICTS.indexOf(verdict) < VERDICTS.indexOf(known)) worst.set(column, verdict);
  }
  const signs = Array.from({ length: width }, (_, column): Sign => {
    const verdict = worst.get(column);
    return verdict === undefined ? [null, ' '] : [VERDICT_LOOK[verdict].tone, VERDICT_LOOK[verdict].symbol];
  });
  return painted(output, signs);
}

function latestWords(spots: readonly Spot[], unit: string | null): string[] {
  const last = spots.findLast(({ value }) => value !== null);
  if (last === undefined) return [];
  const { value, expected, target } = last.said;
  return [
    `${last.bucket}: ${readable(value)}${unit === null ? '' : ` ${unit}`}${last.final ? '' : ' (provisional)'}`,
    ...(expected === null || expected === target ? [] : [`expected ${readable(expected)}`]),
    ...(target === null ? [] : [`target ${readable(target)}`]),
  ];
}

function legend(output: Output, spots: readonly Spot[]): string[] {
  const parts = [`${paint(output, VALUE_TONE, '⠒⠒')} value`];
  if (spots.some(({ expected, target }) => expected !== null && expected !== target))
    parts.push(`${paint(output, 'bold', PACE + PACE)} expected by pace`);
  if (spots.some(({ low }) => low !== null)) parts.push(`${paint(output, 'gray', TARGET + TARGET)} range to keep`);
  else if (spots.some(({ target }) => target !== null)) parts.push(`${paint(output, 'gray', TARGET + TARGET)} target`);
  if (spots.some(({ final, value }) => !final && value !== null))
    parts.push(`${paint(output, 'yellow', PROVISIONAL)} provisional`);
  return parts;
}

function cut(text: string, most: number): string {
  const signs = [...text];
  return signs.length <= most ? text : `${signs.slice(0, Math.max(0, most - 1)).join('')}…`;
}

/** Parts side by side, in as many lines as they need. */
function packed(parts: readonly string[], separator: string, columns: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const longer = lines.length === 0 ? part : `${lines.at(-1)}${separator}${part}`;
    if (lines.length > 0 && textWidth(longer) <= columns) lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines;
}
