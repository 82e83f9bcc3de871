import type { ScenarioResult } from '@paceline/domain';

export interface FileResult {
  readonly file: string;
  readonly result: ScenarioResult;
}

export function failuresOf(result: ScenarioResult): string[] {
  return [
    ...result.results
      .filter(({ passed }) => !passed)
      .map(
        ({ index, expectation, message }) =>
          `expect ${index}${'subject' in expectation ? ` ${expectation.subject}` : ''}: ${message}`,
      ),
    ...result.unexpected.map(({ code, message }) => `refused: ${code}: ${message}`),
  ];
}

/** Results as JUnit's XML, a `testcase` per scenario, for CI. */
export function junit(results: readonly FileResult[]): string {
  const cases = results.map(({ file, result }) => {
    const failures = failuresOf(result);
    const body =
      failures.length === 0
        ? ''
        : `<failure message="${escaped(failures[0] ?? '')}">${escaped(failures.join('\n'))}</failure>`;
    return `  <testcase classname="${escaped(file)}" name="${escaped(result.name)}">${body}</testcase>`;
  });
  const failed = results.filter(({ result }) => !result.passed).length;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="paceline" tests="${results.length}" failures="${failed}">`,
    ...cases,
    '</testsuite>',
  ].join('\n');
}

/** What XML 1.0 has no way to write, even escaped: a reader would refuse the whole report for one of them. */
const UNWRITABLE = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** Fit for an attribute too, where a reader makes a space of a bare line break. */
function escaped(text: string): string {
  return text.replace(UNWRITABLE, '\ufffd').replace(/[<>&"'\t\n\r]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
