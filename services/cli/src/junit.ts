import type { ScenarioResult } from '@paceline/domain';
import { type FaultLine, faultText } from './failure.ts';

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

/** Results as JUnit's XML, a `testcase` per scenario and one per file that could not be read, for CI. */
export function junit(results: readonly FileResult[], faults: readonly FaultLine[] = []): string {
  const unread = [...Map.groupBy(faults, ({ file }) => file ?? '')].map(([file, its]) => {
    return testcase(file, 'can be read', 'error', its.map(faultText));
  });
  const cases = results.map(({ file, result }) => testcase(file, result.name, 'failure', failuresOf(result)));
  const failed = results.filter(({ result }) => !result.passed).length;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="paceline" tests="${cases.length + unread.length}" failures="${failed}" errors="${unread.length}">`,
    ...unread,
    ...cases,
    '</testsuite>',
  ].join('\n');
}

function testcase(file: string, name: string, kind: 'failure' | 'error', texts: readonly string[]): string {
  const [first] = texts;
  const body = first === undefined ? '' : `<${kind} message="${escaped(first)}">${escaped(texts.join('\n'))}</${kind}>`;
  return `  <testcase classname="${escaped(file)}" name="${escaped(name)}">${body}</testcase>`;
}

/** What XML 1.0 has no way to write, even escaped: a reader would refuse the whole report for one of them. */
const UNWRITABLE = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** Fit for an attribute too, where a reader makes a space of a bare line break. */
function escaped(text: string): string {
  return text.replace(UNWRITABLE, '\ufffd').replace(/[<>&"'\t\n\r]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
