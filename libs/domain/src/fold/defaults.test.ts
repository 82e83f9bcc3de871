import { describe, expect, it } from 'vitest';
import type { WorkspaceDefaults } from '../catalog.ts';
import { DEFAULTS_ID } from '../definition/defaults.ts';
import type { Document } from '../document.ts';
import { type Position, position } from '../position.ts';
import { WorkspaceFold } from './workspace.ts';

const DOCUMENTS: readonly Document[] = [
  { apiVersion: 'paceline/v1', kind: 'Metric', metadata: { name: 'm' }, spec: { aggregation: 'sum', grain: 'day' } },
  {
    apiVersion: 'paceline/v1',
    kind: 'Kpi',
    metadata: { name: 'k' },
    spec: {
      metric: 'm',
      direction: 'higher',
      period: { toDate: 'month' },
      targets: [{ effectiveFrom: '2026-01-01', value: '10' }],
    },
  },
];

function define(
  fold: WorkspaceFold,
  offset: number,
  expects: Position | null,
  put: readonly Document[],
  defaults?: WorkspaceDefaults,
) {
  const fact = { type: 'definitions' as const, command: `c${offset}`, expects, put, remove: [] };
  const record = { position: position(offset), recordedAt: offset + 1, id: String(offset) };
  return fold.apply({ ...record, fact: defaults === undefined ? fact : { ...fact, defaults } });
}

const policyOf = (fold: WorkspaceFold) => fold.catalog.kpis.get('k')?.policy.at(-1)?.[0]?.value.name;

describe('the defaults of a workspace', () => {
  it('hold from the command that names them on, and stay when later ones name none', () => {
    const fold = new WorkspaceFold();
    define(fold, 0, null, DOCUMENTS);
    expect(policyOf(fold)).toBe('paceline');
    const { change } = define(fold, 1, position(0), [], { policy: 'viva' });
    expect([policyOf(fold), change?.defaults, change?.position]).toEqual(['viva', { policy: 'viva' }, position(1)]);
    expect(fold.touched.documents.has(DEFAULTS_ID)).toBe(true);
    expect(define(fold, 2, position(1), []).change?.defaults).toBeUndefined();
    expect(policyOf(fold)).toBe('viva');
  });

  it('stay as they are after a conflict, and are no change when they say the same in other words', () => {
    const fold = new WorkspaceFold();
    define(fold, 0, null, DOCUMENTS, {});
    define(fold, 1, position(7), [], { policy: 'viva' });
    expect(policyOf(fold)).toBe('paceline');
    const { change } = define(fold, 2, position(0), [], { policy: 'paceline', pace: 'linear' });
    expect(change).not.toHaveProperty('defaults');
    expect(fold.touched.documents.has(DEFAULTS_ID)).toBe(false);
  });

  it('come back with a snapshot', () => {
    const fold = new WorkspaceFold();
    define(fold, 0, null, DOCUMENTS, { policy: 'viva', pace: 'seasonal' });
    const again = new WorkspaceFold();
    again.restore(JSON.parse(JSON.stringify(fold.snapshot())));
    expect([policyOf(again), again.catalog.defaults]).toEqual(['viva', { policy: 'viva', pace: 'seasonal' }]);
  });
});
