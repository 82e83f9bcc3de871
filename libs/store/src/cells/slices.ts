/**
 * Cutting time in SQL without a zone: the domain computes every edge, and the edges travel as runs of equal steps. A year
 * of days in Berlin is five runs (one an offset), so the text of a query stays short however long its range is.
 */
export interface Slices {
  /** Edges in microseconds, ascending: slice i is [edges[i], edges[i + 1]). */
  readonly edges: readonly number[];
  readonly starts: readonly number[];
  readonly steps: readonly number[];
}

/** `edges` ascending without repeats, at least two. */
export function slicesOf(edges: readonly number[]): Slices {
  const starts: number[] = [];
  const steps: number[] = [];
  for (let index = 0; index + 1 < edges.length; index++) {
    const step = edges[index + 1]! - edges[index]!;
    if (steps.at(-1) === step) continue;
    starts.push(edges[index]!);
    steps.push(step);
  }
  return { edges, starts, steps };
}

/** The start of the slice of an expression of microseconds; needs parameters `starts` and `steps`. Right for times within the edges only. */
export function sliceStart(microseconds: string): string {
  const run = `roundDown(${microseconds}, {starts:Array(Int64)})`;
  return `(${run} + intDiv(${microseconds} - ${run}, transform(${run}, {starts:Array(Int64)}, {steps:Array(Int64)}, toInt64(1))) * transform(${run}, {starts:Array(Int64)}, {steps:Array(Int64)}, toInt64(1)))`;
}

/** Ascending, each once. */
export function sortedEdges(edges: Iterable<number>): number[] {
  return [...new Set(edges)].sort((a, b) => a - b);
}

/** Index of the last edge at or below a value; -1 when it lies before all. */
export function lastAtOrBelow(edges: readonly number[], value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (edges[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
