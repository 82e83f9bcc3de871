import { describe, expect, it } from 'vitest';
import { formatFault } from './fault.ts';
import { FAULTS_MAX, loadDocuments } from './load.ts';
import type { Environment } from './substitute.ts';

const HEAD = 'apiVersion: paceline/v1\n';
function load(text: string, env: Environment = {}) {
  return loadDocuments([{ file: 'a.yaml', text }], env);
}
const kpi = (spec: string) => `${HEAD}kind: Kpi\nmetadata: {name: k}\nspec: {metric: m, direction: higher, ${spec}}\n`;
const metric = (spec: string) =>
  `${HEAD}kind: Metric\nmetadata: {name: m}\nspec: {aggregation: sum, grain: day${spec}}\n`;

describe('documents of the ten kinds are read as the reference shows them', () => {
  const unit = 'kind: Unit\nmetadata: {name: sales}\nspec: {type: department, parent: company}';
  it.each([
    ['Unit', unit],
    [
      'Cycle',
      'kind: Cycle\nmetadata: {name: 2026-q4}\nspec: {firstDay: 2026-10-01, lastDay: 2026-12-31, timezone: Europe/Berlin}',
    ],
    [
      'Calendar',
      'kind: Calendar\nmetadata: {name: retail}\nspec: {timezone: America/New_York, weekStart: sunday, fiscalYearStart: 2, periods: [{label: 2026-P01, firstDay: 2026-02-01, lastDay: 2026-02-28}]}',
    ],
    [
      'Metric',
      'kind: Metric\nmetadata: {name: mrr, title: Monthly, owner: finance}\nspec: {aggregation: last, across: sum, points: period, unit: EUR, grain: day, timezone: Europe/Berlin, settle: PT6H, cadence: P1D, dimensions: [region]}',
    ],
    [
      'Kpi',
      'kind: Kpi\nmetadata: {name: new-revenue, owner: ada}\nspec: {unit: sales, metric: revenue, where: {region: emea}, direction: higher, period: {toDate: quarter}, targets: [{effectiveFrom: 2026-10-01, value: "1200000"}], pace: linear, policy: paceline}',
    ],
    [
      'Objective',
      'kind: Objective\nmetadata: {name: grow-emea}\nspec: {cycle: 2026-q4, keyResults: [{name: a, metric: mrr, type: reach, baseline: "8", target: "10", weight: 2}, {name: l, type: milestones, milestones: [{name: beta, weight: 1, due: 2026-11-01}]}, {name: p, metric: p, type: reach, baseline: start, target: 3, pace: {phased: {mode: interpolated, targets: [{date: 2026-11-15, value: 2}]}}}]}',
    ],
    [
      'Policy',
      'kind: Policy\nmetadata: {name: strict}\nspec: {kind: ratio, onTrack: {atLeast: 0.95}, atRisk: {above: 0.75}, minElapsed: 0.2, deadBand: 0.05, recoverMargin: 0.05}',
    ],
    [
      'Source',
      'kind: Source\nmetadata: {name: b}\nspec: {connector: postgres, config: {host: h, password: "${secret:billing#password}"}, schedule: {every: PT1H, settle: PT5M}, query: SELECT 1, window: {period: P1D, lookback: P3D, start: 2024-01-01}, map: {metric: mrr, time: day, value: mrr, dimensions: [region]}}',
    ],
    [
      'AlertRule',
      'kind: AlertRule\nmetadata: {name: r}\nspec: {watch: [kpi/new-revenue], when: off_track, for: 2, recover: 1, severity: page, channels: [ops-hook], remind: P7D}',
    ],
    [
      'Channel',
      'kind: Channel\nmetadata: {name: ops-hook}\nspec: {type: webhook, url: "https://hooks.example.com/x", secret: "${secret:ops#whsec}"}',
    ],
  ])('%s', (kind, text) => {
    const loaded = load(HEAD + text);
    expect(loaded.faults).toEqual([]);
    expect(loaded.documents.map(({ document }) => document.kind)).toEqual([kind]);
  });
});

describe('numbers keep what was written', () => {
  it.each([
    ['1200000', '1200000'],
    ['"1200000.50"', '1200000.5'],
    ['0.1', '0.1'],
    ['1e6', '1000000'],
    ['-0', '0'],
    ['12345678901234567890.123456789', '12345678901234567890.123456789'],
    ['0.30000000000000004', '0.30000000000000004'],
  ])('%s', (written, text) => {
    const loaded = load(kpi(`period: latest, targets: [{effectiveFrom: 2026-01-01, value: ${written}}]`));
    if (text === '0.30000000000000004') expect(loaded.faults.map(({ code }) => code)).toEqual(['too_many_digits']);
    else expect(loaded.documents[0]?.document).toMatchObject({ spec: { targets: [{ value: text }] } });
  });
  it('dates and words like yes stay text', () => {
    const loaded = load(kpi('period: latest, where: {a: 2026-01-01, b: yes, c: 5, d: 1.50}'));
    expect(loaded.documents[0]?.document).toMatchObject({
      spec: { where: { a: '2026-01-01', b: 'yes', c: '5', d: '1.5' } },
    });
  });
});

describe('each fault has its code, place and remedy', () => {
  it.each([
    [
      'an unknown key',
      metric(', dimensoins: [a]'),
      4,
      'dimensoins: [a]',
      'metric/m /spec/dimensoins: unknown key "dimensoins" (did you mean "dimensions"?) [unknown_key]',
    ],
    [
      'a key of another spelling',
      `${HEAD}kind: Cycle\nmetadata: {name: c}\nspec: {first_day: 2026-01-01, firstDay: 2026-01-01, lastDay: 2026-01-31, timezone: UTC}`,
      4,
      'first_day:',
      'cycle/c /spec/first_day: unknown key "first_day" (did you mean "firstDay"?) [unknown_key]',
    ],
    [
      'a missing key',
      `${HEAD}kind: Unit\nmetadata: {name: u}\nspec: {}`,
      4,
      'spec:',
      'unit/u /spec: "type" is missing (add type here) [missing_key]',
    ],
    [
      'a wrong type',
      metric(', future: 1'),
      4,
      '1}',
      'metric/m /spec/future: expected true or false, found the number 1 (write true or false) [invalid_type]',
    ],
    [
      'a number for a name',
      `${HEAD}kind: Unit\nmetadata: {name: 5}\nspec: {type: team}`,
      3,
      '5}',
      '/metadata/name: expected text, found the number 5 (write it in quotes: "5") [invalid_type]',
    ],
    [
      'a bad name',
      `${HEAD}kind: Unit\nmetadata: {name: Sales Team}\nspec: {type: team}`,
      3,
      'Sales Team}',
      'unit/Sales Team /metadata/name: "Sales Team" is no name (use a-z, 0-9, _ and -, at most 63, beginning with a letter or digit) [invalid_name]',
    ],
    [
      'a word that is none of those allowed',
      kpi('period: latest, pace: linaer'),
      4,
      'linaer',
      'kpi/k /spec/pace: expected one of linear, seasonal, found the text "linaer" (did you mean "linear"?) [invalid_value]',
    ],
    [
      'a day that does not exist',
      kpi('period: latest, targets: [{effectiveFrom: 2026-02-30, value: 1}]'),
      4,
      '2026-02-30',
      'kpi/k /spec/targets/0/effectiveFrom: "2026-02-30" is no day of the calendar (write it as 2026-11-22) [invalid_date]',
    ],
    [
      'a duration of another kind',
      metric(', settle: 6h'),
      4,
      '6h',
      'metric/m /spec/settle: "6h" is no duration (write days as P7D, weeks as P2W, time as PT6H or PT30M) [invalid_duration]',
    ],
    [
      'a zone that does not exist',
      metric(', timezone: Europe/Berlim'),
      4,
      'Europe/Berlim',
      'metric/m /spec/timezone: "Europe/Berlim" is no time zone known here (did you mean "Europe/Berlin"?) [invalid_timezone]',
    ],
    [
      'a value that is no number',
      kpi('period: latest, targets: [{effectiveFrom: 2026-01-01, value: .nan}]'),
      4,
      '.nan',
      'kpi/k /spec/targets/0/value: ".nan" is no decimal number (write it like "1234.5") [not_a_number]',
    ],
    [
      'half of two bounds',
      kpi('period: latest, targets: [{effectiveFrom: 2026-01-01, value: {low: 1}}]'),
      4,
      'value: {low',
      'kpi/k /spec/targets/0/value: "high" is missing (add high here) [missing_key]',
    ],
    [
      'a period of no kind',
      kpi('period: {toDat: month}'),
      4,
      'toDat',
      'kpi/k /spec/period/toDat: unknown key "toDat" (did you mean "toDate"?) [unknown_key]',
    ],
    [
      'a period of no shape',
      kpi('period: 5'),
      4,
      '5}',
      'kpi/k /spec/period: expected text or a map of keys, found the number 5 (write it in quotes: "5") [invalid_type]',
    ],
    [
      'a threshold that says two things',
      `${HEAD}kind: Policy\nmetadata: {name: p}\nspec: {kind: gap, onTrack: {atMost: 0, below: 1}, atRisk: {atMost: 1}}`,
      4,
      '{atMost: 0',
      'policy/p /spec/onTrack: needs exactly one of atLeast, above, atMost, below [invalid_value]',
    ],
    [
      'a kind that does not exist',
      `${HEAD}kind: Metrik\n`,
      2,
      'Metrik',
      '/kind: there is no kind "Metrik" (did you mean "Metric"?) [invalid_value]',
    ],
    [
      'a list for a document',
      '- a\n',
      1,
      '- a',
      'a document is a map with apiVersion, kind, metadata and spec (write the four keys) [invalid_type]',
    ],
    [
      'a key given twice',
      `${HEAD}kind: Unit\nkind: Unit\n`,
      3,
      'kind: Unit',
      'Map keys must be unique (correct it here) [invalid_yaml]',
    ],
    ['a tag', `${HEAD}kind: !js Unit\n`, 2, '!js Unit', 'Unresolved tag: !js (correct it here) [invalid_yaml]'],
    [
      'a version that does not exist',
      'apiVersion: paceline/v2\nkind: Unit\nmetadata: {name: u}\nspec: {type: team}',
      1,
      'paceline/v2',
      'unit/u /apiVersion: expected "paceline/v1", found the text "paceline/v2" (did you mean "paceline/v1"?) [invalid_value]',
    ],
  ] as const)('%s', (_title, text, line, pointsAt, said) => {
    const found = load(text).faults.find((fault) => formatFault(fault).endsWith(said));
    expect(found?.line).toBe(line);
    expect(
      text
        .split('\n')
        [line - 1]?.slice((found?.column ?? 0) - 1)
        .startsWith(pointsAt),
    ).toBe(true);
  });

  it('all of them at once, in the order of the file, over several documents', () => {
    const text = `${metric(', x: 1')}---\n${kpi('period: latest, y: 1')}---\n${metric('')}`;
    const loaded = load(text);
    expect(loaded.faults.map(({ line, pointer }) => [line, pointer])).toEqual([
      [4, '/spec/x'],
      [9, '/spec/y'],
    ]);
    expect(loaded.documents).toHaveLength(1);
  });
  it('a broken document does not hide the faults of the others', () => {
    const codes = load(`${metric(', x: 1')}---\na: [1\n`).faults.map(({ code }) => code);
    expect(codes).toContain('unknown_key');
    expect(codes).toContain('invalid_yaml');
  });
  it('documents that are only comments are nothing', () => {
    expect(load(`# nothing\n---\n# still nothing\n---\n${metric('')}---\n`)).toMatchObject({
      documents: [{ file: 'a.yaml' }],
      faults: [],
    });
  });
  it('a place can be asked for later, and a missing one is that of what is around it', () => {
    const [loaded] = load(metric(', dimensions: [a, b]')).documents;
    expect(loaded?.placeOf(['spec', 'dimensions', 1])).toEqual({ line: 4, column: 54 });
    expect(loaded?.placeOf(['spec', 'timezone'])).toEqual({ line: 4, column: 1 });
    expect(loaded?.placeOf([])).toEqual({ line: 1, column: 1 });
  });
});

/* biome-ignore-start lint/suspicious/noTemplateCurlyInString: references are written so */
describe('references in scalars', () => {
  const channel = (url: string) =>
    `${HEAD}kind: Channel\nmetadata: {name: c}\nspec: {type: webhook, url: "${url}", secret: "\${secret:a#b}"}`;
  it.each([
    ['${env:HOST}', { HOST: 'h' }, 'h'],
    ['https://${env:HOST:-x}/${env:PATH_}', { PATH_: 'p' }, 'https://x/p'],
    ['${env:HOST:-x}', { HOST: '' }, 'x'],
    ['${env:HOST:-}', {}, ''],
    ['$${env:HOST}', {}, '${env:HOST}'],
    ['${secret:n#k}', {}, '${secret:n#k}'],
    ['${ a }', {}, '${ a }'],
  ])('%s', (written, env, url) => {
    const loaded = load(channel(written), env);
    if (url === '') expect(loaded.faults.map(({ message }) => message)).toEqual(['is empty']);
    else expect(loaded.documents[0]?.document).toMatchObject({ spec: { url, secret: '${secret:a#b}' } });
  });
  it.each([
    ['${env:HOST}', 'the environment has no HOST', 'undefined_secret'],
    ['${env:constructor}', 'the environment has no constructor', 'undefined_secret'],
    ['${secert:a#b}', '"${secert:a#b}" is no reference', 'invalid_value'],
    ['${secret:a}', '"${secret:a}" is no reference', 'invalid_value'],
  ])('%s is refused', (written, message, code) => {
    expect(load(channel(written)).faults).toEqual([
      expect.objectContaining({ message, code, line: 4, pointer: '/spec/url' }),
    ]);
  });
  it('a secret where nobody would resolve it is refused', () => {
    expect(load(metric(', unit: "${secret:a#b}"')).faults).toEqual([
      expect.objectContaining({ code: 'invalid_value', pointer: '/spec/unit', line: 4 }),
    ]);
  });
});
/* biome-ignore-end lint/suspicious/noTemplateCurlyInString: references are written so */

describe('a file of too many values', () => {
  it('is refused where it becomes too long, and nothing is taken of what was cut off', () => {
    const text = `${metric('')}---\na: &a [${'x,'.repeat(1_000)}]\nb: [${'*a,'.repeat(20)}]\n---\n${metric('')}`;
    const loaded = load(text);
    expect(loaded.faults.map(({ code, line }) => [code, line])).toEqual([['invalid_yaml', 7]]);
    expect(loaded.documents).toHaveLength(1);
  }, 30_000);
});

describe('hostile files cost little', () => {
  it.each([
    [
      'aliases that multiply',
      `a: &a [x,x,x,x,x,x,x,x,x,x]\n${'bcdefghi'.replace(/./g, (c, i: number) => `${c}: &${c} [${`*${'abcdefghi'[i]},`.repeat(10)}]\n`)}`,
    ],
    ['an alias of itself', 'a: &a [*a]\n'],
    ['brackets without end', '['.repeat(200_000)],
    ['brackets with an end', `a: ${'['.repeat(500)}${']'.repeat(500)}`],
    ['keys that are prototypes', '__proto__: {kind: Unit}\n'],
    ['keys that are maps', '? {a: 1}\n: 2\n'],
    ['a megabyte too much', 'x'.repeat(2 * 1024 * 1024)],
    ['no YAML at all', '\u0000\u0001{{{'],
  ])(
    '%s',
    (_title, text) => {
      const started = performance.now();
      const loaded = load(text);
      expect(loaded.faults.length).toBeGreaterThan(0);
      expect(loaded.faults.length).toBeLessThanOrEqual(FAULTS_MAX + 1);
      expect(loaded.documents).toEqual([]);
      // A bound against what grows without end, not a measurement: the machine may be busy.
      expect(performance.now() - started).toBeLessThan(20_000);
    },
    30_000,
  );
});
