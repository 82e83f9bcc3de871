import type { Verdict } from '@paceline/domain/evaluation';
import { VERDICT_LOOK } from '@paceline/domain/look';
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import type { Chart } from '../model/chart.ts';
import { doubleText } from '../model/format.ts';
import { useMedia } from './hooks.ts';

export interface ChartProps {
  readonly chart: Chart;
  readonly timezone: string;
  /** What the chart shows, for those who do not see it; the table beside it holds every number. */
  readonly label: string;
  readonly measure: string;
}

const HEIGHT = 250;

/** What the pointer is on. */
interface Reading {
  readonly at: number;
  readonly values: readonly (number | null)[];
}

export function ChartView({ chart, timezone, label, measure }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const [reading, setReading] = useState<Reading | null>(null);
  const isDark = useMedia('(prefers-color-scheme: dark)');
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const plot = new uPlot(optionsOf(chart, timezone, element, setReading), dataOf(chart), element);
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [chart, timezone, isDark]);
  return (
    <figure class="chart">
      <div ref={box} class="chart-box" role="img" aria-label={label} />
      <figcaption>
        <Legend chart={chart} />
        <p class="reading" aria-hidden="true">
          {reading === null ? '' : readingText(reading, timezone, measure)}
        </p>
      </figcaption>
    </figure>
  );
}

function dataOf({ columns }: Chart): uPlot.AlignedData {
  const [xs = [], ...series] = columns;
  return [xs.map((at) => at ?? 0), ...series.map((values) => [...values])];
}

interface Colours {
  readonly ink: string;
  readonly quiet: string;
  readonly line: string;
  readonly actual: string;
  readonly pace: string;
  readonly target: string;
  readonly band: string;
  readonly provisional: string;
  readonly late: string;
  readonly tone: Readonly<Record<'green' | 'yellow' | 'red' | 'gray', string>>;
}

function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element);
  const read = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: read('ink'),
    quiet: read('quiet'),
    line: read('line'),
    actual: read('accent'),
    pace: read('pace'),
    target: read('target'),
    band: read('band'),
    provisional: read('shade-provisional'),
    late: read('shade-late'),
    tone: { green: read('green'), yellow: read('yellow'), red: read('red'), gray: read('gray') },
  };
}

function optionsOf(
  chart: Chart,
  timezone: string,
  element: HTMLElement,
  onReading: (reading: Reading | null) => void,
): uPlot.Options {
  const colours = coloursOf(element);
  const font = `12px ${getComputedStyle(element).fontFamily}`;
  const axis: uPlot.Axis = {
    stroke: colours.quiet,
    font,
    grid: { stroke: colours.line, width: 1 },
    ticks: { stroke: colours.line, width: 1, size: 4 },
  };
  const points = {
    show: chart.columns[0] !== undefined && chart.columns[0].length <= 40,
    size: 5,
    fill: colours.actual,
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    padding: [14, 28, 0, 0],
    legend: { show: false },
    cursor: { points: { size: 7 }, drag: { x: false, y: false } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), timezone),
    scales: { x: { time: true, range: () => [chart.from, Math.max(chart.to, chart.from + 1)] }, y: { range: rangeOf } },
    axes: [
      { ...axis, values: timeLabels(timezone), space: 64 },
      { ...axis, size: axisWidth, values: (_, splits) => splits.map((value) => doubleText(value)) },
    ],
    series: [
      {},
      { label: 'actual', stroke: colours.actual, width: 2, points, spanGaps: true },
      { label: 'expected', stroke: colours.pace, width: 1.5, dash: [5, 4], points: { show: false }, spanGaps: true },
      {
        label: 'target',
        stroke: colours.target,
        width: 1.5,
        points: { show: false },
        paths: stepped(),
        spanGaps: true,
      },
      { label: 'low', stroke: colours.target, width: 1, points: { show: false }, paths: stepped(), spanGaps: true },
      { label: 'high', stroke: colours.target, width: 1, points: { show: false }, paths: stepped(), spanGaps: true },
    ],
    bands: [{ series: [5, 4], fill: colours.band }],
    hooks: {
      drawClear: [(plot) => drawShades(plot, chart, colours)],
      draw: [(plot) => drawMarks(plot, chart, colours, font)],
      setCursor: [
        (plot) => {
          const { idx } = plot.cursor;
          if (idx === null || idx === undefined) onReading(null);
          else
            onReading({ at: plot.data[0][idx] ?? 0, values: plot.data.slice(1).map((column) => column[idx] ?? null) });
        },
      ],
    },
  };
}

/** As wide as its longest label. */
function axisWidth(_plot: uPlot, labels: readonly string[] | null): number {
  return 18 + 7 * Math.max(3, ...(labels ?? []).map(({ length }) => length));
}

/** `12 Oct`, with the year where the ticks are months apart, by the hour within days. */
function timeLabels(timezone: string): uPlot.Axis.DynamicValues {
  const format = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat('en-GB', { ...options, timeZone: timezone });
  const days = format({ day: 'numeric', month: 'short' });
  const months = format({ month: 'short', year: 'numeric' });
  const hours = format({ hour: '2-digit', minute: '2-digit' });
  return (_plot, splits, _axis, _space, seconds) => {
    const { format: say } = seconds >= 28 * 86_400 ? months : seconds >= 86_400 ? days : hours;
    return splits.map((at) => say(at * 1000));
  };
}

function stepped(): uPlot.Series.PathBuilder {
  const steps = uPlot.paths.stepped;
  if (steps === undefined) throw new Error('uPlot was built without stepped lines');
  return steps({ align: 1 });
}

/** Nearly the range of the values; a flat line gets room on both sides. */
function rangeOf(_plot: uPlot, min: number | null, max: number | null): uPlot.Range.MinMax {
  if (min === null || max === null) return [0, 1];
  const room = max === min ? Math.abs(max) * 0.1 || 1 : (max - min) * 0.08;
  return [min >= 0 && min - room < 0 ? 0 : min - room, max + room];
}

/** Shades carry stripes, so that they differ by more than a tint. */
function drawShades(plot: uPlot, { shades }: Chart, colours: Colours): void {
  const { ctx, bbox } = plot;
  for (const { from, to, kind } of shades) {
    const left = Math.max(bbox.left, plot.valToPos(from, 'x', true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, 'x', true));
    if (right <= left) continue;
    ctx.save();
    ctx.fillStyle = kind === 'late' ? colours.late : colours.provisional;
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
    if (kind === 'late') {
      ctx.beginPath();
      ctx.rect(left, bbox.top, right - left, bbox.height);
      ctx.clip();
      ctx.strokeStyle = colours.line;
      ctx.lineWidth = devicePixelRatio;
      const step = 8 * devicePixelRatio;
      ctx.beginPath();
      for (let x = left - bbox.height; x < right; x += step) {
        ctx.moveTo(x, bbox.top + bbox.height);
        ctx.lineTo(x + bbox.height, bbox.top);
      }
      ctx.stroke();
    }
    ctx.restore();
  }
}

function drawMarks(plot: uPlot, chart: Chart, colours: Colours, font: string): void {
  const { ctx, bbox } = plot;
  const pixel = devicePixelRatio;
  const within = (x: number): boolean => x >= bbox.left - 1 && x <= bbox.left + bbox.width + 1;
  ctx.save();
  for (const { at } of chart.definitions) {
    const x = plot.valToPos(at, 'x', true);
    if (!within(x)) continue;
    ctx.strokeStyle = colours.quiet;
    ctx.lineWidth = pixel;
    ctx.setLineDash([2 * pixel, 3 * pixel]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.fillStyle = colours.quiet;
    polygon(ctx, x, bbox.top - 5 * pixel, 4.5 * pixel, DIAMOND);
  }
  for (const { at } of chart.alerts) {
    const x = plot.valToPos(at, 'x', true);
    if (!within(x)) continue;
    ctx.fillStyle = colours.tone.red;
    polygon(ctx, x, bbox.top - 5 * pixel, 6 * pixel, FLAG);
    ctx.fillRect(x - pixel, bbox.top - 10 * pixel, 1.5 * pixel, bbox.height + 10 * pixel);
  }
  for (const { at, value, verdict } of chart.turns) {
    const [x, y] = [plot.valToPos(at, 'x', true), plot.valToPos(value, 'y', true)];
    if (within(x)) drawVerdict(ctx, x, y, verdict, colours);
  }
  ctx.font = font;
  ctx.restore();
}

type Outline = readonly (readonly [number, number])[];
const DIAMOND: Outline = [
  [0, -1],
  [1, 0],
  [0, 1],
  [-1, 0],
];
const FLAG: Outline = [
  [0, -1],
  [1.6, -0.45],
  [0, 0.1],
];
const TRIANGLE: Outline = [
  [0, -1],
  [1, 0.8],
  [-1, 0.8],
];
const SQUARE: Outline = [
  [-0.85, -0.85],
  [0.85, -0.85],
  [0.85, 0.85],
  [-0.85, 0.85],
];
const CROSS: Outline = [
  [-1, -0.6],
  [-0.6, -1],
  [0, -0.4],
  [0.6, -1],
  [1, -0.6],
  [0.4, 0],
  [1, 0.6],
  [0.6, 1],
  [0, 0.4],
  [-0.6, 1],
  [-1, 0.6],
  [-0.4, 0],
];
const STAR: Outline = Array.from({ length: 10 }, (_, corner) => {
  const reach = corner % 2 === 0 ? 1.2 : 0.5;
  return [reach * Math.sin((corner * Math.PI) / 5), -reach * Math.cos((corner * Math.PI) / 5)] as const;
});
const OUTLINES: Partial<Record<Verdict, Outline>> = {
  at_risk: TRIANGLE,
  off_track: SQUARE,
  missed: CROSS,
  achieved: STAR,
};

/** The shape of the verdict that begins here; a ring of the page's colour keeps it off the line. */
function drawVerdict(ctx: CanvasRenderingContext2D, x: number, y: number, verdict: Verdict, colours: Colours): void {
  const size = 5 * devicePixelRatio;
  ctx.fillStyle = colours.tone[VERDICT_LOOK[verdict].tone];
  const outline = OUTLINES[verdict];
  if (outline !== undefined) polygon(ctx, x, y, size, outline);
  else {
    ctx.beginPath();
    ctx.arc(x, y, size * 0.85, 0, Math.PI * 2);
    ctx.fill();
  }
}

function polygon(ctx: CanvasRenderingContext2D, x: number, y: number, size: number, outline: Outline): void {
  ctx.beginPath();
  for (const [right, down] of outline) ctx.lineTo(x + right * size, y + down * size);
  ctx.closePath();
  ctx.fill();
}

function Legend({ chart }: { readonly chart: Chart }) {
  const has = (column: number): boolean => chart.columns[column]?.some((value) => value !== null) ?? false;
  const kinds = new Set(chart.shades.map(({ kind }) => kind));
  return (
    <ul class="legend">
      <li class="key key-actual">actual</li>
      {has(2) ? <li class="key key-pace">expected by pace</li> : null}
      {has(3) ? <li class="key key-target">target</li> : null}
      {has(4) ? <li class="key key-band">range to keep</li> : null}
      {kinds.has('provisional') ? <li class="key key-provisional">provisional</li> : null}
      {kinds.has('late') ? <li class="key key-late">data overdue</li> : null}
      {chart.definitions.length > 0 ? <li class="key key-definitions">definitions changed</li> : null}
      {chart.alerts.length > 0 ? <li class="key key-alert">alert opened</li> : null}
    </ul>
  );
}

function readingText({ at, values }: Reading, timezone: string, measure: string): string {
  const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: timezone }).format(at * 1000);
  const [actual, expected, target] = values;
  const say = (name: string, value: number | null | undefined): string =>
    value === null || value === undefined ? '' : ` · ${name} ${doubleText(value)}`;
  return `${day}${say('actual', actual)}${say('expected', expected)}${say('target', target)} ${measure}`.trim();
}
