import { evaluator } from '../evaluate/evaluator.ts';
import type { Evaluation } from '../evaluation.ts';
import type { Instant } from '../instant.ts';
import { type MemoryViewOptions, memoryView } from '../memory-view.ts';
import { subjectsOf } from '../subjects.ts';
import type { View } from '../view.ts';
import { type Difference, differencesOf } from './compare.ts';
import { type ScenarioLog, scenarioLog } from './log.ts';
import type { Scenario, ScenarioExpectation, ScenarioRefusal } from './scenario.ts';

/** What became of one expectation. */
export interface ExpectationResult {
  /** Index in `expect`. */
  readonly index: number;
  readonly expectation: ScenarioExpectation;
  readonly passed: boolean;
  /** Key by key; empty where there was no evaluation to compare with. */
  readonly differences: readonly Difference[];
  /** Why it failed, in words; empty when it passed. */
  readonly message: string;
  readonly evaluation: Evaluation | null;
}

export interface ScenarioResult {
  readonly name: string;
  readonly passed: boolean;
  readonly results: readonly ExpectationResult[];
  /** Refused although no expectation names the code. */
  readonly unexpected: readonly ScenarioRefusal[];
}

/** Runs a scenario without a server, a log or an engine and compares what it expects. */
export function runScenario(scenario: Scenario, options: MemoryViewOptions = {}): ScenarioResult {
  const { log, refusals } = prepare(scenario);
  const evaluate = evaluatorOf(log, options);
  const refused = refusals.some(({ list }) => list === 'definitions');
  const results = scenario.expect.map((expectation, index): ExpectationResult => {
    if ('error' in expectation) return refusalResult(expectation, index, refusals);
    const { subject, asOf, knownAt, values } = expectation;
    const evaluation = refused ? undefined : evaluate(subject, asOf, knownAt);
    const differences = evaluation === undefined ? [] : differencesOf(evaluation, values);
    const passed = evaluation !== undefined && differences.length === 0;
    const message = passed ? '' : evaluation === undefined ? withoutEvaluation(subject, refusals) : told(differences);
    return { index, expectation, passed, differences, message, evaluation: evaluation ?? null };
  });
  const codes = new Set(scenario.expect.map((expectation) => ('error' in expectation ? expectation.error : '')));
  const unexpected = refusals.filter(({ code }) => !codes.has(code));
  return {
    name: scenario.name,
    passed: unexpected.length === 0 && results.every((result) => result.passed),
    results,
    unexpected,
  };
}

/** Every subject at every instant of `at`; what the scenario's definitions or observations were refused for comes along. */
export function evaluateScenario(
  scenario: Scenario,
  options: MemoryViewOptions = {},
): { readonly evaluations: readonly Evaluation[]; readonly refusals: readonly ScenarioRefusal[] } {
  const { log, refusals } = prepare(scenario);
  if (refusals.some(({ list }) => list === 'definitions')) return { evaluations: [], refusals };
  const views = viewsOf(log, options);
  const evaluations = scenario.at.flatMap(({ asOf, knownAt }) => {
    const { view, evaluate } = views(knownAt);
    return subjectsOf(view.catalog, asOf).flatMap((subject) => evaluate(subject, asOf) ?? []);
  });
  return { evaluations, refusals };
}

function prepare(scenario: Scenario): { readonly log: ScenarioLog; readonly refusals: readonly ScenarioRefusal[] } {
  const log = scenarioLog(scenario);
  const shapes = (scenario.refused ?? []).map(
    ({ code, message }): ScenarioRefusal => ({ code, message, list: 'definitions', index: -1 }),
  );
  return { log, refusals: [...shapes, ...log.refusals] };
}

interface KnownView {
  readonly view: View;
  evaluate(subject: string, asOf: Instant): Evaluation | undefined;
}

/** One view, and one evaluator, for everything asked as known at one instant. */
function viewsOf(log: ScenarioLog, options: MemoryViewOptions): (knownAt: Instant) => KnownView {
  const views = new Map<Instant, KnownView>();
  return (knownAt) => {
    let known = views.get(knownAt);
    if (known === undefined) {
      const view = memoryView(log.facts, knownAt, options);
      known = { view, evaluate: evaluator(view).evaluate };
      views.set(knownAt, known);
    }
    return known;
  };
}

function evaluatorOf(log: ScenarioLog, options: MemoryViewOptions) {
  const views = viewsOf(log, options);
  return (subject: string, asOf: Instant, knownAt: Instant): Evaluation | undefined =>
    views(knownAt).evaluate(subject, asOf);
}

function refusalResult(
  expectation: Extract<ScenarioExpectation, { error: string }>,
  index: number,
  refusals: readonly ScenarioRefusal[],
): ExpectationResult {
  const passed = refusals.some(({ code }) => code === expectation.error);
  const found = refusals.map(({ code }) => code).join(', ');
  const message = passed
    ? ''
    : `nothing was refused with ${expectation.error}${found === '' ? '' : `, but with ${found}`}`;
  return { index, expectation, passed, differences: [], message, evaluation: null };
}

function withoutEvaluation(subject: string, refusals: readonly ScenarioRefusal[]): string {
  const [first] = refusals;
  return first === undefined ? `there is no subject "${subject}"` : `refused: ${first.code}: ${first.message}`;
}

function told(differences: readonly Difference[]): string {
  return differences
    .map(({ key, expected, actual }) => `${key} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`)
    .join('; ');
}
