import { readdirSync, readFileSync } from 'node:fs';
import { runScenario } from '@paceline/domain/scenario/run';
import { describe, expect, it } from 'vitest';
import { formatFault } from './documents/fault.ts';
import { readScenarios } from './scenario.ts';

const none = async () => ({ texts: [], faults: [] });
const read = (text: string, readPath: Parameters<typeof readScenarios>[2] = none) =>
  readScenarios({ file: 's.yaml', text }, {}, readPath);
const t = Date.UTC(2026, 10, 22, 6);

const WHOLE = `name: half way, a little behind
definitions:
  - {kind: Metric, metadata: {name: mrr}, spec: {aggregation: last, grain: day, dimensions: [region]}}
  - {kind: Unit, recordedAt: 2026-11-22T06:00:00Z, metadata: {name: u}, spec: {type: team}}
observations:
  - {metric: mrr, period: 2026-11-21, value: 12345678901234567890, dimensions: {region: emea}, recordedAt: 2026-11-22T06:00:00Z, readAt: 2026-11-22T05:00:00Z}
  - {metric: mrr, period: 2026-11-20, value: 0.1}
checkins: [{subject: key_result/o/k, time: 2026-11-22T06:00:00Z, value: 5, confidence: 0.5, note: fine}]
covered: [{metric: mrr, to: 2026-11-22T06:00:00Z}]
at: [2026-11-22T06:00:00Z, {asOf: 2026-11-22T06:00:00Z, knownAt: 2026-11-23T06:00:00Z}]
expect:
  - {at: 2026-11-22T06:00:00Z, subject: key_result/o/k, verdict: on_track, progress: 0.56}
  - {error: unknown_metric}
`;

describe('a scenario', () => {
  it('is read as the reference shows it', async () => {
    const { scenarios, faults } = await read(WHOLE);
    expect(faults).toEqual([]);
    expect(scenarios).toHaveLength(1);
    expect(scenarios[0]).toMatchObject({
      name: 'half way, a little behind',
      definitions: [{ document: { kind: 'Metric' } }, { document: { kind: 'Unit' }, recordedAt: t }],
      observations: [
        {
          metric: 'mrr',
          raw: { period: '2026-11-21', value: '12345678901234567890', dimensions: { region: 'emea' } },
          recordedAt: t,
          readAt: t - 3_600_000,
          line: 6,
        },
        { metric: 'mrr', raw: { period: '2026-11-20', value: 0.1 }, line: 7 },
      ],
      checkIns: [{ subject: 'key_result/o/k', time: t, value: '5', confidence: 0.5, note: 'fine' }],
      covered: [{ metric: 'mrr', to: t }],
      at: [
        { asOf: t, knownAt: t },
        { asOf: t, knownAt: t + 86_400_000 },
      ],
      expect: [
        { asOf: t, knownAt: t, subject: 'key_result/o/k', values: { verdict: 'on_track', progress: 0.56 }, line: 12 },
        { error: 'unknown_metric', line: 13 },
      ],
      refused: [],
    });
  });
  it('knows where each document was written', async () => {
    const { scenarios } = await read(WHOLE);
    expect(scenarios[0]?.definitions[0]?.placeOf(['spec', 'grain'])).toMatchObject({ file: 's.yaml', line: 3 });
  });
  it('takes definitions from files', async () => {
    const text = 'apiVersion: paceline/v1\nkind: Unit\nmetadata: {name: u}\nspec: {type: team}\n';
    const seen: string[] = [];
    const { scenarios, faults } = await read('name: n\ndefinitions: [../definitions]\n', async (path) => {
      seen.push(path);
      return { texts: [{ file: 'u.yaml', text }], faults: [] };
    });
    expect(seen).toEqual(['../definitions']);
    expect(faults).toEqual([]);
    expect(scenarios[0]?.definitions.map(({ document }) => document.metadata.name)).toEqual(['u']);
  });
  it('keeps refused documents and lines apart, for they may be what is expected', async () => {
    const { scenarios, faults } = await read(
      'name: n\ndefinitions: [{kind: Unit, metadata: {name: u}, spec: {typ: team}}]\nobservations:\n  - {metric: m, valu: 1}\nexpect: [{error: unknown_key}]\n',
    );
    expect(faults).toEqual([]);
    expect(scenarios[0]?.refused.map(({ code, line, pointer }) => [code, line, pointer])).toEqual([
      ['missing_key', 2, '/spec'],
      ['unknown_key', 2, '/spec/typ'],
      ['unknown_key', 4, '/observations/0/valu'],
    ]);
  });
  it.each([
    ['nam: n\n', 's.yaml:1:1 /nam: unknown key "nam" (did you mean "name"?) [unknown_key]'],
    [
      'name: n\nat: [2026-11-22]\n',
      's.yaml:2:6 /at/0: "2026-11-22" is no instant (write it with its offset, like 2026-11-22T06:00:00Z) [invalid_time]',
    ],
    ['name: n\ncovered:\n  - {metric: m}\n', 's.yaml:3:5 /covered/0: "to" is missing (add to here) [missing_key]'],
    ['name: n\nexpect:\n  - {subject: s}\n', 's.yaml:3:5 /expect/0: "at" is missing (add at here) [missing_key]'],
    [
      'name: n\nobservations: [{metric: m, recordedAt: soon}]\n',
      's.yaml:2:40 /observations/0/recordedAt: "soon" is no instant (write it with its offset, like 2026-11-22T06:00:00Z) [invalid_time]',
    ],
    ['name: [\n', 's.yaml:2:1'],
  ])('%j is refused at its line', async (text, fault) => {
    const { faults } = await read(text);
    expect(faults.map(formatFault)).toContainEqual(expect.stringContaining(fault));
  });
});

describe('every scenario of the domain', () => {
  const folder = new URL('../../domain/scenarios/', import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  it.each(files)('%s is read without a fault, and holds', async (file) => {
    const text = readFileSync(new URL(file, folder), 'utf8');
    const { scenarios, faults } = await readScenarios({ file, text }, {}, none);
    expect(faults.map(formatFault)).toEqual([]);
    expect(scenarios).not.toEqual([]);
    for (const scenario of scenarios) {
      const { results, unexpected } = runScenario(scenario);
      expect([...results.map(({ message }) => message).filter((message) => message !== ''), ...unexpected]).toEqual([]);
    }
  });
});
