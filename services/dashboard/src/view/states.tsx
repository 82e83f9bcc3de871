import { Component, type ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { ApiError } from '../api.ts';
import { useStore } from './hooks.ts';

/** What went wrong, in the server's words, and what to do. */
export function Problem({ error, onRetry }: { readonly error: ApiError; readonly onRetry: () => void }) {
  return (
    <section class="notice notice-bad" role="alert">
      <h2>{error.message}</h2>
      {error.remedy === null ? null : <p>{error.remedy}</p>}
      {error.code === 'unauthorized' ? <KeyForm /> : null}
      <p class="notice-foot">
        <button type="button" class="button" onClick={onRetry}>
          Try again
        </button>
        <code>{error.code}</code>
      </p>
    </section>
  );
}

function KeyForm() {
  const store = useStore();
  const [key, setKey] = useState('');
  const [refused, setRefused] = useState<string | null>(null);
  return (
    <form
      class="key-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (key.trim() === '') return;
        store
          .openSession(key.trim())
          .catch((error: unknown) => setRefused(error instanceof Error ? error.message : String(error)));
      }}
    >
      <label>
        Key with the scope read
        <input type="password" autocomplete="off" value={key} onInput={(event) => setKey(event.currentTarget.value)} />
      </label>
      <button type="submit" class="button button-strong">
        Show the numbers
      </button>
      {refused === null ? null : <p role="alert">{refused}</p>}
    </form>
  );
}

/** A workspace without anything to judge. */
export function NothingDefined() {
  return (
    <section class="notice">
      <h2>Nothing is judged yet</h2>
      <p>Paceline needs to know what counts as on track. Begin with an example and make it yours:</p>
      <pre>
        <code>{'paceline init goals\npaceline apply --dir goals\npaceline push METRIC FILE.csv --dir goals'}</code>
      </pre>
      <p>The first rows appear here by themselves.</p>
    </section>
  );
}

export function NothingFound({ onClear }: { readonly onClear: () => void }) {
  return (
    <section class="notice" role="status">
      <h2>No row matches the filters</h2>
      <p>
        <button type="button" class="button" onClick={onClear}>
          Clear the filters
        </button>
      </p>
    </section>
  );
}

interface BoundaryProps {
  readonly what: string;
  readonly children: ComponentChildren;
}

/** A part that cannot be drawn must not take the page with it. */
export class Boundary extends Component<BoundaryProps, { readonly failure: string | null }> {
  override state = { failure: null };

  static override getDerivedStateFromError(error: unknown): { failure: string } {
    return { failure: error instanceof Error ? error.message : String(error) };
  }

  override render({ what, children }: BoundaryProps) {
    const { failure } = this.state;
    if (failure === null) return children;
    return (
      <section class="notice notice-bad" role="alert">
        <h2>{what} cannot be drawn</h2>
        <p>{failure}. Load the page again; if that does not help, report it.</p>
      </section>
    );
  }
}
