import { type Explanation, readInstant, round12 } from '@paceline/domain';

/**
 * Recomputes an evaluation from what its explanation lists, and from nothing else: every formula with its numbers put in, every
 * comparison, the verdict that follows, the roll-up of the members. What does not agree comes back as text.
 */
export function checkExplanation(explanation: Explanation): string[] {
  return [
    ...checkFormulas(explanation),
    ...checkThresholds(explanation),
    ...checkVerdict(explanation),
    ...checkMembers(explanation),
    ...checkWindow(explanation),
  ];
}

/** Of the evaluation, by the formula's name. */
function printedOf({ evaluation }: Explanation, name: string): number | null {
  const { progressRaw, elapsed, expected, expectedValue, gap, pace } = evaluation;
  const values: Readonly<Record<string, number | null>> = {
    E: elapsed,
    P: progressRaw,
    'E*': expected,
    X: expectedValue === null ? null : Number(expectedValue),
    gap,
    ratio: pace,
  };
  return values[name] ?? null;
}

function checkFormulas(explanation: Explanation): string[] {
  const faults: string[] = [];
  for (const { name, filled, result } of explanation.formulas) {
    const computed = new Formula(filled).value();
    if (!close(computed, Number(result))) faults.push(`${name} = ${filled} is ${computed}, not ${result}`);
    const printed = printedOf(explanation, name);
    if (printed !== null && !close(printed, Number(result)))
      faults.push(`${name} is ${result}, but ${printed} is printed`);
  }
  const named = new Set(explanation.formulas.map(({ name }) => name));
  for (const name of ['E', 'P', 'E*', 'gap', 'ratio']) {
    if (name === 'E' && explanation.evaluation.period === null) continue;
    if (printedOf(explanation, name) !== null && !named.has(name)) faults.push(`nothing says how ${name} was computed`);
  }
  return faults;
}

function checkThresholds({ thresholds }: Explanation): string[] {
  return thresholds.flatMap(({ verdict, measure, bar, passed }) =>
    passes(measure, bar) === passed ? [] : [`${verdict}: ${measure} against ${JSON.stringify(bar)} is not ${passed}`],
  );
}

type Bar = Explanation['thresholds'][number]['bar'];

function passes(measure: number, bar: Bar): boolean {
  const m = round12(measure);
  if (bar.atLeast !== undefined) return m >= round12(bar.atLeast);
  if (bar.above !== undefined) return m > round12(bar.above);
  if (bar.atMost !== undefined) return m <= round12(bar.atMost);
  return bar.below !== undefined && m < round12(bar.below);
}

const DATA: readonly string[] = ['no_target', 'no_data', 'insufficient_data', 'not_started'];

/** What the comparisons make of it. Of what could not be judged the reason is all there is. */
function checkVerdict({ evaluation, thresholds, calendar }: Explanation): string[] {
  const { verdict, asOf, progressRaw } = evaluation;
  const isBefore = calendar.from !== null && asOf < calendar.from;
  if (isBefore !== (evaluation.reason === 'before_start')) return [`${asOf} is before ${calendar.from}: ${isBefore}`];
  if (DATA.includes(verdict)) return [];
  const of = (name: string) => thresholds.filter((each) => each.verdict === name);
  const achieved = of('achieved');
  let expected: string;
  if (achieved.length > 0) expected = achieved.every(({ passed }) => passed) ? 'achieved' : 'missed';
  else if (evaluation.reason === 'reached')
    expected = passes(progressRaw ?? 0, { atLeast: 1 }) ? 'achieved' : 'unreached';
  else if (evaluation.reason === 'members_achieved') expected = 'achieved';
  else if (evaluation.reason === 'inside_range') expected = progressRaw === 1 ? 'on_track' : 'outside';
  else if (of('on_track').some(({ passed }) => passed)) expected = 'on_track';
  else if (of('at_risk').length > 0 && of('at_risk').every(({ passed }) => passed)) expected = 'at_risk';
  else expected = 'off_track';
  return expected === verdict
    ? []
    : [`the comparisons say ${expected}, the evaluation ${verdict} (${evaluation.reason})`];
}

function checkMembers({ evaluation, members, formulas }: Explanation): string[] {
  if (members.length === 0) return [];
  const faults: string[] = [];
  const weighted = members.filter(({ weight }) => weight > 0);
  const all = weighted.reduce((sum, { weight }) => sum + weight, 0);
  const coverage = weighted.reduce((sum, { weight, coverage: own }) => sum + weight * (own ?? 0), 0);
  if (all > 0 && !close(coverage / all, evaluation.coverage ?? 0)) faults.push(`coverage is ${coverage / all}`);
  faults.push(...checkLowest(evaluation, weighted, formulas));
  if (evaluation.reason === 'members_achieved' && weighted.some(({ verdict }) => verdict !== 'achieved')) {
    faults.push('a member is not achieved');
  }
  return faults;
}

/** Under `min` P and E* are those of the member that is furthest behind, of equals the one with the lower P. */
function checkLowest(
  { progressRaw, expected, score }: Explanation['evaluation'],
  weighted: Explanation['members'],
  formulas: Explanation['formulas'],
): string[] {
  if (score !== null || !formulas.some(({ formula }) => formula.startsWith('P of the member'))) return [];
  const standings = weighted.flatMap(({ verdict, progress, expected: own }) => {
    if (verdict === 'not_started') return [{ progress: 0, expected: 0 }];
    return progress === null || DATA.includes(verdict) ? [] : [{ progress, expected: own ?? 1 }];
  });
  standings.sort(
    (left, right) =>
      round12(left.progress - left.expected) - round12(right.progress - right.expected) ||
      left.progress - right.progress,
  );
  const [lowest] = standings;
  const same = lowest !== undefined && lowest.progress === progressRaw && lowest.expected === expected;
  return same ? [] : [`the member furthest behind has ${lowest?.progress} of ${lowest?.expected}`];
}

/** The value is that of the window it was read from. */
function checkWindow({ evaluation, windows }: Explanation): string[] {
  const read = windows.findLast(({ what }) => what === 'value');
  if (read === undefined || evaluation.value === null || read.value === evaluation.value) return [];
  return [`the window says ${read.value}, the evaluation ${evaluation.value}`];
}

/** Ratios are doubles, decimals have nine places. */
function close(left: number, right: number): boolean {
  return Math.abs(left - right) <= 1e-9 * Math.max(1, Math.abs(left), Math.abs(right));
}

const TOKEN = /\s*(\d{4}-\d{2}-\d{2}T[\d:.]+Z|\d+(?:\.\d+)?(?:e[+-]?\d+)?|[a-z]+(?=\()|[-+−·/(),])/y;

/** `(912000 − 800000) / (1000000 − 800000)`: numbers, instants, + − · /, parentheses, clamp, floor, median, inside. */
class Formula {
  readonly #tokens: string[] = [];
  #at = 0;

  constructor(text: string) {
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < text.trimEnd().length) {
      const at = TOKEN.lastIndex;
      const token = TOKEN.exec(text)?.[1];
      if (token === undefined) throw new Error(`"${text}" cannot be read at ${at}`);
      this.#tokens.push(token === '−' ? '-' : token);
    }
  }

  value(): number {
    const value = this.#sum();
    if (this.#at < this.#tokens.length) throw new Error(`something follows a formula: ${this.#tokens.join(' ')}`);
    return value;
  }

  #sum(): number {
    let value = this.#product();
    for (;;) {
      if (this.#take('+')) value += this.#product();
      else if (this.#take('-')) value -= this.#product();
      else return value;
    }
  }

  #product(): number {
    let value = this.#factor();
    for (;;) {
      if (this.#take('·')) value *= this.#factor();
      else if (this.#take('/')) value /= this.#factor();
      else return value;
    }
  }

  #factor(): number {
    if (this.#take('-')) return -this.#factor();
    if (this.#take('(')) return this.#closed()[0] ?? Number.NaN;
    const token = this.#tokens[this.#at++] ?? '';
    if (/^[a-z]/.test(token)) {
      this.#take('(');
      return called(token, this.#closed());
    }
    const instant = token.includes('T') ? readInstant(token) : undefined;
    return instant ?? Number(token);
  }

  #closed(): number[] {
    const values = [this.#sum()];
    while (this.#take(',')) values.push(this.#sum());
    if (!this.#take(')')) throw new Error(`a parenthesis is open in ${this.#tokens.join(' ')}`);
    return values;
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }
}

function called(name: string, values: readonly number[]): number {
  const [first = Number.NaN, second = Number.NaN, third = Number.NaN] = values;
  switch (name) {
    case 'clamp':
      return Math.min(1, Math.max(0, first));
    case 'floor':
      return Math.floor(first);
    case 'inside':
      return first <= second && second <= third ? 1 : 0;
    case 'median': {
      const sorted = values.toSorted((left, right) => left - right);
      const middle = sorted.length >>> 1;
      return ((sorted[(sorted.length - 1) >>> 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
    }
    default:
      throw new Error(`a formula knows no ${name}`);
  }
}
