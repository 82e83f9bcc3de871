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
