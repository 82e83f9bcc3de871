import type { Explanation, Threshold } from '@paceline/domain';

/** An explanation for a terminal: what was read, how it was computed, what it was compared with. */
export function explainLines(explanation: Explanation): string[] {
  return [
    explanation.sentence,
    '',
    ...verdictLines(explanation),
    ...section('Read', explanation.windows.map(windowLine)),
    ...section('Computed', explanation.formulas.map(formulaLine)),
    ...section('Compared', explanation.thresholds.map(thresholdLine)),
    ...section('Members', explanation.members.map(memberLine)),
    ...section(
      'Definitions',
      explanation.definitions.map(({ id, position }) => `${id} of position ${position}`),
    ),
  ];
}

/** What the domain says where nothing need be done. */
const NO_REMEDY = 'None.';

function verdictLines({ evaluation, reason, calendar, policy }: Explanation): string[] {
  const { subject, asOf, knownAt, period, measuredAt, freshness, provisional } = evaluation;
  const known = knownAt === asOf ? '' : `, known at ${knownAt}`;
  const lines = [
    `${subject}: ${words(evaluation.verdict)}${provisional ? ' (provisional)' : ''}, as of ${asOf}${known}`,
    `because ${reason.code}: ${reason.meaning}${reason.remedy === NO_REMEDY ? '' : ` ${reason.remedy}`}`,
  ];
  if (period !== null) {
    const close = calendar.close === null ? '' : `, closes ${calendar.close}`;
    lines.push(`period ${period.label}: ${period.from} to ${period.to} in ${calendar.timezone}${close}`);
  }
  if (measuredAt !== null) lines.push(`measured at ${measuredAt}${freshness === null ? '' : `, ${freshness}`}`);
  if (policy !== null) {
    const { label, kind, onTrack, atRisk } = policy;
    lines.push(`policy ${label}: by ${kind}, on track when ${bar(onTrack)}, at risk when ${bar(atRisk)}`);
  }
  return lines;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
}

function windowLine(window: Explanation['windows'][number]): string {
  const { what, metric, where, aggregation, spans, value, count, series, lastAt, carried } = window;
  const filters = Object.entries(where).map(([name, text]) => `${name}=${text}`);
  const filter = filters.length === 0 ? '' : ` where ${filters.join(', ')}`;
  const from = spans[0]?.from ?? '';
  const to = spans.at(-1)?.to ?? '';
  const holes = spans.length > 1 ? ` in ${spans.length} stretches` : '';
  const points = `${count} point${count === 1 ? '' : 's'} of ${series} series`;
  const last = lastAt === null ? '' : `, the last of ${lastAt}`;
  return `${what}: ${aggregation} of ${metric}${filter} from ${from} to ${to}${holes} = ${value ?? 'nothing'} (${points}${last}${carried ? ', carried from before' : ''})`;
}

function formulaLine({ name, formula, filled, result }: Explanation['formulas'][number]): string {
  return `${name} = ${formula}${filled === '' ? '' : ` = ${filled}`} = ${result}`;
}

function thresholdLine({ verdict, measure, bar: threshold, passed }: Explanation['thresholds'][number]): string {
  return `${words(verdict)}: ${measure} is ${passed ? '' : 'not '}${bar(threshold)}`;
}

function memberLine({ subject, weight, progress, expected, verdict }: Explanation['members'][number]): string {
  return `${subject}: weight ${weight}, progress ${progress ?? 'none'}, expected ${expected ?? 'none'}, ${words(verdict)}`;
}

function bar({ atLeast, above, atMost, below }: Threshold): string {
  const parts = [
    atLeast === undefined ? null : `at least ${atLeast}`,
    above === undefined ? null : `above ${above}`,
    atMost === undefined ? null : `at most ${atMost}`,
    below === undefined ? null : `below ${below}`,
  ];
  return parts.filter((part) => part !== null).join(' and ');
}

function words(verdict: string): string {
  return verdict.replaceAll('_', ' ');
}
