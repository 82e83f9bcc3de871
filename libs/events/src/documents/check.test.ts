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
  });
  it('a document that is refused for its shape is not also missing', () => {
    const { faults } = read(metric.replace('sum', 'summ'), kpi('revenue'));
    expect(faults.map(({ code }) => code)).toEqual(['invalid_value']);
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
