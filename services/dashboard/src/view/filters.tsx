import { VERDICT_LOOK } from '@paceline/domain/look';
import { type Choices, type Filter, isFiltering, NO_FILTER } from '../model/filter.ts';
import { type Standing, standingWords } from '../model/standing.ts';
import type { Cycle } from '../wire.ts';
import { Shape } from './shape.tsx';

export interface FiltersProps {
  readonly filter: Filter;
  readonly choices: Choices;
  readonly counts: readonly { readonly standing: Standing; readonly count: number }[];
  readonly cycles: readonly Cycle[];
  readonly cycle: string | null;
  readonly shown: number;
  readonly total: number;
  readonly onFilter: (change: Partial<Filter>) => void;
  readonly onCycle: (cycle: string) => void;
}

export function Filters({ filter, choices, counts, cycles, cycle, shown, total, onFilter, onCycle }: FiltersProps) {
  return (
    <section class="filters" aria-label="Filters">
      <div class="counts" role="group" aria-label="Show only one verdict">
        {counts.map(({ standing, count }) => {
          const isOn = filter.standing === standing;
          return (
            <button
              key={standing}
              type="button"
              class={`count tone-${standing === 'stale' ? 'gray' : VERDICT_LOOK[standing].tone}`}
              aria-pressed={isOn}
              onClick={() => onFilter({ standing: isOn ? null : standing })}
            >
              {standing === 'stale' ? <span class="stale-mark" aria-hidden="true" /> : <Shape verdict={standing} />}
              <b>{count}</b> {standingWords(standing)}
            </button>
          );
        })}
      </div>
      <div class="fields">
        <label class="field field-wide">
          <span>Find</span>
          <input
            type="search"
            placeholder="title, owner, unit"
            value={filter.text}
            onInput={(event) => onFilter({ text: event.currentTarget.value })}
          />
        </label>
        <Select label="Unit" value={filter.unit} options={choices.units} onPick={(unit) => onFilter({ unit })} />
        <Select label="Owner" value={filter.owner} options={choices.owners} onPick={(owner) => onFilter({ owner })} />
        {cycles.length === 0 ? null : (
          <label class="field">
            <span>Cycle</span>
            <select value={cycle ?? ''} onChange={(event) => onCycle(event.currentTarget.value)}>
              {cycles.map(({ name }) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
        <label class="field">
          <span>Order</span>
          <select
            value={filter.order}
            onChange={(event) => onFilter({ order: event.currentTarget.value === 'worst' ? 'worst' : 'tree' })}
          >
            <option value="tree">as defined</option>
            <option value="worst">worst first</option>
          </select>
        </label>
        <p class="shown" role="status">
          {isFiltering(filter) ? `${shown} of ${total} rows` : `${total} rows`}
        </p>
        {isFiltering(filter) ? (
          <button type="button" class="button" onClick={() => onFilter({ ...NO_FILTER, order: filter.order })}>
            Clear
          </button>
        ) : null}
      </div>
    </section>
  );
}

interface SelectProps {
  readonly label: string;
  readonly value: string | null;
  readonly options: readonly string[];
  readonly onPick: (option: string | null) => void;
}

function Select({ label, value, options, onPick }: SelectProps) {
  return (
    <label class="field">
      <span>{label}</span>
      <select
        value={value ?? ''}
        onChange={(event) => onPick(event.currentTarget.value === '' ? null : event.currentTarget.value)}
      >
        <option value="">any</option>
        {options.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    </label>
  );
}
