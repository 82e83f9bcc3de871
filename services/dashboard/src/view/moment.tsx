import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { type Moment, stepped } from '../model/place.ts';
import { isNow, type State, type Store } from '../store.ts';

type Knowing = 'then' | 'today' | 'other';

const STEPS = [
  { label: '−1 month', unit: 'month', count: -1 },
  { label: '−1 week', unit: 'week', count: -1 },
  { label: '−1 day', unit: 'day', count: -1 },
  { label: '+1 day', unit: 'day', count: 1 },
  { label: '+1 week', unit: 'week', count: 1 },
  { label: '+1 month', unit: 'month', count: 1 },
] as const;

/** Lets one look at the numbers as of any instant, with what was known by any other. */
export function MomentPicker({ store, state }: { readonly store: Store; readonly state: State }) {
  const { moment } = state.place;
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const panel = useId();
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <div class="moment">
      <button
        ref={button}
        type="button"
        class="button"
        aria-expanded={isOpen}
        aria-controls={panel}
        onClick={() => setOpen(!isOpen)}
      >
        {isNow(moment) ? 'As of now' : 'Another moment'}
      </button>
      {isNow(moment) ? null : (
        <button
          type="button"
          class="button button-strong"
          onClick={() => store.go({ moment: { asOf: null, knownAt: null } })}
        >
          Back to now
        </button>
      )}
      {isOpen ? (
        <div id={panel} class="panel moment-panel">
          <MomentForm
            moment={moment}
            shown={state.tree?.meta.asOf ?? null}
            onPick={(picked, stay) => {
              store.go({ moment: picked });
              if (!stay) close();
            }}
            onClose={close}
          />
        </div>
      ) : null}
    </div>
  );
}

interface FormProps {
  readonly moment: Moment;
  /** Of the answer in sight. */
  readonly shown: string | null;
  readonly onPick: (moment: Moment, stay: boolean) => void;
  readonly onClose: () => void;
}

function MomentForm({ moment, shown, onPick, onClose }: FormProps) {
  const start = moment.asOf ?? moment.knownAt ?? shown ?? '';
  const [asOf, setAsOf] = useState(localText(start));
  const [knowing, setKnowing] = useState<Knowing>(knowingOf(moment));
  const [knownAt, setKnownAt] = useState(localText(moment.knownAt ?? start));
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  useEffect(() => setAsOf(localText(start)), [start]);
  const pick = (at: string, stay: boolean): void => {
    const other = isoText(knownAt);
    onPick({ asOf: at, knownAt: knowing === 'then' ? at : knowing === 'today' ? null : other }, stay);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const at = isoText(asOf);
        if (at !== null) pick(at, false);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose();
      }}
    >
      <label>
        As of <span class="quiet">({zoneName()})</span>
        <input
          ref={first}
          type="datetime-local"
          required
          value={asOf}
          onInput={(event) => setAsOf(event.currentTarget.value)}
        />
      </label>
      <div class="steps" role="group" aria-label="Step and show">
        {STEPS.map(({ label, unit, count }) => (
          <button
            key={label}
            type="button"
            class="button button-small"
            onClick={() => {
              const at = isoText(asOf);
              if (at !== null) pick(stepped(at, { unit, count }), true);
            }}
          >
            {label}
          </button>
        ))}
      </div>
      <fieldset>
        <legend>With what was known</legend>
        <label class="choice">
          <input type="radio" name="knowing" checked={knowing === 'then'} onChange={() => setKnowing('then')} />
          by then: what one would have seen that day
        </label>
        <label class="choice">
          <input type="radio" name="knowing" checked={knowing === 'today'} onChange={() => setKnowing('today')} />
          by now: with later values and corrections
        </label>
        <label class="choice">
          <input type="radio" name="knowing" checked={knowing === 'other'} onChange={() => setKnowing('other')} />
          by another instant
        </label>
        {knowing === 'other' ? (
          <label>
            Known at
            <input
              type="datetime-local"
              required
              value={knownAt}
              onInput={(event) => setKnownAt(event.currentTarget.value)}
            />
          </label>
        ) : null}
      </fieldset>
      <div class="panel-foot">
        <button type="submit" class="button button-strong">
          Show
        </button>
        <button type="button" class="button" onClick={onClose}>
          Close
        </button>
      </div>
    </form>
  );
}

function knowingOf({ asOf, knownAt }: Moment): Knowing {
  if (asOf === null && knownAt === null) return 'then';
  if (knownAt === null) return 'today';
  return asOf === null || asOf === knownAt ? 'then' : 'other';
}

function zoneName(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** What a field of date and time shows for an instant, in the reader's own zone, to the minute. */
function localText(iso: string): string {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return '';
  const shifted = at - new Date(at).getTimezoneOffset() * 60_000;
  return new Date(shifted).toISOString().slice(0, 16);
}

function isoText(local: string): string | null {
  const at = Date.parse(local);
  return Number.isNaN(at) ? null : new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}
