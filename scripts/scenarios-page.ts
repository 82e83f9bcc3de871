import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The rules of evaluation, by the name a scenario gives in its comment `# rules: …`. A comment, so that the format stays the one
 * everybody can read: who runs a scenario elsewhere needs nothing of it.
 */
const RULES: readonly (readonly [name: string, text: string])[] = [
  ['decimals', 'Decimals are exact, expected values too, and printed half-even at the 9th place'],
  ['rounding', 'Ratios are compared with thresholds after rounding both to 12 places'],
  ['windows', 'Cycles and periods are half-open and begin and end at local midnight'],
  ['elapsed', 'E is real elapsed time over real length: days of 23 and 25 hours'],
  ['buckets', 'Buckets of a calendar, and the period a bucket or a sample belongs to'],
  ['statements', 'Of the statements of a point one stands; repeated, corrected, retracted'],
  ['validity', 'Nothing is seen before it is valid, and nothing before it is known'],
  ['aggregations', 'Aggregation over time'],
  ['ratios', 'Ratios pool numerators and denominators; a denominator of zero'],
  ['counters', 'Counters have a base and may restart'],
  ['across', 'Joining several series'],
  ['derived', 'Metrics derived by a formula'],
  ['coverage', 'What is covered, by statements or by default'],
  ['complete-is-zero', 'A complete bucket of a sum or count without points is zero'],
  ['cumulative', 'Cumulative metrics count complete buckets only'],
  ['levels', 'Levels read the points of the period, the running bucket included'],
  ['carrying', 'The last value stands in until it is stale'],
  ['per-bucket', 'Judged per bucket: complete ones only'],
  ['check-ins', 'Values and states that people give'],
  ['measured-at', 'The pace line is taken where the value was measured'],
  ['provisional', 'What is provisional'],
  ['reach', 'Key results that reach a target'],
  ['baseline', 'Where a key result begins'],
  ['per-grain', 'at_least, at_most, between, grain by grain'],
  ['modes', 'compliance, latest, worst'],
  ['milestones', 'Milestones with and without dates'],
  ['done', 'Done or not'],
  ['pace-linear', 'Linear pace'],
  ['pace-phased', 'Phased pace, interpolated and stepped'],
  ['pace-points', 'Pace by agreed points'],
  ['pace-seasonal', 'Seasonal pace from earlier spans'],
  ['nearest', 'Pace and policy: the nearest wins'],
  ['kpi-periods', 'Periods of KPIs'],
  ['kpi-direction', 'Higher and lower; targets of zero and less'],
  ['kpi-within', 'Within a range'],
  ['kpi-bands', 'Bands'],
  ['kpi-closed', 'A closed period is a subject of its own'],
  ['presets', 'The presets, at their thresholds and just beside them'],
  ['policies', 'Policies as documents'],
  ['nothing-expected', 'Where nothing is expected yet'],
  ['early', 'Early: too little of the time to judge'],
  ['precedence', 'Which word comes first'],
  ['close', 'When a period closes and what is said then'],
  ['scores', 'Scores, against the target in force and the first one'],
  ['restatements', 'Closed verdicts that change'],
  ['dated', 'Values with dates: what is in force when'],
  ['retroactive', 'Entries that reach back'],
  ['rollup-mean', 'Roll-up by weighted mean'],
  ['rollup-min', 'Roll-up by the member that is furthest behind'],
  ['rollup-coverage', 'Coverage of a roll-up'],
  ['rollup-verdicts', 'Verdicts that members decide'],
  ['worst-child', 'The worst below'],
  ['weights', 'Weights'],
  ['units', 'Units over a cycle'],
  ['freshness', 'Fresh, late, stale'],
  ['refused-definitions', 'Definitions that are refused'],
  ['refused-observations', 'Observations that are refused'],
];

const FOLDER = 'libs/domain/scenarios';

interface Shown {
  readonly file: string;
  readonly name: string;
  readonly calculation: string;
  readonly rules: readonly string[];
}

/** The scenarios by the rules they show. Throws on a scenario without a known rule and on a rule without a scenario. */
export function scenariosPage(root: string): string {
  const scenarios = readdirSync(join(root, FOLDER))
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .map((file) => shownOf(file, readFileSync(join(root, FOLDER, file), 'utf8')));
  const known = new Set(RULES.map(([name]) => name));
  for (const { file, rules } of scenarios) {
    const strange = rules.filter((rule) => !known.has(rule));
    if (rules.length === 0 || strange.length > 0) {
      throw new Error(
        `${file}: its line "# rules: …" names ${strange.join(', ') || 'none'}; known are ${[...known].join(', ')}`,
      );
    }
  }
  const byRule = RULES.map(([rule, text]) => {
    const own = scenarios.filter(({ rules }) => rules.includes(rule));
    if (own.length === 0) throw new Error(`no scenario shows the rule ${rule}`);
    const links = own.map(({ file, name }) => `[${name}](../${FOLDER}/${file})`).join(', ');
    return `| \`${rule}\` | ${text} | ${own.length} | ${links} |`;
  });
  const rows = scenarios.map(({ file, name, calculation }) => `| [${name}](../${FOLDER}/${file}) | ${calculation} |`);
  return [
    '# Scenarios',
    '',
    `Written by \`npm run docs\` from \`${FOLDER}\`: ${scenarios.length} cases with their hand calculation. \`npm test\` runs each by the pure evaluator and through the whole pipeline;`,
    'how to hold another product against them stands in [evaluation.md](evaluation.md#conformance).',
    '',
    '## By rule',
    '',
    '| rule | what | cases | |',
    '|---|---|---|---|',
    ...byRule,
    '',
    '## Hand calculations',
    '',
    '| scenario | |',
    '|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function shownOf(file: string, text: string): Shown {
  const comments = text
    .slice(0, text.search(/^[^#]/m))
    .split('\n')
    .map((line) => line.replace(/^# ?/, '').trim());
  const named = comments.find((line) => line.startsWith('rules:'));
  return {
    file,
    name: /^name: *(.+)$/m.exec(text)?.[1]?.replace(/^["']|["']$/g, '') ?? file,
    calculation: comments
      .filter((line) => line !== named && line !== '')
      .join(' ')
      .replaceAll('|', '\\|'),
    rules: (named ?? '')
      .slice('rules:'.length)
      .split(',')
      .map((rule) => rule.trim())
      .filter((rule) => rule !== ''),
  };
}
