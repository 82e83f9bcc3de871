export interface DueTimer {
  readonly at: number;
  readonly run: () => void;
  cancel(): void;
}

class Held implements DueTimer {
  readonly at: number;
  readonly run: () => void;
  readonly sequence: number;
  /** In the heap; -1 once it is out of it. */
  place: number;
  readonly #timers: DueTimers;

  constructor(timers: DueTimers, at: number, run: () => void, sequence: number) {
    this.#timers = timers;
    this.at = at;
    this.run = run;
    this.sequence = sequence;
    this.place = timers.size;
  }

  cancel(): void {
    this.#timers.take(this);
  }
}

/** Timers by when they are due, then by when they were set: a binary heap, as a simulation sets hundreds of thousands. */
export class DueTimers {
  readonly #heap: Held[] = [];
  #sequence = 0;

  get size(): number {
    return this.#heap.length;
  }

  get first(): DueTimer | undefined {
    return this.#heap[0];
  }

  add(at: number, run: () => void): DueTimer {
    const timer = new Held(this, at, run, this.#sequence++);
    this.#heap.push(timer);
    this.#rise(timer);
    return timer;
  }

  /** Takes a timer out, once. */
  take(timer: Held): void {
    const { place } = timer;
    if (place < 0) return;
    timer.place = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === timer) return;
    this.#put(last, place);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(timer: Held): void {
    for (;;) {
      const { place } = timer;
      const above = this.#heap[(place - 1) >> 1];
      if (place === 0 || above === undefined || isBefore(above, timer)) return;
      this.#put(timer, above.place);
      this.#put(above, place);
    }
  }

  #sink(timer: Held): void {
    for (;;) {
      const { place } = timer;
      const [left, right] = [this.#heap[2 * place + 1], this.#heap[2 * place + 2]];
      const below = left !== undefined && right !== undefined && isBefore(right, left) ? right : left;
      if (below === undefined || isBefore(timer, below)) return;
      this.#put(timer, below.place);
      this.#put(below, place);
    }
  }

  #put(timer: Held, place: number): void {
    timer.place = place;
    this.#heap[place] = timer;
  }
}

function isBefore(left: Held, right: Held): boolean {
  return left.at < right.at || (left.at === right.at && left.sequence < right.sequence);
}
