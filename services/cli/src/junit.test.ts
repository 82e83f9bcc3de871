import { runScenario } from '@paceline/domain';
import { readScenarios } from '@paceline/events/scenario';
import { describe, expect, it } from 'vitest';
import { type FileResult, junit } from './junit.ts';

const SCENARIO = (name: string, value: number): string => `name: ${JSON.stringify(name)}
definitions:
  - {apiVersion: paceline/v1, kind: Metric, metadata: {name: m}, spec: {aggregation: sum, grain: day}}
  - apiVersion: paceline/v1
    kind: Kpi
    metadata: {name: k}
    spec: {metric: m, direction: higher, period: {each: day}, targets: [{effectiveFrom: 2026-01-01, value: "5"}]}
observations: [{metric: m, period: 2026-11-01, value: "7"}]
covered: [{metric: m, to: 2026-11-02T00:00:00Z}]
at: [2026-11-02T00:00:00Z]
expect: [{at: 2026-11-02T00:00:00Z, subject: kpi/k@2026-11-01, value: "${value}", target: "${value - 2}"}]
`;

async function resultOf(file: string, name: string, value: number): Promise<FileResult> {
  const text = SCENARIO(name, value);
  const { scenarios, faults } = await readScenarios({ file, text }, {}, async () => ({ texts: [], faults: [] }));
  expect(faults).toEqual([]);
  return { file, result: runScenario(scenarios[0]!) };
}

interface Read {
  readonly tests: number;
  readonly failures: number;
  readonly errors: number;
  readonly cases: readonly { readonly file: string; readonly name: string; readonly failure: string | null }[];
}

/** As a strict reader of XML: signs that are not written as they must be are an error. */
function readXml(xml: string): Read {
  if (/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(xml)) throw new Error('no XML: a forbidden sign');
  const text = (raw = ''): string => {
    if (/[<"]|&(?!#\d+;)/.test(raw)) throw new Error(`no XML: ${raw}`);
    return raw.replace(/\s/g, ' ').replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)));
  };
  const whole =
    /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuite name="paceline" tests="(\d+)" failures="(\d+)" errors="(\d+)">\n(.*)<\/testsuite>$/s;
  const [, tests, failures, errors, body = ''] = whole.exec(xml) ?? [];
  const one =
    /\s*<testcase classname="(.*?)" name="(.*?)">(?:<(?:failure|error) message="(.*?)">(.*?)<\/(?:failure|error)>)?<\/testcase>\s*/gs;
  expect(body.replace(one, '')).toBe('');
  const cases = [...body.matchAll(one)].map(([, file, name, first, all]) => {
    const failure = all === undefined ? null : text(all);
    if (failure !== null) expect(failure.startsWith(text(first))).toBe(true);
    return { file: text(file), name: text(name), failure };
  });
  return { tests: Number(tests), failures: Number(failures), errors: Number(errors), cases };
}

describe('a report for CI', () => {
  it('counts scenarios and failures, and says of a failed one all that differs', async () => {
    const passed = await resultOf('a.yaml', 'seven', 7);
    const failed = await resultOf('b.yaml', 'eight', 8);
    expect([passed.result.passed, failed.result.passed]).toEqual([true, false]);
    const read = readXml(junit([passed, failed]));
    expect(read).toMatchObject({ tests: 2, failures: 1, errors: 0 });
    expect(read.cases[0]).toEqual({ file: 'a.yaml', name: 'seven', failure: null });
    expect(read.cases[1]).toMatchObject({ file: 'b.yaml', name: 'eight' });
    expect(read.cases[1]?.failure).toMatch(/^expect 0 kpi\/k@2026-11-01: .*7.*8/);
  });

  it('has a case with an error for each file that could not be read', async () => {
    const passed = await resultOf('a.yaml', 'seven', 7);
    const at = { file: 'b.yaml', document: '', pointer: '', code: 'missing_key', remedy: 'add at here' };
    const faults = [
      { ...at, line: 1, column: 1, message: '"at" is missing' },
      { ...at, line: 9, column: 2, message: '"name" is missing' },
      { ...at, file: 'c.yaml', message: 'cannot be read' },
    ];
    const read = readXml(junit([passed], faults));
    expect(read).toMatchObject({ tests: 3, failures: 0, errors: 2 });
    expect(read.cases).toEqual([
      { file: 'b.yaml', name: 'can be read', failure: expect.stringMatching(/^b\.yaml:1:1: .*b\.yaml:9:2: /s) },
      { file: 'c.yaml', name: 'can be read', failure: expect.stringContaining('cannot be read') },
      { file: 'a.yaml', name: 'seven', failure: null },
    ]);
  });

  it('comes back as it was, whatever signs a name has', async () => {
    const name = `a <b> & "c" 'd' ]]> &amp; ü 😀 \t tab\n line`;
    const failed = await resultOf('dir & <x>/"q".yaml', name, 8);
    expect(readXml(junit([failed])).cases[0]).toMatchObject({ file: 'dir & <x>/"q".yaml', name });
  });

  it('stays XML where a name has signs that XML cannot write', async () => {
    const { file, result } = await resultOf('c.yaml', 'bell', 8);
    const bell = { file, result: { ...result, name: 'bell \u0007 \u0000 \ufffe \ud800 end' } };
    expect(readXml(junit([bell])).cases[0]?.name).toBe('bell \ufffd \ufffd \ufffd \ufffd end');
  });

  it('of nothing has no cases', () => {
    expect(readXml(junit([]))).toEqual({ tests: 0, failures: 0, errors: 0, cases: [] });
  });
});
