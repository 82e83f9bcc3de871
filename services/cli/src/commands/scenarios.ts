import { dirname, relative, resolve } from 'node:path';
import { evaluateScenario, evaluationToJson, runScenario, type ScenarioResult } from '@paceline/domain';
import { readTexts } from '@paceline/events/documents';
import { readScenarios, type WrittenScenario } from '@paceline/events/scenario';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { Failure, faultText } from '../failure.ts';
import { type FileResult, failuresOf, junit } from '../junit.ts';
import { readable, VERDICT_LOOK } from '../look.ts';
import { type OutputFormat, paint, printRows } from '../output.ts';

export function registerScenarios(program: Command, context: (also?: readonly OutputFormat[]) => CommandContext): void {
  program
    .command('evaluate')
    .argument('<scenario>', 'a scenario file')
    .description('evaluate every subject at every instant of a scenario, without a server, a log or an engine')
    .action(async (path: string) => {
      const at = context();
      const { scenarios, faults } = await readAll([path]);
      if (faults.length > 0) throw invalidScenarios(faults.length, faults);
      const outcomes = scenarios.map(({ scenario }) => evaluateScenario(scenario));
      const refusals = outcomes.flatMap((outcome) => outcome.refusals);
      const evaluations = outcomes.flatMap((outcome) => outcome.evaluations);
      const documents = evaluations.map((evaluation) => evaluationToJson(evaluation));
      for (const refusal of refusals) at.output.say(`refused: ${refusal.code}: ${refusal.message}`);
      printRows(
        at.output,
        evaluations,
        [
          { title: 'at', field: 'as_of', cell: (row) => evaluationToJson(row).asOf },
          { title: 'subject', cell: (row) => row.subject },
          {
            title: 'value',
            align: 'right',
            cell: (row) => (at.output.format === 'csv' ? row.value : readable(row.value)),
          },
          { title: 'progress', align: 'right', cell: (row) => row.progress },
          { title: 'expected', align: 'right', cell: (row) => row.expected },
          {
            title: 'verdict',
            cell: (row) =>
              at.output.format === 'csv'
                ? row.verdict
                : paint(
                    at.output,
                    VERDICT_LOOK[row.verdict].tone,
                    `${VERDICT_LOOK[row.verdict].symbol} ${VERDICT_LOOK[row.verdict].text}`,
                  ),
          },
          { title: 'reason', cell: (row) => row.reason },
          { title: 'sentence', cell: (row) => row.sentence },
        ],
        { evaluations: documents, ...(refusals.length === 0 ? {} : { refused: refusals }) },
      );
      if (refusals.some(({ list }) => list === 'definitions')) process.exitCode = 1;
    });

  program
    .command('test')
    .argument('<scenario...>', 'scenario files or folders')
    .description('run scenarios and compare what they expect; exit code 2 when one fails')
    .addHelpText(
      'after',
      '\nExamples:\n  paceline test scenarios/\n  paceline test scenarios/ --output junit > report.xml',
    )
    .action(async (paths: string[]) => {
      const at = context(['junit']);
      const { scenarios, faults } = await readAll(paths);
      const results = scenarios.map(({ file, scenario }): FileResult => ({ file, result: runScenario(scenario) }));
      for (const fault of faults) at.output.say(faultText(fault));
      const failed = results.filter(({ result }) => !result.passed).length;
      if (at.output.format === 'junit') at.output.write(junit(results, faults));
      else if (at.output.format === 'json')
        at.output.write(
          JSON.stringify(
            {
              passed: results.length - failed,
              failed,
              faults,
              scenarios: results.map(({ file, result }) => jsonResult(file, result)),
            },
            null,
            2,
          ),
        );
      else if (at.output.format === 'csv')
        printRows(at.output, results, [
          { title: 'file', cell: (row) => row.file },
          { title: 'name', cell: (row) => row.result.name },
          { title: 'passed', cell: (row) => String(row.result.passed) },
          { title: 'message', cell: (row) => failuresOf(row.result).join(' | ') },
        ]);
      else at.output.write(report(at, results, failed));
      if (faults.length > 0) process.exitCode = 1;
      else if (failed > 0) process.exitCode = 2;
    });
}

async function readAll(paths: readonly string[]) {
  const scenarios: { file: string; scenario: WrittenScenario }[] = [];
  const faults: Awaited<ReturnType<typeof readScenarios>>['faults'][number][] = [];
  for (const path of paths) {
    const found = await readTexts(resolve(path), process.cwd());
    faults.push(...found.faults);
    for (const text of found.texts) {
      const folder = dirname(resolve(text.file));
      const read = await readScenarios(text, process.env, async (named) =>
        readTexts(resolve(folder, named), process.cwd()),
      );
      faults.push(...read.faults);
      for (const scenario of read.scenarios) scenarios.push({ file: text.file, scenario });
    }
  }
  if (scenarios.length === 0 && faults.length === 0) {
    throw new Failure('no_scenarios', `there are no scenarios in ${paths.join(', ')}`, {
      remedy: 'Name a YAML file with `name`, `definitions`, `at` and `expect`, or a folder of them.',
    });
  }
  return { scenarios, faults };
}

function invalidScenarios(count: number, faults: Failure['faults']): Failure {
  return new Failure(
    'invalid_scenario',
    count === 1 ? 'the scenario has a fault' : `the scenario has ${count} faults`,
    { faults, remedy: 'Correct the lines above.' },
  );
}

function jsonResult(file: string, result: ScenarioResult) {
  return {
    file,
    name: result.name,
    passed: result.passed,
    failures: failuresOf(result),
    expectations: result.results.map(({ index, passed, differences, message }) => ({
      index,
      passed,
      differences,
      message,
    })),
  };
}

function report(at: CommandContext, results: readonly FileResult[], failed: number): string {
  const lines = results
    .filter(({ result }) => !result.passed || at.output.colour)
    .flatMap(({ file, result }) => [
      result.passed
        ? paint(at.output, 'green', `✓ ${result.name}`)
        : paint(at.output, 'red', `✗ ${result.name} (${relative(process.cwd(), resolve(file))})`),
      ...failuresOf(result).map((text) => `    ${text}`),
    ]);
  const checks = results.reduce((sum, { result }) => sum + result.results.length, 0);
  return [...lines, `${results.length - failed} of ${results.length} scenarios passed, ${checks} expectations.`].join(
    '\n',
  );
}
