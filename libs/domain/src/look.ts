import { VERDICT_WORDS } from './evaluate/words.ts';
import type { Freshness, Verdict } from './evaluation.ts';

export type Tone = 'green' | 'yellow' | 'red' | 'gray';

/** How a verdict looks on every surface: a shape, words and a tone, so that nothing hangs on colour alone. */
export const VERDICT_LOOK: Readonly<
  Record<Verdict, { readonly symbol: string; readonly text: string; readonly tone: Tone }>
> = {
  achieved: { symbol: '★', text: VERDICT_WORDS.achieved, tone: 'green' },
  on_track: { symbol: '●', text: VERDICT_WORDS.on_track, tone: 'green' },
  at_risk: { symbol: '▲', text: VERDICT_WORDS.at_risk, tone: 'yellow' },
  off_track: { symbol: '■', text: VERDICT_WORDS.off_track, tone: 'red' },
  missed: { symbol: '✖', text: VERDICT_WORDS.missed, tone: 'red' },
  not_started: { symbol: '○', text: VERDICT_WORDS.not_started, tone: 'gray' },
  no_data: { symbol: '∅', text: VERDICT_WORDS.no_data, tone: 'gray' },
  no_target: { symbol: '?', text: VERDICT_WORDS.no_target, tone: 'gray' },
  insufficient_data: { symbol: '…', text: VERDICT_WORDS.insufficient_data, tone: 'gray' },
};

/** Cut, never rounded up: 89.57 % must not read as 90 %. */
export function percent(ratio: number | null): string {
  return ratio === null ? '' : `${Math.floor(ratio * 100 + 1e-9)} %`;
}

/**
 * `1234567.8912` → `1,234,567.891`: a decimal for tables, cut to three places; of less than one, to three digits behind the zeros,
 * so that `0.0004` does not read as nothing. `''` for none.
 */
export function readable(decimal: string | null): string {
  if (decimal === null) return '';
  const [whole = '', fraction = ''] = decimal.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  const zeros = /^-?0$/.test(whole) ? (/^0*/.exec(fraction)?.[0].length ?? 0) : 0;
  const shown = fraction.slice(0, zeros + 3).replace(/0+$/, '');
  return shown === '' ? grouped : `${grouped}.${shown}`;
}

/** Freshness as of now from the two instants an evaluation carries, so a dead pipeline turns stale by itself. */
export function freshnessNow(lateAt: string | null, staleAt: string | null, nowMs: number): '' | Freshness {
  if (lateAt === null || staleAt === null) return '';
  if (nowMs > Date.parse(staleAt)) return 'stale';
  return nowMs > Date.parse(lateAt) ? 'late' : 'fresh';
}
