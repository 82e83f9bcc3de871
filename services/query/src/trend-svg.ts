import { VERDICT_LOOK, type Verdict } from '@paceline/domain';
import { numberWords } from '@paceline/domain/evaluate/words';
import type { TrendRow } from './trend-rows.ts';

/** What a picture of a trend says besides its rows. */
export interface TrendPicture {
  /** Of the metric or subject. */
  readonly title: string;
  /** Unit of measure of the values. */
  readonly unit: string | null;
  readonly rows: readonly TrendRow[];
}

const WIDTH = 640;
const HEIGHT = 260;
const PLOT = { left: 76, right: WIDTH - 16, top: 52, bottom: HEIGHT - 44 } as const;
/** More lines cannot be told apart; the picture says how many are missing. */
const GROUPS_MAX = 6;
/** One column of pixels shows one low and one high. */
const COLUMNS = PLOT.right - PLOT.left;

/** Told apart by dashes too, and dark enough for a white page; from Okabe and Ito's palette for the colour-blind. */
const GROUP_LINES: readonly (readonly [colour: string, dash: string])[] = [
  ['#175cd3', ''],
  ['#b3540a', '6 3'],
  ['#00704f', '2 3'],
  ['#8a3e78', '8 3 2 3'],
  ['#4b5563', '4 4'],
  ['#7a5a00', '1 4'],
];
const TONES = { green: '#0b6b4a', yellow: '#855300', red: '#a3232c', gray: '#55606f' } as const;
const [INK, QUIET, GRID, PACE, TARGET] = ['#18202b', '#55606f', '#dfe4ea', '#6b7684', '#8a5b9e'] as const;
const FONT = 'system-ui, -apple-system, Segoe UI, Roboto, sans-serif';

/**
 * A trend as one SVG for mails and wikis: drawn with attributes alone, no script, no style sheet and nothing from elsewhere, because
 * mail programs drop all of those. Goals, which have no value of their own, are drawn by their progress in percent.
 */
export function trendSvg({ title, unit, rows }: TrendPicture): string {
  const byProgress =
    rows.every(({ value }) => value === null) && rows.some(({ progress }) => typeof progress === 'number');
  const measure = byProgress ? '%' : unit;
  const all = [...Map.groupBy(rows, groupName)].map(([name, own]) => ({ name, spots: spotsOf(own, byProgress) }));
  const groups = all.slice(0, GROUPS_MAX);
  const scale = scaleOf(groups.flatMap(({ spots }) => spots));
  const verdict = rows.findLast((row) => row.verdict !== null && row.verdict !== undefined)?.verdict ?? null;
  const parts = [
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(16, 26, title, { size: 15, weight: 600, most: 52 }),
    verdict === null ? '' : verdictText(verdict),
    scale === null
      ? text(WIDTH / 2, HEIGHT / 2, 'No values in this range', { size: 13, fill: QUIET, anchor: 'middle' })
      : plot(groups, scale, measure),
    legend(groups, all.length, scale),
  ];
  const description = wordsOf(title, groups[0]?.spots ?? [], measure, verdict);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" font-family="${FONT}"><title>${xml(title)}</title><desc>${xml(description)}</desc>${parts.join('')}</svg>\n`;
}

interface Spot {
  readonly bucket: string;
  readonly at: number;
  readonly value: number | null;
  readonly expected: number | null;
  readonly target: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly previous: number | null;
  readonly final: boolean;
}

interface Group {
  readonly name: string;
  readonly spots: readonly Spot[];
}

interface Scale {
  readonly ticks: readonly number[];
  readonly first: Spot;
  readonly last: Spot;
  x(at: number): number;
  y(value: number): number;
}

function groupName({ dimensions }: TrendRow): string {
  const pairs = Object.entries(dimensions ?? {});
  return pairs.map(([name, value]) => `${name} ${value === '' ? '(none)' : value}`).join(', ');
}

function spotsOf(rows: readonly TrendRow[], byProgress: boolean): Spot[] {
  return rows.map((row) => {
    const at = Date.parse(row.to);
    const base = { bucket: row.bucket, at, final: row.final };
    if (byProgress) {
      const [value, expected] = [share(row.progress), share(row.expected)];
      return { ...base, value, expected, target: value === null ? null : 100, low: null, high: null, previous: null };
    }
    const [value, target, expected] = [numberOf(row.value), numberOf(row.target), numberOf(row.expectedValue)];
    const [low, high] = [numberOf(row.targetLow), numberOf(row.targetHigh)];
    return { ...base, value, expected, target, low, high, previous: numberOf(row.previous?.value) };
  });
}

function share(ratio: number | null | undefined): number | null {
  return typeof ratio === 'number' ? ratio * 100 : null;
}

/** Doubles are exact enough for a picture; the same address without `format=svg` has the decimals. */
function numberOf(decimal: string | null | undefined): number | null {
  if (decimal === null || decimal === undefined) return null;
  const value = Number(decimal);
  return Number.isFinite(value) ? value : null;
}

function scaleOf(spots: readonly Spot[]): Scale | null {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let [first, last]: [Spot | undefined, Spot | undefined] = [undefined, undefined];
  for (const spot of spots) {
    if (first === undefined || spot.at < first.at) first = spot;
    if (last === undefined || spot.at > last.at) last = spot;
    for (const value of [spot.value, spot.expected, spot.target, spot.low, spot.high, spot.previous]) {
      if (value === null) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (first === undefined || last === undefined || low > high || spots.every(({ value }) => value === null))
    return null;
  const ticks = ticksOf(low, high);
  const [bottom = low, top = high] = [ticks[0], ticks.at(-1)];
  const [start, end] = [first.at, last.at];
  return {
    ticks,
    first,
    last,
    x: (at) => between(at, start, end, PLOT.left, PLOT.right),
    y: (value) => between(value, bottom, top, PLOT.bottom, PLOT.top),
  };
}

function between(value: number, low: number, high: number, from: number, to: number): number {
  const share = high > low ? (value - low) / (high - low) : 0.5;
  return Math.round((from + share * (to - from)) * 10) / 10;
}

const STEPS = [1, 2, 2.5, 5, 10];

/** Round numbers from at or below `low` to at or above `high`, about four of them. */
function ticksOf(low: number, high: number): number[] {
  const span = high > low ? high - low : Math.abs(high) || 1;
  const magnitude = 10 ** Math.floor(Math.log10(span / 3));
  const step = magnitude * (STEPS.find((each) => span / (magnitude * each) <= 4) ?? 10);
  const [from, to] = [Math.floor(low / step), Math.ceil(high / step)];
  return Array.from({ length: Math.max(2, to - from + 1) }, (_, index) =>
    Number(((from + index) * step).toPrecision(12)),
  );
}

function plot(groups: readonly Group[], scale: Scale, measure: string | null): string {
  const lines = scale.ticks.map((tick) => {
    const y = scale.y(tick);
    return `<path d="M${PLOT.left} ${y}H${PLOT.right}" stroke="${GRID}"/>${text(PLOT.left - 8, y + 4, tickText(tick), { size: 11, fill: QUIET, anchor: 'end' })}`;
  });
  const [first] = groups;
  const isJudged = groups.length === 1 && first !== undefined;
  return [
    measure === null ? '' : text(PLOT.left, 44, measure, { size: 11, fill: QUIET, most: 24 }),
    ...lines,
    text(PLOT.left, PLOT.bottom + 16, scale.first.bucket, { size: 11, fill: QUIET }),
    scale.last.at > scale.first.at
      ? text(PLOT.right, PLOT.bottom + 16, scale.last.bucket, { size: 11, fill: QUIET, anchor: 'end' })
      : '',
    isJudged ? judged(first, scale) : '',
    ...groups.map((group, index) => valueLine(group, index, scale)),
  ].join('');
}

/** The range to keep, the target and the pace line, below the values. */
function judged({ spots }: Group, scale: Scale): string {
  const latest = spots.findLast(({ low, high }) => low !== null && high !== null);
  const band =
    latest?.low == null || latest.high === null
      ? ''
      : `<rect x="${PLOT.left}" y="${scale.y(latest.high)}" width="${COLUMNS}" height="${Math.max(1, scale.y(latest.low) - scale.y(latest.high))}" fill="${TARGET}" fill-opacity=".13"/>`;
  const isPaced = spots.some(({ expected, target }) => expected !== null && expected !== target);
  return [
    band,
    line(spots, scale, (spot) => spot.target, `stroke="${TARGET}" stroke-width="1.5"`),
    isPaced
      ? line(spots, scale, (spot) => spot.expected, `stroke="${PACE}" stroke-width="1.5" stroke-dasharray="5 4"`)
      : '',
    line(spots, scale, (spot) => spot.previous, `stroke="${PACE}" stroke-width="1" stroke-opacity=".8"`),
  ].join('');
}

function valueLine({ spots }: Group, index: number, scale: Scale): string {
  const [colour = INK, dash = ''] = GROUP_LINES[index] ?? [];
  const style = `stroke="${colour}" stroke-width="2"${dash === '' ? '' : ` stroke-dasharray="${dash}"`}`;
  const valued = spots.filter(({ value }) => value !== null);
  const last = valued.at(-1);
  // Hollow: the number may still change.
  const fill = last?.final === false ? '#ffffff' : colour;
  const dot =
    last === undefined
      ? ''
      : `<circle cx="${scale.x(last.at)}" cy="${scale.y(last.value ?? 0)}" r="3.5" fill="${fill}" stroke="${colour}" stroke-width="1.5"/>`;
  return line(spots, scale, (spot) => spot.value, style) + dot;
}

function line(spots: readonly Spot[], scale: Scale, of: (spot: Spot) => number | null, style: string): string {
  const corners: [number, number][] = [];
  for (const spot of spots) {
    const value = of(spot);
    if (value !== null) corners.push([scale.x(spot.at), scale.y(value)]);
  }
  if (corners.length === 0) return '';
  const path = thinned(corners).map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x} ${y}`);
  return `<path d="${path.join('')}" fill="none" stroke-linejoin="round" stroke-linecap="round" ${style}/>`;
}

/** Of more corners than pixels, the lowest and highest of each column: what one sees stays the same. */
function thinned(corners: readonly [number, number][]): readonly [number, number][] {
  if (corners.length <= 2 * COLUMNS) return corners;
  const byColumn = Map.groupBy(corners, ([x]) => Math.round(x));
  return [...byColumn.values()].flatMap((column) => {
    const sorted = column.toSorted(([, above], [, below]) => above - below);
    const [top, bottom] = [sorted[0], sorted.at(-1)];
    if (top === undefined || bottom === undefined) return [];
    return column.indexOf(top) <= column.indexOf(bottom) ? [top, bottom] : [bottom, top];
  });
}

function legend(groups: readonly Group[], count: number, scale: Scale | null): string {
  const y = HEIGHT - 12;
  if (count > 1) {
    const width = (WIDTH - 32) / Math.min(groups.length, 4);
    const shown = groups.slice(0, 4).map(({ name }, index) => {
      const [colour = INK, dash = ''] = GROUP_LINES[index] ?? [];
      const x = 16 + index * width;
      return `<path d="M${x} ${y - 4}h18" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>${text(x + 24, y, name, { size: 11, fill: QUIET, most: Math.floor(width / 7) - 4 })}`;
    });
    const missing = count - groups.length;
    const note =
      missing > 0 ? text(WIDTH - 16, 44, `${missing} more not drawn`, { size: 11, fill: QUIET, anchor: 'end' }) : '';
    return shown.join('') + note;
  }
  const spots = scale === null ? [] : (groups[0]?.spots ?? []);
  const keys: [string, string][] = [];
  if (spots.some(({ target }) => target !== null)) keys.push(['target', `stroke="${TARGET}" stroke-width="1.5"`]);
  if (spots.some(({ expected, target }) => expected !== null && expected !== target))
    keys.push(['expected by pace', `stroke="${PACE}" stroke-width="1.5" stroke-dasharray="5 4"`]);
  if (spots.some(({ low }) => low !== null))
    keys.push(['range to keep', `stroke="${TARGET}" stroke-opacity=".3" stroke-width="9"`]);
  if (spots.some(({ previous }) => previous !== null)) keys.push(['the period before', `stroke="${PACE}"`]);
  return keys
    .map(([name, style], index) => {
      const x = 16 + index * 150;
      return `<path d="M${x} ${y - 4}h18" ${style}/>${text(x + 24, y, name, { size: 11, fill: QUIET })}`;
    })
    .join('');
}

function verdictText(verdict: Verdict): string {
  const { symbol, text: words, tone } = VERDICT_LOOK[verdict];
  return text(WIDTH - 16, 26, `${symbol} ${words}`, { size: 13, weight: 600, fill: TONES[tone], anchor: 'end' });
}

function wordsOf(title: string, spots: readonly Spot[], measure: string | null, verdict: Verdict | null): string {
  const valued = spots.filter(({ value }) => value !== null);
  const [first, last] = [valued[0], valued.at(-1)];
  if (first === undefined || last === undefined) return `${title}: no values in this range`;
  const say = (spot: Spot): string =>
    `${tickText(spot.value ?? 0)}${measure === null ? '' : ` ${measure}`} (${spot.bucket})`;
  const ending = verdict === null ? '' : `; ${VERDICT_LOOK[verdict].text}`;
  return `${title}: from ${say(first)} to ${say(last)}${ending}`;
}

function tickText(value: number): string {
  const plain = Number(value.toPrecision(10));
  const written = String(plain);
  return written.includes('e') ? written : numberWords(written);
}

interface TextStyle {
  readonly size: number;
  readonly weight?: number;
  readonly fill?: string;
  readonly anchor?: 'middle' | 'end';
  /** Characters shown; longer text ends in an ellipsis. */
  readonly most?: number;
}

function text(x: number, y: number, words: string, { size, weight, fill = INK, anchor, most }: TextStyle): string {
  const characters = [...words];
  const shown = most !== undefined && characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : words;
  const attributes = [
    `x="${x}" y="${y}" font-size="${size}" fill="${fill}"`,
    ...(weight === undefined ? [] : [`font-weight="${weight}"`]),
    ...(anchor === undefined ? [] : [`text-anchor="${anchor}"`]),
  ];
  return `<text ${attributes.join(' ')}>${xml(shown)}</text>`;
}

/** Titles come from people, and a picture is opened by browsers; what XML cannot hold is left out. */
function xml(words: string): string {
  return words
    .toWellFormed()
    .replace(/[\p{Cc}\p{Noncharacter_Code_Point}]/gu, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
