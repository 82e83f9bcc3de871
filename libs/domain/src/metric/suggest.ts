const CANDIDATES_MAX = 10_000;
const LENGTH_MAX = 64;

/** The name nearest to what was written, when it is near enough to have been meant: a third of its letters may differ. */
export function suggest(written: string, names: Iterable<string>): string | undefined {
  const target = plain(written);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(target.length / 3)) + 1;
  let seen = 0;
  for (const name of names) {
    if (++seen > CANDIDATES_MAX) break;
    const candidate = plain(name);
    if (Math.abs(candidate.length - target.length) >= bestDistance) continue;
    const distance = editDistance(target, candidate);
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** `; did you mean "region"?`, or nothing when no name is near. */
export function suggestion(written: string, names: Iterable<string>): string {
  const name = suggest(written, names);
  return name === undefined ? '' : `; did you mean ${JSON.stringify(name)}?`;
}

/** Case and separators are the commonest slips, so they cost nothing. */
function plain(word: string): string {
  return word
    .slice(0, LENGTH_MAX)
    .toLowerCase()
    .replace(/[_\- ]/g, '');
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(left: string, right: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      let cost = Math.min(previous[column]! + 1, current[column - 1]! + 1, previous[column - 1]! + (same ? 0 : 1));
      if (row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]) {
        cost = Math.min(cost, before[column - 2]! + 1);
      }
      current.push(cost);
    }
    before = previous;
    previous = current;
  }
  return previous[right.length]!;
}
