import { instantWords } from '../model/format.ts';
import { isNow, type State, type Store } from '../store.ts';
import { MomentPicker } from './moment.tsx';

const CONNECTION_WORDS = {
  connecting: 'connecting',
  live: 'live',
  polling: 'every 10 s',
  lost: 'no answer',
} as const;

export function Header({ store, state }: { readonly store: Store; readonly state: State }) {
  const { tree, place, connection } = state;
  const isLive = isNow(place.moment);
  return (
    <header class="top">
      <div class="brand">
        <svg width="22" height="22" viewBox="0 0 16 16" aria-hidden="true">
          <rect width="16" height="16" rx="4" fill="var(--accent)" />
          <path d="M3 12 13 4" stroke="#fff" stroke-opacity=".6" stroke-width="1.3" stroke-dasharray="2 1.5" />
          <path d="m3 12 3-3 2 1 5-6" fill="none" stroke="#fff" stroke-width="2" />
        </svg>
        <h1>Paceline</h1>
        {tree === null ? null : <span class="workspace">{tree.meta.workspace}</span>}
      </div>
      <div class="top-end">
        {tree === null ? null : (
          <span class="as-of">
            {isLive ? 'Last record' : 'As of'} {instantWords(tree.meta.asOf)} UTC
          </span>
        )}
        {isLive ? (
          <span class={`connection connection-${connection}`} role="status">
            {CONNECTION_WORDS[connection]}
          </span>
        ) : null}
        <MomentPicker store={store} state={state} />
      </div>
    </header>
  );
}
