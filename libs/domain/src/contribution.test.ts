import { describe, expect, it } from 'vitest';
import { contributions } from './contribution.ts';
import type { Document } from './document.ts';
import type { Fact, Recorded } from './fact.ts';
import { memoryView } from './memory-view.ts';
import { position } from './position.ts';

const apiVersion = 'paceline/v1';
const at = Date.UTC(2026, 1, 20);

function view(rollup: 'mean' | 'min') {
  const documents: Document[] = [
    {
      apiVersion,
      kind: 'Cycle',
      metadata: { name: 'c' },
      spec: { firstDay: '2026-01-01', lastDay: '2026-04-10', timezone: 'UTC' },
    },
    { apiVersion, kind: 'Unit', metadata: { name: 'company' }, spec: { type: 'company' } },
    { apiVersion, kind: 'Unit', metadata: { name: 'team' }, spec: { type: 'team', parent: 'company' } },
    {
      apiVersion,
      kind: 'Objective',
      metadata: { name: 'top', owner: 'ada' },
      spec: {
        cycle: 'c',
        unit: 'company',
        rollup,
        keyResults: [{ name: 'own', type: 'reach', baseline: '0', target: '100' }],
      },
    },
    {
      apiVersion,
      kind: 'Objective',
      metadata: { name: 'part', owner: 'bo' },
      spec: {
        cycle: 'c',
        unit: 'team',
        parent: 'top',
        weight: 3,
        keyResults: [
          { name: 'x', type: 'reach', baseline: '0', target: '100', owner: 'cy' },
          { name: 'y', type: 'reach', baseline: '0', target: '100' },
          { name: 'z', type: 'reach', baseline: '0', target: '100' },
        ],
      },
    },
  ];
  const checkIn = (subject: string, value: string): Fact => ({ type: 'check_in', subject, time: at, value });
  const facts: Fact[] = [
    { type: 'definitions', command: 'd', expects: null, put: documents, remove: [] },
    checkIn('key_result/top/own', '60'),
    checkIn('key_result/part/x', '40'),
    checkIn('key_result/part/y', '20'),
  ];
  return memoryView(
    facts.map((fact, offset): Recorded => ({ position: position(offset), recordedAt: at, id: String(offset), fact })),
    at,
  );
}

describe('contributions', () => {
  it('of a person are its key results, their shares multiplied on the way up', () => {
    expect(contributions(view('mean'), { owner: 'cy' }, at)).toEqual([
      {
        keyResult: 'key_result/part/x',
        owner: 'cy',
        objective: 'objective/part',
        unit: 'team',
        share: 0.5,
        moves: 0.2,
      },
      {
        keyResult: 'key_result/part/x',
        owner: 'cy',
        objective: 'objective/top',
        unit: 'company',
        share: 0.375,
        moves: 0.15000000000000002,
      },
    ]);
  });

  it('of a unit include all below it, and add up to what they move', () => {
    const all = contributions(view('mean'), { unit: 'company' }, at).filter(
      ({ objective }) => objective === 'objective/top',
    );
    expect(all.map(({ keyResult, owner }) => `${keyResult} ${owner}`)).toEqual([
      'key_result/part/x cy',
      'key_result/part/y bo',
      'key_result/part/z bo',
      'key_result/top/own ada',
    ]);
    // (1 · .6 + 3 · .3) / 4
    expect(all.reduce((sum, { moves }) => sum + (moves ?? 0), 0)).toBeCloseTo(0.375, 12);
    expect(all[2]).toMatchObject({ share: 0, moves: null });
  });

  it('under min are those of the member that decides', () => {
    const shares = contributions(view('min'), {}, at).filter(({ objective }) => objective === 'objective/top');
    expect(shares.map(({ share }) => share)).toEqual([0.5, 0.5, 0, 0]);
  });
});
