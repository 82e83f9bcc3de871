import { describe, expect, it } from 'vitest';
import { readDefinitions, refuses } from './check.ts';
import { formatFault } from './fault.ts';

const HEAD = 'apiVersion: paceline/v1\n';
const metric = `${HEAD}kind: Metric\nmetadata: {name: revenue}\nspec: {aggregation: sum, grain: day}\n`;
const kpi = (metricName: string) =>
  `${HEAD}kind: Kpi\nmetadata: {name: k}\nspec:\n  metric: ${metricName}\n  direction: higher\n  period: {toDate: month}\n`;
const read = (...texts: string[]) =>
  readDefinitions(
    texts.map((text, index) => ({ file: `${index}.yaml`, text })),
    {},
  );

describe('the meaning of a set of definitions is checked where it was written', () => {
  it('a reference to nothing has file, line, column and a suggestion', () => {
    const { faults } = read(metric, kpi('revenu'));
    expect(faults.map(formatFault)).toEqual([
      expect.stringMatching(/^1\.yaml:5:11 kpi\/k \/spec\/metric: .*did you mean "revenue"\?.*\[unknown_reference\]$/),
    ]);
    expect(refuses(faults)).toBe(true);
  });
  it('a set without faults has none', () => {
    expect(read(metric, kpi('revenue'))).toMatchObject({ faults: [], documents: [{}, {}] });
  });
  it('the same name twice is told at the second place, over files', () => {
    expect(read(metric, metric).faults).toEqual([
      expect.objectContaining({ code: 'duplicate_name', file: '1.yaml', line: 3, document: 'metric/revenue' }),
    ]);
    expect(read(kpi('revenue'), metric, metric).faults[0]?.message).toBe('metric/revenue is at 1.yaml:3 already');
  });
  it('a document that is refused for its shape is not also missing', () => {
    const { faults } = read(metric.replace('sum', 'summ'), kpi('revenue'));
    expect(faults.map(({ code }) => code)).toEqual(['invalid_value']);
  });
  it('everything that is wrong is told at once, each at its line and with what to do', () => {
    const text = [
      '{kind: Unit, metadata: {name: a}, spec: {type: team, parent: b}}',
      '{kind: Unit, metadata: {name: b}, spec: {type: team, parent: a}}',
      '{kind: Cycle, metadata: {name: q1}, spec: {firstDay: 2026-01-01, lastDay: 2026-03-31, timezone: UTC}}',
      '{kind: Cycle, metadata: {name: q2}, spec: {firstDay: 2026-04-01, lastDay: 2026-06-30, timezone: UTC}}',
      '{kind: Metric, metadata: {name: level}, spec: {aggregation: last, grain: day}}',
      '{kind: Metric, metadata: {name: total}, spec: {aggregation: sum, grain: day}}',
      '{kind: Kpi, metadata: {name: paced}, spec: {metric: level, direction: higher, period: latest, pace: linear}}',
      '{kind: Kpi, metadata: {name: both}, spec: {metric: total, direction: higher, period: {toDate: month}, policy: viva, bands: {onTrack: 1, atRisk: 0}}}',
      '{kind: Kpi, metadata: {name: lost}, spec: {metric: total, unit: nowhere, direction: higher, period: {toDate: month}}}',
      '{kind: Kpi, metadata: {name: twice}, spec: {metric: total, direction: higher, period: {toDate: month}, targets: [{effectiveFrom: 2026-01-01, value: 1}, {effectiveFrom: 2026-01-01, value: 2}]}}',
      '{kind: Objective, metadata: {name: top}, spec: {cycle: q1, keyResults: [{name: light, type: done, weight: -1}]}}',
      '{kind: Objective, metadata: {name: far}, spec: {cycle: q2, parent: top}}',
      '{kind: Metric, metadata: {name: round}, spec: {derived: round + total, grain: day}}',
    ];
    const { faults } = read(
      text
        .map((line) => `---\napiVersion: paceline/v1\n${line.slice(1, -1).replace(/, (metadata|spec): /g, '\n$1: ')}\n`)
        .join(''),
    );
    const told = faults.filter(({ severity }) => severity !== 'warning');
    // Each document takes five lines.
    expect(told.map(({ code, line }) => `${Math.floor(((line ?? 0) - 1) / 5)} ${code}`)).toEqual([
      '0 loop',
      '1 loop',
      '6 pace_on_level',
      '7 bands_and_policy',
      '8 unknown_reference',
      '9 overlapping_dates',
      '10 negative_weight',
      '11 unreachable_cycle',
      '12 loop',
    ]);
    for (const { file, remedy } of told) {
      expect(file).toBe('0.yaml');
      expect(remedy).not.toBe('');
    }
  });
  it('a warning refuses nothing', () => {
    const kpis = Array.from({ length: 11 }, (_, index) => kpi('revenue').replace('name: k', `name: k${index}`));
    const units = kpis.map((text) => text.replace('spec:\n', 'spec:\n  unit: u\n'));
    const unit = `${HEAD}kind: Unit\nmetadata: {name: u}\nspec: {type: team}\n`;
    const { faults } = read(metric, unit, ...units);
    expect(faults.map(({ severity }) => severity)).toEqual(['warning']);
    expect(refuses(faults)).toBe(false);
  });
});
