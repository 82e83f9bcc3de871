import { describe, expect, it } from 'vitest';
import { evaluationOf, NOW, TREE } from '../fixture.ts';
import { choicesOf, keep, NO_FILTER } from './filter.ts';
import { rowsOf } from './rows.ts';
import { standingCounts, standingOf, toneOf } from './standing.ts';
import { buildTree, countNodes, findNode } from './tree.ts';

const nodes = buildTree(TREE, { evaluations: new Map(), now: NOW });
const ALL = { toggled: new Set<string>(), total: 8, all: false };

function titlesOf(rows: ReturnType<typeof rowsOf>): string[] {
  return rows.map(({ node, level }) => `${'  '.repeat(level - 1)}${node.title}`);
}

describe('the tree', () => {
  it('has units with objectives, then KPIs, then the units below; what has no unit comes last', () => {
    expect(titlesOf(rowsOf(keep(nodes, NO_FILTER), ALL))).toEqual([
      'The company',
      '  Grow',
      '    mrr',
      '    nps',
      '  sales',
      '    New revenue',
      'Without a unit',
      '  loose',
    ]);
    expect(countNodes(nodes)).toBe(8);
  });

  it('tells of a member its weight and its share of all weight', () => {
    expect(findNode(nodes, 'key_result/grow/mrr')).toMatchObject({ weight: 3, share: 0.75 });
    expect(findNode(nodes, 'kpi/revenue')).toMatchObject({ weight: null, share: null });
  });

  it('shows the newer of two evaluations', () => {
    const newer = evaluationOf('kpi/revenue', { value: '700' });
    const tree = buildTree(TREE, { evaluations: new Map([['kpi/revenue', newer]]), now: NOW });
    expect(findNode(tree, 'kpi/revenue')?.evaluation?.value).toBe('700');
  });

  it('turns late and stale by the clock alone', () => {
    const at = (iso: string) => buildTree(TREE, { evaluations: new Map(), now: Date.parse(iso) });
    expect(findNode(at('2026-11-17T00:00:00Z'), 'kpi/revenue')?.freshness).toBe('fresh');
    expect(findNode(at('2026-11-17T12:00:00Z'), 'kpi/revenue')?.freshness).toBe('late');
    expect(findNode(at('2026-11-19T00:00:00Z'), 'kpi/revenue')?.freshness).toBe('stale');
  });

  it('is empty where nothing is defined', () => {
    expect(
      buildTree({ cycle: null, units: [], objectives: [], kpis: [] }, { evaluations: new Map(), now: NOW }),
    ).toEqual([]);
  });
});

describe('the standing of a row', () => {
  it('is its verdict, but stale good news count as stale and are never green', () => {
    const evaluation = evaluationOf('kpi/a');
    expect(standingOf({ evaluation, freshness: 'late' })).toBe('on_track');
    expect(standingOf({ evaluation, freshness: 'stale' })).toBe('stale');
    expect(toneOf(evaluation, 'stale')).toBe('gray');
  });

  it('stays bad when it is stale', () => {
    const evaluation = evaluationOf('kpi/a', { verdict: 'missed' });
    expect(standingOf({ evaluation, freshness: 'stale' })).toBe('missed');
    expect(toneOf(evaluation, 'stale')).toBe('red');
  });

  it('is counted, worst first', () => {
    expect(standingCounts(nodes)).toEqual([
      { standing: 'at_risk', count: 1 },
      { standing: 'on_track', count: 5 },
    ]);
  });
});

describe('a filter', () => {
  const shown = (filter: Partial<typeof NO_FILTER>) =>
    titlesOf(rowsOf(keep(nodes, { ...NO_FILTER, ...filter }), { ...ALL, all: true }));

  it('keeps what stands above a match', () => {
    const kept = rowsOf(keep(nodes, { ...NO_FILTER, text: 'REVENUE ada' }), { ...ALL, all: true });
    expect(kept.map(({ node, isContext }) => [node.title, isContext])).toEqual([
      ['The company', true],
      ['sales', true],
      ['New revenue', false],
    ]);
  });

  it('by owner, verdict and unit', () => {
    expect(shown({ owner: 'bob' })).toEqual(['The company', '  Grow', '    nps']);
    expect(shown({ standing: 'at_risk' })).toEqual(['The company']);
    expect(shown({ unit: 'sales' })).toEqual(['The company', '  sales', '    New revenue']);
    expect(shown({ text: 'nobody' })).toEqual([]);
  });

  it('puts the worst first, with what it is part of', () => {
    const worse = evaluationOf('kpi/loose', { verdict: 'missed' });
    const tree = buildTree(TREE, { evaluations: new Map([['kpi/loose', worse]]), now: NOW });
    const rows = rowsOf(keep(tree, { ...NO_FILTER, order: 'worst' }), ALL);
    expect(titlesOf(rows).slice(0, 2)).toEqual(['Without a unit', '  loose']);
  });

  it('offers the units and owners that there are', () => {
    expect(choicesOf(nodes)).toEqual({ units: ['company', 'sales'], owners: ['ada', 'bob', 'mira'] });
  });
});

describe('rows', () => {
  it('are counted as WAI-ARIA wants it', () => {
    const [, grow, mrr, nps] = rowsOf(keep(nodes, NO_FILTER), ALL);
    expect(grow).toMatchObject({ level: 2, place: 1, siblings: 2, expanded: true, parent: 0 });
    expect(mrr).toMatchObject({ level: 3, place: 1, siblings: 2, expanded: null, parent: 1 });
    expect(nps).toMatchObject({ place: 2 });
  });

  it('close and open again', () => {
    const closed = rowsOf(keep(nodes, NO_FILTER), { ...ALL, toggled: new Set(['unit/company@q4']) });
    expect(titlesOf(closed)).toEqual(['The company', 'Without a unit', '  loose']);
  });

  it('begin with closed objectives where there are many', () => {
    expect(titlesOf(rowsOf(keep(nodes, NO_FILTER), { ...ALL, total: 1_000 }))).not.toContain('    mrr');
  });
});
