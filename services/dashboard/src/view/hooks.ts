import { createContext } from 'preact';
import { useContext, useEffect, useMemo, useReducer, useRef, useState } from 'preact/hooks';
import { type Asked, sparkAsked, trendKey } from '../model/asked.ts';
import type { Moment } from '../model/place.ts';
import type { State, Store } from '../store.ts';
import type { Trend, Trends } from '../trends.ts';
import type { Evaluation, TrendAnswer } from '../wire.ts';

export const StoreContext = createContext<Store | null>(null);

export function useStore(): Store {
  const store = useContext(StoreContext);
  if (store === null) throw new Error('a view is drawn outside the page');
  return store;
}

/** The state, drawn again whenever it changes. */
export function useStoreState(store: Store): State {
  const [, again] = useReducer((count: number) => count + 1, 0);
  useEffect(() => store.subscribe(() => again(undefined)), [store]);
  return store.state;
}

/** The trend of a row; while a newer one is under way the last one stays. */
export function useSpark(evaluation: Evaluation | null): TrendAnswer | null {
  const asked = useMemo(() => (evaluation === null ? null : sparkAsked(evaluation)), [evaluation]);
  const trend = useTrend(useStore().trends, asked, evaluation);
  const last = useRef<TrendAnswer | null>(null);
  if (trend?.state === 'ready') last.current = trend.answer;
  return last.current;
}

export function useTrend(trends: Trends, asked: Asked | null, evaluation: Evaluation | null): Trend | null {
  const store = useStore();
  const { moment } = store.state.place;
  const key = asked === null || evaluation === null ? null : trendKey(asked, evaluation, moment);
  const [, again] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    if (key === null || asked === null) return;
    const load = (signal: AbortSignal): Promise<TrendAnswer> => store.api.trend(asked, moment, signal);
    return trends.want(key, load, () => again(undefined));
    // The key holds all of what is asked.
  }, [store, key]);
  return key === null ? null : (trends.get(key) ?? { state: 'waiting' });
}

export type Answer<Value> =
  | { readonly state: 'waiting' }
  | { readonly state: 'ready'; readonly value: Value }
  | { readonly state: 'failed'; readonly error: unknown };

/** Asks once per key; what was asked before is dropped. */
export function useAnswer<Value>(key: string, load: (signal: AbortSignal) => Promise<Value>): Answer<Value> {
  const [answer, setAnswer] = useState<Answer<Value>>({ state: 'waiting' });
  useEffect(() => {
    const asking = new AbortController();
    const settle = (next: Answer<Value>): void => {
      if (!asking.signal.aborted) setAnswer(next);
    };
    load(asking.signal).then(
      (value) => settle({ state: 'ready', value }),
      (error: unknown) => settle({ state: 'failed', error }),
    );
    return () => asking.abort();
  }, [key]);
  return answer;
}

export function momentKey({ asOf, knownAt }: Moment): string {
  return `${asOf ?? ''}|${knownAt ?? ''}`;
}

/** Whether a media query holds, now and later. */
export function useMedia(query: string): boolean {
  const media = useMemo(() => window.matchMedia(query), [query]);
  const [holds, setHolds] = useState(media.matches);
  useEffect(() => {
    const listen = (): void => setHolds(media.matches);
    listen();
    media.addEventListener('change', listen);
    return () => media.removeEventListener('change', listen);
  }, [media]);
  return holds;
}
