import { useEffect, useMemo, useRef } from 'preact/hooks';
import { choicesOf, isFiltering, keep, NO_FILTER } from '../model/filter.ts';
import { rowsOf } from '../model/rows.ts';
import { standingCounts } from '../model/standing.ts';
import { countNodes } from '../model/tree.ts';
import type { Store } from '../store.ts';
import { Alerts } from './alerts.tsx';
import { Detail } from './detail.tsx';
import { Filters } from './filters.tsx';
import { Header } from './header.tsx';
import { StoreContext, useStoreState } from './hooks.ts';
import { Boundary, NothingDefined, NothingFound, Problem } from './states.tsx';
import { Treegrid } from './treegrid.tsx';

export function App({ store }: { readonly store: Store }) {
  const state = useStoreState(store);
  const { nodes, place, tree, error, toggled, isLoading } = state;
  const { filter, selected } = place;
  const list = useRef<HTMLElement>(null);
  const total = useMemo(() => countNodes(nodes), [nodes]);
  const rows = useMemo(
    () => rowsOf(keep(nodes, filter), { toggled, total, all: isFiltering(filter) }),
    [nodes, filter, toggled, total],
  );
  const choices = useMemo(() => choicesOf(nodes), [nodes]);
  const counts = useMemo(() => standingCounts(nodes), [nodes]);
  const open = (subject: string): void => store.go({ selected: subject });
  const close = (): void => {
    store.go({ selected: null });
    focusRow(list.current, selected);
  };
  useEffect(() => {
    document.title = titleOf(counts);
  }, [counts]);
  return (
    <StoreContext.Provider value={store}>
      <button type="button" class="skip" onClick={() => focusRow(list.current, null)}>
        To the table
      </button>
      <Header store={store} state={state} />
      <main class={selected === null ? 'page' : 'page has-detail'}>
        <section class="list" ref={list} aria-label="What is on track">
          {error === null ? null : <Problem error={error} onRetry={() => void store.reload()} />}
          {tree === null && isLoading ? <Loading /> : null}
          {tree !== null && total === 0 ? <NothingDefined /> : null}
          {total === 0 || tree === null ? null : (
            <>
              <Alerts alerts={state.alerts} nodes={nodes} isAlone={selected === null} onOpen={open} />
              <Filters
                filter={filter}
                choices={choices}
                counts={counts}
                cycles={tree.meta.cycles}
                cycle={tree.data.cycle?.name ?? null}
                shown={rows.filter(({ isContext }) => !isContext).length}
                total={total}
                onFilter={(change) => store.filter(change)}
                onCycle={(cycle) => store.go({ cycle })}
              />
              {rows.length === 0 ? (
                <NothingFound onClear={() => store.filter({ ...NO_FILTER, order: filter.order })} />
              ) : (
                <Boundary what="The table">
                  <Treegrid
                    rows={rows}
                    now={state.now}
                    selected={selected}
                    label={`Objectives and KPIs${tree.data.cycle === null ? '' : ` of ${tree.data.cycle.name}`}`}
                    isBusy={isLoading}
                    onToggle={(ids) => store.toggle(ids)}
                    onOpen={open}
                  />
                </Boundary>
              )}
            </>
          )}
        </section>
        {selected === null || (tree === null && error === null) ? null : (
          <Boundary key={`around ${selected}`} what="The detail">
            <Detail key={selected} subject={selected} state={state} onOpen={open} onClose={close} />
          </Boundary>
        )}
      </main>
    </StoreContext.Provider>
  );
}

function Loading() {
  return (
    <p class="notice" role="status">
      Reading the status …
    </p>
  );
}

/** The tab says how things stand while one works elsewhere. */
function titleOf(counts: ReturnType<typeof standingCounts>): string {
  const bad = counts.filter(({ standing }) => ['missed', 'off_track', 'at_risk'].includes(standing));
  const sum = bad.reduce((all, { count }) => all + count, 0);
  return sum === 0 ? 'Paceline' : `(${sum}) Paceline`;
}

function focusRow(list: HTMLElement | null, subject: string | null): void {
  // After the next drawing: behind a detail view the table may not be in sight yet.
  requestAnimationFrame(() => {
    const rows = [...(list?.querySelectorAll<HTMLElement>('[data-id]') ?? [])];
    const row = rows.find(({ dataset }) => dataset.id === subject) ?? rows[0];
    row?.focus();
  });
}
