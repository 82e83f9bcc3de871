import { readdirSync, readFileSync } from 'node:fs';
import { type Instant, type ScenarioRefusal, scenarioLog } from '@paceline/domain';
import { readScenarios, type WrittenScenario } from '@paceline/events/scenario';
import { createHttp, createMetrics, ManualClock, silentLogger } from '@paceline/runtime';
import { describe, expect, it } from 'vitest';
import { openBench } from '../fixture.ts';

const SCENARIOS = new URL('../../../../libs/domain/scenarios/', import.meta.url);
const LATER = Date.parse('2100-01-01T00:00:00Z');

interface Case {
  readonly file: string;
  readonly scenario: WrittenScenario;
  readonly refusals: readonly ScenarioRefusal[];
}

const files = readdirSync(SCENARIOS).filter((file) => file.endsWith('.yaml'));
const all = await Promise.all(files.map(caseOf));
/** Every scenario in which observations, and only they, are refused. */
const refusing = all.filter(
  ({ refusals }) => refusals.length > 0 && refusals.every(({ list }) => list === 'observations'),
);

async function caseOf(file: string): Promise<Case> {
  const text = readFileSync(new URL(file, SCENARIOS), 'utf8');
  const { scenarios, faults } = await readScenarios({ file, text }, {}, async () => ({ texts: [], faults: [] }));
  const [scenario] = scenarios;
  if (scenario === undefined || faults.length > 0) throw new Error(`${file} is no scenario`);
  return { file, scenario, refusals: scenarioLog(scenario).refusals };
}

interface Answer {
  readonly status: number;
  readonly accepted: number;
  /** Line and code. */
  readonly rejected: readonly (readonly [number, string])[];
  /** Points that the log has afterwards. */
  readonly points: number;
}

async function pushed({ definitions, observations }: WrittenScenario, now: Instant): Promise<Answer> {
  const bench = await openBench({ clock: new ManualClock(now) });
  const app = await createHttp({
    logger: silentLogger,
    metrics: createMetrics({ defaults: false }),
    health: () => ({ live: true, ready: true, parts: [] }),
    title: 'scenarios',
    version: '0',
    bodyBytesMax: 1024 * 1024,
  });
  try {
    await app.register(bench.connectors.routes);
    await bench.define(...definitions.map(({ document }) => document));
    const payload = observations.map(({ metric, raw }) => ({ metric, ...raw }));
    const answer = await app.inject({ method: 'POST', url: '/v1/observations', payload });
    const { accepted = 0, rejected, errors } = answer.json();
    const refused: readonly { index: number; code: string }[] = rejected ?? errors;
    const facts = await bench.facts();
    return {
      status: answer.statusCode,
      accepted,
      rejected: refused.map(({ index, code }) => [index, code] as const),
      points: facts.reduce((sum, fact) => sum + (fact.type === 'observations' ? fact.points.length : 0), 0),
    };
  } finally {
    await app.close();
    await bench.stop();
  }
}

describe('what a scenario refuses, a push refuses', () => {
  it('in as many scenarios as there are codes for observations', () => {
    const codes = refusing.flatMap(({ refusals }) => refusals.map(({ code }) => code));
    expect(new Set(codes).size).toBeGreaterThanOrEqual(9);
  });

  it.each(refusing)('$file', async ({ scenario, refusals }) => {
    const first = scenario.observations.reduce((least, { recordedAt = LATER }) => Math.min(least, recordedAt), LATER);
    const answer = await pushed(scenario, first);
    const taken = scenario.observations.length - refusals.length;
    expect(answer).toEqual({
      status: taken === 0 ? 422 : 202,
      accepted: taken,
      rejected: refusals.map(({ index, code }) => [index, code]),
      points: taken,
    });
  });
});
