import type { Instant, Span } from './instant.ts';

/** A set of instants as disjoint, not touching, not empty spans, ascending. */
export type Intervals = readonly Span[];

/** The set of all instants of some spans, in any order, overlapping or not. */
export function intervalsOf(spans: Iterable<Span>): Intervals {
  const sorted = [...spans].filter((span) => span.from < span.to).sort((a, b) => a.from - b.from);
  const set: Span[] = [];
  for (const span of sorted) {
    const last = set.at(-1);
    if (last === undefined || span.from > last.to) set.push(span);
    else if (span.to > last.to) set[set.length - 1] = { from: last.from, to: span.to };
  }
  return set;
}

export function union(left: Intervals, right: Intervals): Intervals {
  if (left.length === 0) return right;
  return right.length === 0 ? left : intervalsOf([...left, ...right]);
}

export function intersection(left: Intervals, right: Intervals): Intervals {
  const set: Span[] = [];
  let a = 0;
  let b = 0;
  while (a < left.length && b < right.length) {
    const from = Math.max(left[a]!.from, right[b]!.from);
    const to = Math.min(left[a]!.to, right[b]!.to);
    if (from < to) set.push({ from, to });
    if (left[a]!.to < right[b]!.to) a++;
    else b++;
  }
  return set;
}

/** What is in `left` and not in `right`. */
export function difference(left: Intervals, right: Intervals): Intervals {
  const set: Span[] = [];
  let b = 0;
  for (const span of left) {
    let { from } = span;
    while (b < right.length && right[b]!.to <= from) b++;
    for (let next = b; next < right.length && right[next]!.from < span.to; next++) {
      if (right[next]!.from > from) set.push({ from, to: right[next]!.from });
      from = Math.max(from, right[next]!.to);
    }
    if (from < span.to) set.push({ from, to: span.to });
  }
  return set;
}

/** Whether every instant of a span is in the set. */
export function covers(set: Intervals, span: Span): boolean {
  const found = set[spanIndex(set, span.from)];
  return found !== undefined && span.from >= found.from && span.to <= found.to;
}

export function contains(set: Intervals, at: Instant): boolean {
  const found = set[spanIndex(set, at)];
  return found !== undefined && at >= found.from;
}

/** The index of the first span that ends after an instant; the set's length when none does. */
export function spanIndex(set: Intervals, at: Instant): number {
  let first = 0;
  let end = set.length;
  while (first < end) {
    const middle = (first + end) >>> 1;
    if (set[middle]!.to > at) end = middle;
    else first = middle + 1;
  }
  return first;
}
