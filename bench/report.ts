import { cpus, loadavg, totalmem } from 'node:os';

/** One line of the table: what was measured, beside what it is compared with in the same run. */
export interface Measure {
  readonly measure: string;
  readonly ours: number;
  /** The same work by the bare engine. */
  readonly engine?: number;
  readonly unit: string;
  /** As the floor counts it: ours by the engine's for rates, and the same for times. */
  readonly ratio?: number;
  readonly floor?: number;
  /** Whether more is better. */
  readonly better: 'more' | 'less';
  readonly note?: string;
  /** Everything that was taken, for those who look closer. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export function machine() {
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    load: loadavg().map((one) => Number(one.toFixed(2))),
  };
}

/** Whether a line holds its floor; `undefined` where it has none. */
export function holds({ ours, ratio, floor, better }: Measure): boolean | undefined {
  if (floor === undefined) return undefined;
  const value = ratio ?? ours;
  return better === 'more' ? value >= floor : value <= floor;
}

const HEAD = ['measure', 'ours', 'engine', 'unit', 'ratio', 'floor', '', 'note'];

export function table(measures: readonly Measure[]): string {
  const lines = measures.map((one) => [
    one.measure,
    short(one.ours),
    one.engine === undefined ? '' : short(one.engine),
    one.unit,
    one.ratio === undefined ? '' : one.ratio.toFixed(2),
    one.floor === undefined ? '' : `${one.better === 'more' ? '≥' : '≤'} ${short(one.floor)}`,
    marks.get(holds(one)) ?? '',
    one.note ?? '',
  ]);
  const all = [HEAD, ...lines];
  const widths = HEAD.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  const pad = (text: string, column: number): string =>
    [1, 2, 4, 5].includes(column) ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0);
  return all.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}

const marks = new Map<boolean | undefined, string>([
  [true, 'holds'],
  [false, 'below'],
]);

function short(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 2 : 3;
  return value.toLocaleString('en', { maximumFractionDigits: digits });
}

export function rate(count: number, ms: number): number {
  return Math.round(count / (ms / 1000));
}

/** Of values in any order. */
export function quantile(values: readonly number[], share: number): number {
  const ascending = values.toSorted((a, b) => a - b);
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? Number.NaN;
}
