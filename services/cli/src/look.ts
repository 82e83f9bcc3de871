import type { Verdict } from '@paceline/domain';
import type { Tone } from './output.ts';

/** How a verdict looks where only text can be shown: a shape, words and a tone, never colour alone. */
export const VERDICT_LOOK: Readonly<
  Record<Verdict, { readonly symbol: string; readonly text: string; readonly tone: Tone }>
> = {
  achieved: { symbol: '★', text: 'achieved', tone: 'green' },
  on_track: { symbol: '●', text: 'on track', tone: 'green' },
  at_risk: { symbol: '▲', text: 'at risk', tone: 'yellow' },
  off_track: { symbol: '■', text: 'off track', tone: 'red' },
  missed: { symbol: '✖', text: 'missed', tone: 'red' },
  not_started: { symbol: '○', text: 'not started', tone: 'gray' },
  no_data: { symbol: '∅', text: 'no data', tone: 'gray' },
  no_target: { symbol: '?', text: 'no target', tone: 'gray' },
  insufficient_data: { symbol: '…', text: 'too little data', tone: 'gray' },
};

/** `1234567.891` → `1,234,567.891`; long fractions are cut to three digits for reading. */
export function readable(decimal: string | null): string {
  if (decimal === null) return '';
  const [whole = '', fraction = ''] = decimal.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  const shown = fraction.slice(0, 3).replace(/0+$/, '');
  return shown === '' ? grouped : `${grouped}.${shown}`;
}

export function percent(ratio: number | null): string {
  return ratio === null ? '' : `${Math.floor(ratio * 100 + 1e-9)} %`;
}

/** Freshness as of now from the two instants an evaluation carries, so a dead pipeline turns stale by itself. */
export function freshnessNow(
  lateAt: string | null,
  staleAt: string | null,
  nowMs: number,
): '' | 'fresh' | 'late' | 'stale' {
  if (lateAt === null || staleAt === null) return '';
  if (nowMs > Date.parse(staleAt)) return 'stale';
  return nowMs > Date.parse(lateAt) ? 'late' : 'fresh';
}
