/** Runs one task at a time, in order of asking. A task that fails fails alone. */
export class Serial {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Tasks running or waiting. */
  get busy(): number {
    return this.#waiting;
  }

  run<Result>(task: () => Promise<Result>): Promise<Result> {
    this.#waiting++;
    const run = this.#tail.then(task).finally(() => {
      this.#waiting--;
    });
    this.#tail = run.catch(() => undefined);
    return run;
  }

  /** Resolves when everything asked for so far has ended. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}

/** Work in pieces, one of which is under way while the next is prepared. */
export class OneAhead {
  #underWay: Promise<void> = Promise.resolve();

  /** Begins a piece once the one before has ended; rejects as that one did. */
  async begin(work: () => Promise<void>): Promise<void> {
    await this.end();
    this.#underWay = work();
    // Whoever calls `end` is told; until then it must not count as forgotten.
    this.#underWay.catch(() => undefined);
  }

  /** Resolves when nothing is under way; rejects as the last piece did. */
  async end(): Promise<void> {
    const last = this.#underWay;
    this.#underWay = Promise.resolve();
    await last;
  }
}
