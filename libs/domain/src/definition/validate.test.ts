import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Document } from '../document.ts';
import { DEFINITION_CODES, type DefinitionFault } from './fault.ts';
import { validateDocuments } from './validate.ts';

const apiVersion = 'paceline/v1';
/** Documents as a parser hands them over, whatever is wrong with their meaning. */
function documents(...written: readonly object[]): Document[] {
  return JSON.parse(JSON.stringify(written.map((document) => ({ apiVersion, ...document }))));
}
const metric = (name: string, spec: object = {}) => ({
  kind: 'Metric',
  metadata: { name },
  spec: { aggregation: 'last', grain: 'day', ...spec },
});
const kpi = (name: string, spec: object) => ({
  kind: 'Kpi',
  metadata: { name },
  spec: { metric: 'mrr', direction: 'higher', period: 'latest', ...spec },
});
const cycle = (name: string, firstDay: string, lastDay: string) => ({
  kind: 'Cycle',
  metadata: { name },
  spec: { firstDay, lastDay, timezone: 'UTC' },
});
const said = (faults: readonly DefinitionFault[]) =>
  faults.map(({ code, id, path }) => `${code} ${id} /${path.join('/')}`);

describe('validateDocuments', () => {
  it('finds nothing wrong with a sound set', () => {
    const sound = documents(
      metric('mrr', { dimensions: ['region'] }),
      cycle('q', '2026-01-01', '2026-03-31'),
      kpi('k', { where: { region: 'emea' }, policy: 'viva' }),
      { kind: 'Objective', metadata: { name: 'o' }, spec: { cycle: 'q', keyResults: [{ name: 'k', type: 'done' }] } },
      {
        kind: 'AlertRule',
        metadata: { name: 'r' },
        spec: { watch: ['kpi/k', 'objective/*', 'key_result/o/k'], when: 'off_track' },
      },
    );
    expect(validateDocuments(sound)).toEqual([]);
  });

  it('finds every fault of every document at once, each at its place', () => {
    const faults = validateDocuments(
      documents(
        metric('mrr'),
        kpi('a', { metric: 'mrrr', unit: 'nobody', policy: 'vivva' }),
        kpi('b', { pace: 'linear', policy: 'viva', bands: { onTrack: '1' } }),
        kpi('c', {
          where: { regoin: 'emea' },
          targets: [
            { effectiveFrom: '2026-01-01', value: '1', mode: 'retroactive' },
            { effectiveFrom: '2026-01-01', value: '2' },
          ],
        }),
      ),
    );
    expect(said(faults)).toEqual([
      'unknown_reference kpi/a /spec/unit',
      'unknown_reference kpi/a /spec/metric',
      'unknown_reference kpi/a /spec/policy',
      'pace_on_level kpi/b /spec/pace',
      'bands_and_policy kpi/b /spec/bands',
      'missing_reason kpi/c /spec/targets/0',
      'overlapping_dates kpi/c /spec/targets/1/effectiveFrom',
      'unknown_dimension kpi/c /spec/where/regoin',
    ]);
    expect(faults.map(({ document }) => document)).toEqual([1, 1, 1, 2, 2, 3, 3, 3]);
    expect(faults[1]).toMatchObject({ suggestion: 'mrr', remedy: 'did you mean "mrr"?', severity: 'error' });
  });

  it('names the whole loop', () => {
    const unit = (name: string, parent: string) => ({
      kind: 'Unit',
      metadata: { name },
      spec: { type: 'team', parent },
    });
    const faults = validateDocuments(documents(unit('a', 'b'), unit('b', 'c'), unit('c', 'a'), unit('d', 'a')));
    expect(faults.map(({ id, message }) => `${id}: ${message}`)).toEqual([
      'unit/a: the unit is its own ancestor: a → b → c → a',
      'unit/b: the unit is its own ancestor: b → c → a → b',
      'unit/c: the unit is its own ancestor: c → a → b → c',
    ]);
  });

  it('warns when there are more goals than a focus, and does not refuse', () => {
    const results = Array.from({ length: 6 }, (_, index) => ({ name: `k${index}`, type: 'done' }));
    const objective = (name: string) => ({
      kind: 'Objective',
      metadata: { name },
      spec: { cycle: 'q', unit: 'u', keyResults: name === 'o0' ? results : [] },
    });
    const set = documents(
      cycle('q', '2026-01-01', '2026-03-31'),
      { kind: 'Unit', metadata: { name: 'u' }, spec: { type: 'team' } },
      metric('mrr'),
      ...Array.from({ length: 6 }, (_, index) => objective(`o${index}`)),
      ...Array.from({ length: 11 }, (_, index) => kpi(`k${index}`, { unit: 'u' })),
    );
    const faults = validateDocuments(set);
    expect(faults.map(({ code, severity, id }) => `${code} ${severity} ${id}`)).toEqual([
      'focus warning objective/o0',
      'focus warning objective/o5',
      'focus warning kpi/k10',
    ]);
    expect(
      validateDocuments(set, { limits: { kpisPerUnit: 20, keyResultsPerObjective: 9, objectivesPerUnitAndCycle: 9 } }),
    ).toEqual([]);
  });

  it('warns of days outside the cycle', () => {
    const faults = validateDocuments(
      documents(cycle('q', '2026-01-01', '2026-03-31'), {
        kind: 'Objective',
        metadata: { name: 'o' },
        spec: {
          cycle: 'q',
          keyResults: [{ name: 'm', type: 'milestones', milestones: [{ name: 'a', due: '2026-04-01' }] }],
        },
      }),
    );
    expect(faults).toMatchObject([
      { code: 'date_outside_cycle', severity: 'warning', path: ['spec', 'keyResults', 0, 'milestones', 0, 'due'] },
    ]);
  });

  it('tells what is wrong with a policy and a calendar', () => {
    const faults = validateDocuments(
      documents(
        {
          kind: 'Policy',
          metadata: { name: 'p' },
          spec: { kind: 'gap', onTrack: { atLeast: 0.2 }, atRisk: { atMost: 0.1 } },
        },
        {
          kind: 'Policy',
          metadata: { name: 'q' },
          spec: { kind: 'ratio', onTrack: { atLeast: 0.7 }, atRisk: { atLeast: 0.9 } },
        },
        {
          kind: 'Calendar',
          metadata: { name: 'c' },
          spec: {
            timezone: 'Europe/Berlin',
            periods: [
              { label: 'a', firstDay: '2026-01-01', lastDay: '2026-01-31' },
              { label: 'b', firstDay: '2026-01-31', lastDay: '2026-02-28' },
            ],
          },
        },
        {
          kind: 'Cycle',
          metadata: { name: 'z' },
          spec: { firstDay: '2026-02-30', lastDay: '2026-03-31', timezone: 'Europe/Berlinn' },
        },
      ),
    );
    expect(said(faults)).toEqual([
      'invalid_bounds policy/p /spec/onTrack',
      'invalid_bounds policy/p /spec/atRisk',
      'invalid_bounds policy/q /spec/atRisk',
      'overlapping_dates calendar/c /spec/periods',
      'invalid_timezone cycle/z /spec/timezone',
      'invalid_date cycle/z /spec/firstDay',
    ]);
    expect(faults[4]?.suggestion).toBe('Europe/Berlin');
  });

  it('never throws on odd documents', () => {
    const odd = fc.oneof(
      fc.constant(null),
      fc.integer(),
      fc.string(),
      fc.array(fc.string()),
      fc.dictionary(fc.string(), fc.string()),
    );
    const keys = [
      'metric',
      'targets',
      'keyResults',
      'milestones',
      'weight',
      'bands',
      'policy',
      'pace',
      'period',
      'map',
      'watch',
      'where',
      'derived',
      'grain',
      'periods',
      'parent',
      'cycle',
    ];
    const spec = fc.dictionary(fc.constantFrom(...keys), odd);
    const kind = fc.constantFrom(
      'Unit',
      'Cycle',
      'Calendar',
      'Metric',
      'Kpi',
      'Objective',
      'Policy',
      'Source',
      'AlertRule',
      'Channel',
    );
    const document = fc.record({
      kind,
      metadata: fc.record({ name: fc.string() }),
      spec: fc.oneof(spec, fc.constant(null)),
    });
    fc.assert(
      fc.property(fc.array(document, { maxLength: 5 }), (written) => {
        for (const { code, remedy, message } of validateDocuments(documents(...written))) {
          expect(Object.keys(DEFINITION_CODES)).toContain(code);
          expect(remedy.length).toBeGreaterThan(0);
          expect(message.length).toBeGreaterThan(0);
        }
      }),
      { numRuns: 500 },
    );
  });
});
