import type { Verdict } from '@paceline/domain/evaluation';
import { VERDICT_LOOK } from '@paceline/domain/look';
import { toneOf } from '../model/standing.ts';
import type { Freshness } from '../model/tree.ts';
import type { Evaluation } from '../wire.ts';

/** The shapes of `VERDICT_LOOK`, drawn: fonts differ in which of the characters they have. In a box of 12 by 12. */
const FILLED: Partial<Record<Verdict, string>> = {
  achieved: 'M6 .6 7.6 4.2l3.9.4-2.9 2.6.8 3.9L6 9.1 2.6 11.1l.8-3.9L.5 4.6l3.9-.4Z',
  on_track: 'M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1Z',
  at_risk: 'M6 .8 11.6 11H.4Z',
  off_track: 'M1.2 1.2h9.6v9.6H1.2Z',
};
const STROKED: Partial<Record<Verdict, string>> = {
  missed: 'M2 2l8 8M10 2l-8 8',
  not_started: 'M6 1.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9Z',
  no_data: 'M6 1.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM2 10l8-8',
  no_target: 'M3.5 3.8c0-3.4 5-3.4 5 0C8.5 5.8 6 5.6 6 7.6M6 10.2v.3',
  insufficient_data: 'M1.9 6h.01M6 6h.01M10.1 6h.01',
};

export function Shape({ verdict, size = 12 }: { readonly verdict: Verdict; readonly size?: number }) {
  const [filled, stroked] = [FILLED[verdict], STROKED[verdict]];
  return (
    <svg class="shape" width={size} height={size} viewBox="0 0 12 12" aria-hidden="true" focusable="false">
      {filled === undefined ? null : <path d={filled} fill="currentColor" />}
      {stroked === undefined ? null : (
        <path d={stroked} fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" />
      )}
    </svg>
  );
}

/** A verdict by shape, words and colour. */
export function Chip({ evaluation, freshness }: { readonly evaluation: Evaluation; readonly freshness: Freshness }) {
  const { verdict, provisional } = evaluation;
  return (
    <span class={`chip tone-${toneOf(evaluation, freshness)}`}>
      <Shape verdict={verdict} />
      <span>{VERDICT_LOOK[verdict].text}</span>
      {provisional ? (
        <span class="chip-note" title="Part of the data is not complete yet">
          provisional
        </span>
      ) : null}
    </span>
  );
}
