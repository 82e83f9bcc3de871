const EVERY_MS = 10_000;

/** How far a run of seeds has come. Threads play them side by side, so they end out of order. */
export class Progress {
  /** All seeds before it are played: where another run can go on. */
  next: number;
  readonly #first: number;
  readonly #count: number;
  readonly #now: () => number;
  readonly #began: number;
  #shown: number;
  #played = 0;
  readonly #ahead = new Set<number>();

  constructor(first: number, count: number, now: () => number) {
    this.next = first;
    this.#first = first;
    this.#count = count;
    this.#now = now;
    this.#began = now();
    this.#shown = this.#began;
  }

  get elapsedMs(): number {
    return this.#now() - this.#began;
  }

  /** A line now and then, else `null`. */
  played(seed: number): string | null {
    this.#played++;
    this.#ahead.add(seed);
    while (this.#ahead.delete(this.next)) this.next++;
    const now = this.#now();
    if (now - this.#shown < EVERY_MS) return null;
    this.#shown = now;
    const perSecond = (1_000 * this.#played) / this.elapsedMs;
    const left = this.#count - this.#played;
    return `${this.#played} of ${this.#count} seeds, ${perSecond.toFixed(1)} a second, ${spanText(left / perSecond)} left; all from ${this.#first} to ${this.next - 1} are played`;
  }
}

function spanText(seconds: number): string {
  const rounded = Math.ceil(seconds);
  return rounded < 60 ? `${rounded} s` : `${Math.floor(rounded / 60)} min ${rounded % 60} s`;
}
