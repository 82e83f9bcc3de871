import type { Clock } from './clock.ts';

/** Failures of what is tried again come back well within it. */
const WHILE_MS = 15_000;

/** What failed a moment ago, for health. Failures repeat while their cause lasts, so silence means that it is gone. */
export class Trouble {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #told: { readonly at: number; readonly message: string } | null = null;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** `null` when all is well. */
  get message(): string | null {
    const told = this.#told;
    return told !== null && this.#clock.monotonic() - told.at < WHILE_MS ? told.message : null;
  }

  tell(message: string): void {
    this.#told = { at: this.#clock.monotonic(), message };
  }

  /** It is known to work again. */
  clear(): void {
    this.#told = null;
  }
}
