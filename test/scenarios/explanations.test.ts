import { readdirSync, readFileSync } from 'node:fs';
import { explain, memoryView, scenarioLog, subjectsOf } from '@paceline/domain';
import { readScenarios } from '@paceline/events';
import { expect, it } from 'vitest';
import { checkExplanation } from './explanation-checker.ts';

const FOLDER = new URL('../../libs/domain/scenarios/', import.meta.url);
const files = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml') && !file.startsWith('refused-'));

it.each(files)('every evaluation follows from its explanation alone: %s', async (file) => {
  const text = readFileSync(new URL(file, FOLDER), 'utf8');
  const { scenarios } = await readScenarios({ file, text }, {}, async () => ({ texts: [], faults: [] }));
  const faults: string[] = [];
  let explained = 0;
  for (const scenario of scenarios) {
    const { facts } = scenarioLog(scenario);
    for (const { asOf, knownAt } of [
      ...scenario.at,
      ...scenario.expect.flatMap((said) => ('error' in said ? [] : [said])),
    ]) {
      const view = memoryView(facts, knownAt);
      for (const subject of subjectsOf(view.catalog, asOf)) {
        const explanation = explain(view, subject, asOf);
        if (explanation === undefined) continue;
        explained += 1;
        faults.push(
          ...checkExplanation(explanation).map((fault) => `${subject} at ${explanation.evaluation.asOf}: ${fault}`),
        );
      }
    }
  }
  expect(faults).toEqual([]);
  expect(explained).toBeGreaterThan(0);
});

it('a number, a comparison or a word that does not follow is noticed', async () => {
  const file = 'surface-sample.yaml';
  const text = readFileSync(new URL(file, FOLDER), 'utf8');
  const { scenarios } = await readScenarios({ file, text }, {}, async () => ({ texts: [], faults: [] }));
  const [scenario] = scenarios;
  const moment = scenario?.at.at(-1);
  if (scenario === undefined || moment === undefined) throw new Error('the sample is gone');
  const view = memoryView(scenarioLog(scenario).facts, moment.knownAt);
  const right = explain(view, 'key_result/grow-emea/mrr-emea', moment.asOf);
  if (right === undefined) throw new Error('the sample is not evaluated');
  const { evaluation, formulas, thresholds } = right;
  const wrong: readonly (typeof right)[] = [
    { ...right, evaluation: { ...evaluation, progressRaw: 0.57 } },
    { ...right, evaluation: { ...evaluation, verdict: 'at_risk' } },
    { ...right, formulas: formulas.map((each) => ({ ...each, filled: `${each.filled} + 0.001` })) },
    { ...right, formulas: formulas.filter(({ name }) => name !== 'E*') },
    { ...right, thresholds: thresholds.map((each) => ({ ...each, passed: !each.passed })) },
    { ...right, windows: right.windows.map((window) => ({ ...window, value: '1' })) },
  ];
  expect(checkExplanation(right)).toEqual([]);
  expect(wrong.map((explanation) => checkExplanation(explanation).length > 0)).toEqual(wrong.map(() => true));
});
