import { expect, test } from 'vitest';
import { lastAtOrBelow, sliceStart, slicesOf, sortedEdges } from './slices.ts';

/** What the engine computes from the runs, by the same formula. */
function startOf(at: number, edges: readonly number[]): number {
  const { starts, steps } = slicesOf(edges);
  const run = lastAtOrBelow(starts, at);
  return starts[run]! + Math.floor((at - starts[run]!) / steps[run]!) * steps[run]!;
}

test('days around a change of clocks are three runs', () => {
  const edges = [0, 24, 48, 71, 95, 119];
  expect(slicesOf(edges)).toEqual({ edges, starts: [0, 48, 71], steps: [24, 23, 24] });
  for (let at = 0; at < 119; at++) expect(startOf(at, edges)).toBe(edges[lastAtOrBelow(edges, at)]);
});

test('cuts inside a bucket make runs of their own', () => {
  const edges = sortedEdges([0, 10, 20, 30, 14, 15, 20]);
  expect(edges).toEqual([0, 10, 14, 15, 20, 30]);
  for (let at = 0; at < 30; at++) expect(startOf(at, edges)).toBe(edges[lastAtOrBelow(edges, at)]);
});

test('the text names its two parameters and nothing else', () => {
  expect(sliceStart('t').match(/\{\w+:[^}]+\}/g)).toEqual([
    '{starts:Array(Int64)}',
    '{starts:Array(Int64)}',
    '{starts:Array(Int64)}',
    '{starts:Array(Int64)}',
    '{steps:Array(Int64)}',
    '{starts:Array(Int64)}',
    '{starts:Array(Int64)}',
    '{steps:Array(Int64)}',
  ]);
});
