import type { Grain } from '@paceline/domain';
import { gridOf } from '@paceline/domain/time/bucket';
import { plainCalendar } from '@paceline/domain/time/calendar';
import { parseDuration } from '@paceline/domain/time/duration';
import { zoneOf } from '@paceline/domain/time/zone';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignDown, alignUp, cut, edgeOf, planLive, type WindowShape } from './window.ts';

function shape(
  zoneName: string,
  grain: Grain | null,
  period: string | null,
  more: Partial<WindowShape> = {},
): WindowShape {
  const zone = zoneOf(zoneName);
  if (zone === undefined) throw new Error(zoneName);
  return {
    zone,
    grids: grain === null ? [] : [gridOf(plainCalendar(zone), grain)],
    period: period === null ? null : (parseDuration(period) ?? null),
    lookback: parseDuration('P1D') ?? null,
    start: null,
    settleMs: 0,
    ...more,
  };
}
const iso = (at: number): string => new Date(at).toISOString();
const at = (text: string): number => Date.parse(text);

describe('edges of windows', () => {
  it.each([
    ['Europe/Berlin', 'day', 'PT1H', '2026-10-25T13:20:00Z', '2026-10-24T22:00:00.000Z'],
    ['Europe/Berlin', null, 'PT1H', '2026-10-25T00:30:00Z', '2026-10-25T00:00:00.000Z'],
    ['Europe/Berlin', 'day', 'P1M', '2026-10-25T13:20:00Z', '2026-09-30T22:00:00.000Z'],
    ['UTC', 'day', 'P7D', '2026-11-26T13:20:00Z', '2026-11-23T00:00:00.000Z'],
    ['America/New_York', 'week', null, '2026-11-26T13:20:00Z', '2026-11-23T05:00:00.000Z'],
    ['Asia/Kolkata', null, 'PT1H', '2026-11-26T13:20:00Z', '2026-11-26T12:30:00.000Z'],
    ['UTC', null, null, '2026-11-26T13:20:00Z', '2026-11-26T13:20:00.000Z'],
  ] as const)('%s, metric by %s, period %s: %s falls to %s', (zone, grain, period, instant, edge) => {
    expect(iso(alignDown(shape(zone, grain, period), at(instant)))).toBe(edge);
  });
  it('are edges: aligning twice changes nothing, up and down enclose', () => {
    const shapes = [
      shape('Europe/Berlin', 'day', 'P1D'),
      shape('America/New_York', 'week', 'P1M'),
      shape('Asia/Kolkata', 'hour', 'PT6H'),
      shape('Pacific/Apia', 'day', 'P7D'),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...shapes),
        fc.integer({ min: at('2005-01-01T00:00:00Z'), max: at('2040-01-01T00:00:00Z') }),
        (one, instant) => {
          const down = alignDown(one, instant);
          const up = alignUp(one, instant);
          expect(down).toBeLessThanOrEqual(instant);
          expect(up).toBeGreaterThanOrEqual(instant);
          expect(alignDown(one, down)).toBe(down);
          expect(alignDown(one, up)).toBe(up);
        },
      ),
      { numRuns: 200 },
    );
  });
  it('refuse metrics whose days never begin together', () => {
    const berlin = shape('Europe/Berlin', 'day', null);
    const tokyo = shape('Asia/Tokyo', 'day', null);
    expect(() =>
      alignDown({ ...berlin, grids: [...berlin.grids, ...tokyo.grids] }, at('2026-11-26T13:20:00Z')),
    ).toThrow('no common bucket edges');
  });
  it('say the local time in a way that every column type reads rightly', () => {
    const zone = shape('Europe/Berlin', null, null).zone;
    expect(edgeOf(zone, at('2026-11-21T23:00:00Z'))).toEqual({
      local: '2026-11-22T00:00:00.000+01:00',
      utc: '2026-11-21T23:00:00.000Z',
      date: '2026-11-22',
      epochMs: at('2026-11-21T23:00:00Z'),
    });
    expect(edgeOf(zone, Number.NEGATIVE_INFINITY).utc).toBe('1000-01-01T00:00:00.000Z');
  });
});

describe('a plan', () => {
  it('of a first run without start reads one period and the lookback', () => {
    const plan = planLive(shape('UTC', 'day', 'P1D'), at('2026-11-26T13:20:00Z'), null, 'window');
    expect([iso(plan.from), iso(plan.to)]).toEqual(['2026-11-24T00:00:00.000Z', '2026-11-26T00:00:00.000Z']);
  });
  it('cuts a span into windows that touch, whole, and not too many', () => {
    const one = shape('Europe/Berlin', 'day', 'P1D');
    const span = { from: alignDown(one, at('1990-01-01T12:00:00Z')), to: alignDown(one, at('2026-11-26T13:20:00Z')) };
    const windows = cut(one, span);
    expect(windows.length).toBeLessThanOrEqual(220);
    expect(windows[0]?.from).toBe(span.from);
    expect(windows.at(-1)?.to).toBe(span.to);
    for (const [index, window] of windows.entries()) {
      expect(window.from).toBe(index === 0 ? span.from : windows[index - 1]?.to);
      expect(alignDown(one, window.to)).toBe(window.to);
    }
  });
});
