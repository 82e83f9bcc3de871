/** Values of the rows of a chart; a tick stands in the middle of its row. */
export interface Scale {
  readonly rows: number;
  /** Of the top row and the bottom row. */
  readonly top: number;
  readonly bottom: number;
  /** Row and value, from the top. */
  readonly ticks: readonly (readonly [row: number, value: number])[];
}

const STEPS = [1, 2, 2.5, 5, 10];
const ROWS_PER_TICK_MIN = 2;

/** Of round numbers from at or below `low` to at or above `high` the tightest that fall on whole rows; at most `rowsMax` rows. */
export function scaleOf(low: number, high: number, rowsMax: number): Scale {
  const span = high > low ? high - low : Math.abs(high) || 1;
  const candidates = [5, 4, 3, 2, 1].map((ticks) => stepsOf(low, high, roundStep(span / ticks)));
  const fitting = candidates.filter(({ from, to }) => (to - from) * ROWS_PER_TICK_MIN < rowsMax);
  const [first = stepsOf(low, high, roundStep(span)), ...others] = fitting;
  const length = ({ from, to, step }: Steps): number => (to - from) * step;
  const { from, to, step } = others.reduce(
    (best, each) => (length(each) < length(best) * (1 - ROUNDING) ? each : best),
    first,
  );
  return scaled(from, to, step, Math.max(1, Math.floor((rowsMax - 1) / (to - from))));
}

interface Steps {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

function stepsOf(low: number, high: number, step: number): Steps {
  const from = Math.floor(low / step + ROUNDING);
  return { from, to: Math.max(from + 1, Math.ceil(high / step - ROUNDING)), step };
}

/** What doubles lose when a tick is divided by its step. */
const ROUNDING = 1e-9;

function roundStep(least: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(least));
  return magnitude * (STEPS.find((each) => each * magnitude >= least * (1 - ROUNDING)) ?? 10);
}

function scaled(from: number, to: number, step: number, rowsPerTick: number): Scale {
  const value = (index: number): number => Number((index * step).toPrecision(12));
  const ticks = Array.from({ length: to - from + 1 }, (_, at) => [at * rowsPerTick, value(to - at)] as const);
  return { rows: (to - from) * rowsPerTick + 1, top: value(to), bottom: value(from), ticks };
}

/** In rows from the top; whole numbers are the middles of rows. */
export function rowOf({ rows, top, bottom }: Scale, value: number): number {
  return ((top - value) / (top - bottom)) * (rows - 1);
}
