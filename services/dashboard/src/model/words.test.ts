import { describe, expect, it } from 'vitest';
import { evaluationOf } from '../fixture.ts';
import { NO_FILTER } from './filter.ts';
import { ageText, bucketWords, doubleText, rollupWords, valueWords, weightWords } from './format.ts';
import { type Place, placeFromUrl, placeToUrl, stepped } from './place.ts';
import { EventReader } from './sse.ts';

describe('words for people', () => {
  it('say a value and its target in its measure, and of goals their progress', () => {
    expect(valueWords(evaluationOf('kpi/a', { value: '912000' }), 'EUR')).toEqual({
      value: '912,000',
      target: '1,000',
      measure: 'EUR',
    });
    expect(valueWords(evaluationOf('kpi/a', { value: null }), 'EUR')).toMatchObject({ value: '–' });
    expect(valueWords(evaluationOf('kpi/a', { target: null, targetLow: '4', targetHigh: '6' }), null)).toMatchObject({
      target: '4 – 6',
    });
    expect(valueWords(evaluationOf('objective/a', { progress: 0.8957 }), null)).toEqual({
      value: '89 %',
      target: '100 %',
      measure: '',
    });
  });

  it('say how members add up', () => {
    const members = [1, 1].map((weight, index) => ({ subject: `key_result/a/${index}`, weight }));
    expect(rollupWords({ rule: 'mean', members })).toBe('mean of 2');
    expect(rollupWords({ rule: 'mean', members: [...members, { subject: 'c', weight: 3 }] })).toBe(
      'mean of 3, by weight',
    );
    expect(rollupWords({ rule: 'min', members })).toBe('weakest of 2');
    expect(rollupWords(null)).toBe('');
    expect(weightWords(2, 2 / 3)).toBe('weight 2 · 67 %');
    expect(weightWords(0, 0)).toBe('weight 0, counts in nothing');
  });

  it('say an age, cut', () => {
    expect(ageText(59_000)).toBe('just now');
    expect(ageText(3_599_000)).toBe('59 min old');
    expect(ageText(47 * 3_600_000)).toBe('47 h old');
    expect(ageText(12.9 * 86_400_000)).toBe('12 d old');
  });

  it('say a double without the noise of binary fractions', () => {
    expect(doubleText(0.1 + 0.2)).toBe('0.3');
    expect(doubleText(1_234_567.891)).toBe('1,234,568');
    expect(doubleText(1e-9)).not.toBe('');
  });

  it('say a day by its name and leave other buckets as they are', () => {
    expect(bucketWords('2026-11-20')).toBe('20 Nov');
    expect(bucketWords('2026-W47')).toBe('2026-W47');
  });
});

describe('the address of the page', () => {
  const place: Place = {
    moment: { asOf: '2026-11-01T00:00:00Z', knownAt: null },
    cycle: '2026-q4',
    filter: { ...NO_FILTER, text: 'a b', unit: 'sales', standing: 'stale', order: 'worst' },
    selected: 'key_result/grow/mrr',
  };

  it('holds all that is looked at', () => {
    const url = new URL(placeToUrl(place), 'http://localhost/');
    expect(placeFromUrl(url)).toEqual(place);
  });

  it('is plain when nothing is chosen', () => {
    const nothing = { moment: { asOf: null, knownAt: null }, cycle: null, filter: NO_FILTER, selected: null };
    expect(placeToUrl(nothing)).toBe('?');
  });

  it('may be wrong: what it does not know is passed over', () => {
    const found = placeFromUrl({ search: '?verdict=wonderful&as_of=tomorrow&order=best', hash: '#kpi/a%' });
    expect(found).toEqual({
      moment: { asOf: null, knownAt: null },
      cycle: null,
      filter: NO_FILTER,
      selected: 'kpi/a%',
    });
  });
});

describe('a step in time', () => {
  it('of a month keeps the day, or takes the last one', () => {
    expect(stepped('2026-03-31T06:00:00Z', { unit: 'month', count: -1 })).toBe('2026-02-28T06:00:00Z');
    expect(stepped('2026-12-15T06:00:00Z', { unit: 'month', count: 1 })).toBe('2027-01-15T06:00:00Z');
  });

  it('of days and weeks is as long as they are', () => {
    expect(stepped('2026-11-22T06:00:00.123Z', { unit: 'day', count: 1 })).toBe('2026-11-23T06:00:00Z');
    expect(stepped('2026-11-22T06:00:00Z', { unit: 'week', count: -1 })).toBe('2026-11-15T06:00:00Z');
  });
});

describe('server-sent events', () => {
  it('are put together from pieces cut anywhere', () => {
    const text = 'retry: 2000\n\nid: 7:0\nevent: status\ndata: {"a":\ndata: 1}\n\n: nothing new\n\ndata: x\r\n\r\n';
    for (let cut = 1; cut < text.length - 4; cut++) {
      const reader = new EventReader();
      expect([...reader.read(text.slice(0, cut)), ...reader.read(text.slice(cut))]).toEqual([
        { id: '7:0', name: 'status', data: '{"a":\n1}' },
        { id: '7:0', name: 'message', data: 'x' },
      ]);
    }
  });
});
