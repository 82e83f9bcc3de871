import { describe, expect, it } from 'vitest';
import { compileCatalog } from './definition/compile.ts';
import type { Document } from './document.ts';
import { needsOf } from './needs.ts';
import { instantText } from './time/instant-text.ts';

const apiVersion = 'paceline/v1';
function catalogOf(...written: readonly object[]) {
  const documents: Document[] = JSON.parse(JSON.stringify(written.map((document) => ({ apiVersion, ...document }))));
  return compileCatalog(documents.map((document) => ({ document, position: 0, recordedAt: 0 })));
}
const at = (text: string) => Date.parse(`${text}Z`);
const metric = (name: string, aggregation: string) => ({
  kind: 'Metric',
  metadata: { name },
  spec: { aggregation, grain: 'week', timezone: 'UTC', points: 'time' },
});
const result = (name: string, of: string) => ({ name, metric: of, type: 'reach', baseline: 0, target: 1 });

describe('what a window that ends inside a week reads', () => {
  // 31 March 2026 is a Tuesday: the last week of the quarter starts on the 30th and ends on 6 April.
  const catalog = catalogOf(
    {
      kind: 'Cycle',
      metadata: { name: 'q1' },
      spec: { firstDay: '2026-01-01', lastDay: '2026-03-31', timezone: 'UTC' },
    },
    metric('signups', 'sum'),
    metric('score', 'avg'),
    {
      kind: 'Objective',
      metadata: { name: 'o' },
      spec: { cycle: 'q1', keyResults: [result('signups', 'signups'), result('score', 'score')] },
    },
    {
      kind: 'Kpi',
      metadata: { name: 'score' },
      spec: { metric: 'score', direction: 'higher', period: { toDate: 'month' } },
    },
  );
  const asOf = at('2026-05-20T00:00');

  it('goes on to the end of the week, because a sum takes it whole', () => {
    const [need] = needsOf(catalog, ['key_result/o/signups'], [asOf]);
    expect(instantText(need?.to ?? 0)).toBe('2026-04-06T00:00:00Z');
    expect(need?.cuts?.map(instantText)).toEqual(['2026-01-01T00:00:00Z', '2026-04-01T00:00:00Z']);
  });

  it('asks for the running bucket until that week has ended', () => {
    const instants = [at('2026-04-05T00:00'), at('2026-04-06T00:00')];
    const [need] = needsOf(catalog, ['key_result/o/signups'], instants);
    expect(need?.running.map(instantText)).toEqual(['2026-04-05T00:00:00Z']);
  });

  it('is cut at the edges of the month of a level', () => {
    const [need] = needsOf(catalog, ['kpi/score'], [at('2026-04-20T00:00')]);
    expect(need?.cuts?.map(instantText)).toEqual(['2026-04-01T00:00:00Z', '2026-05-01T00:00:00Z']);
  });
});
