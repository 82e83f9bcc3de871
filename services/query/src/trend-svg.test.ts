import { describe, expect, it } from 'vitest';
import type { TrendRow } from './trend-rows.ts';
import { trendSvg } from './trend-svg.ts';

const DAY = 86_400_000;

function row(day: number, value: string | null, more: Partial<TrendRow> = {}): TrendRow {
  const from = Date.UTC(2026, 10, 1) + day * DAY;
  return {
    bucket: new Date(from).toISOString().slice(0, 10),
    from: new Date(from).toISOString(),
    to: new Date(from + DAY).toISOString(),
    value,
    count: 1,
    final: true,
    ...more,
  };
}

const RISING = [row(0, '100'), row(1, '150'), row(2, '200')];

describe('a trend as SVG', () => {
  it('draws the values from the first window to the last', () => {
    const svg = trendSvg({ title: 'Revenue', unit: 'EUR', rows: RISING });
    expect(svg).toContain('<path d="M76 216L350 134L624 52"');
    expect(svg).toContain('>2026-11-01</text>');
    expect(svg).toContain('>2026-11-03</text>');
  });

  it('says in words what it shows, for those who do not see it', () => {
    const rows = [...RISING.slice(0, 2), row(2, '200', { verdict: 'at_risk' })];
    const svg = trendSvg({ title: 'Revenue', unit: 'EUR', rows });
    expect(svg).toContain('role="img"');
    expect(svg).toContain('<title>Revenue</title>');
    expect(svg).toContain('<desc>Revenue: from 100 EUR (2026-11-01) to 200 EUR (2026-11-03); at risk</desc>');
    expect(svg).toContain('▲ at risk</text>');
  });

  it('holds nothing that runs, styles or loads, whatever it is called', () => {
    const title = `</text><script>alert("1")</script>&'\u0000\ud800`;
    const rows = [
      row(0, '1', { dimensions: { region: '<img src=x onerror=alert(1)>' } }),
      row(0, '2', { dimensions: {} }),
    ];
    const svg = trendSvg({ title, unit: '<b>', rows });
    expect(svg).not.toMatch(/<(script|style|img|b)\b|href|url\(/);
    expect(svg).not.toMatch(/[\p{Cc}\p{Cs}](?!$)/u);
    expect(svg).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;');
  });

  it('shows the target as a line, and the pace line only where it is another one', () => {
    const judged = (expectedValue: string) => [
      row(0, '1', { target: '9', expectedValue }),
      row(1, '2', { target: '9', expectedValue }),
    ];
    expect(trendSvg({ title: 'a', unit: null, rows: judged('4') })).toContain('>expected by pace</text>');
    const level = trendSvg({ title: 'a', unit: null, rows: judged('9') });
    expect(level).toContain('>target</text>');
    expect(level).not.toContain('expected by pace');
  });

  it('shades the range that is to be kept', () => {
    const rows = [
      row(0, '71', { targetLow: '68', targetHigh: '76' }),
      row(1, '72', { targetLow: '68', targetHigh: '76' }),
    ];
    expect(trendSvg({ title: 'Margin', unit: '%', rows })).toContain('fill-opacity=".13"');
  });

  it('draws a goal by its progress in percent', () => {
    const rows = [row(0, null, { progress: 0.25, expected: 0.5 }), row(1, null, { progress: 0.5, expected: 0.6 })];
    expect(trendSvg({ title: 'Goal', unit: null, rows })).toContain('from 25 % (2026-11-01) to 50 % (2026-11-02)');
  });

  it('leaves the last point hollow while its number may still change', () => {
    const rows = [row(0, '1'), row(1, '2', { final: false })];
    expect(trendSvg({ title: 'a', unit: null, rows })).toContain('r="3.5" fill="#ffffff"');
  });

  it('tells groups apart by dashes, and says how many it left out', () => {
    const rows = Array.from({ length: 9 }, (_, index) =>
      row(0, String(index), { dimensions: { region: `r${index}` } }),
    );
    const svg = trendSvg({ title: 'a', unit: null, rows });
    expect(svg).toContain('>region r1</text>');
    expect(svg).toContain('stroke-dasharray="6 3"');
    expect(svg).toContain('>3 more not drawn</text>');
  });

  it('says so where there are no values', () => {
    for (const rows of [[], [row(0, null)]]) {
      expect(trendSvg({ title: 'a', unit: null, rows })).toContain('No values in this range');
    }
  });

  it('draws a single value, a level one and a huge one', () => {
    for (const rows of [[row(0, '5')], [row(0, '5'), row(1, '5')], [row(0, '9'.repeat(29)), row(1, '-0.000000001')]]) {
      const svg = trendSvg({ title: 'a', unit: null, rows });
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      expect(svg).toContain('<circle');
    }
  });

  it('stays small however many windows there are', () => {
    const rows = Array.from({ length: 20_000 }, (_, day) => row(day % 20_000, String(day % 97)));
    expect(trendSvg({ title: 'a', unit: null, rows }).length).toBeLessThan(40_000);
  });

  it('cuts a long title rather than the picture', () => {
    const svg = trendSvg({ title: 'x'.repeat(300), unit: null, rows: RISING });
    expect(svg).toContain(`>${'x'.repeat(51)}…</text>`);
  });
});
