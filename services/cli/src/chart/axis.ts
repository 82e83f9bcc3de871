const GAP = 2;

export interface Axis {
  /** The line itself, with a mark over each label. */
  readonly ticks: string;
  readonly labels: string;
}

/** As many labels of windows as fit side by side, evenly apart; the first and the last where two fit. */
export function axisOf(buckets: readonly string[], width: number): Axis {
  const most = Math.min(buckets.length, Math.floor(width / 4));
  for (let count = most; count > 1; count--) {
    const placed = place(buckets, width, count);
    if (placed !== null) return drawn(placed, width);
  }
  const last = buckets.at(-1) ?? '';
  return drawn([labelAt(last, buckets.length - 1, buckets.length, width)], width);
}

interface Placed {
  readonly text: string;
  readonly tick: number;
  readonly from: number;
}

function place(buckets: readonly string[], width: number, count: number): Placed[] | null {
  const placed: Placed[] = [];
  let free = 0;
  for (let at = 0; at < count; at++) {
    const index = Math.round((at * (buckets.length - 1)) / (count - 1));
    const label = labelAt(buckets[index] ?? '', index, buckets.length, width);
    if (label.from < free) return null;
    free = label.from + label.text.length + GAP;
    placed.push(label);
  }
  return placed;
}

function labelAt(text: string, index: number, count: number, width: number): Placed {
  const tick = Math.min(width - 1, Math.floor(((index + 0.5) / count) * width));
  const from = Math.max(0, Math.min(width - text.length, tick - Math.floor(text.length / 2)));
  return { text, tick, from };
}

function drawn(placed: readonly Placed[], width: number): Axis {
  const ticks = Array.from({ length: width }, () => '─');
  let labels = '';
  for (const { text, tick, from } of placed) {
    ticks[tick] = '┬';
    labels = labels.padEnd(from) + text;
  }
  return { ticks: ticks.join(''), labels: labels.slice(0, width) };
}
