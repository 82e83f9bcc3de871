/**
 * How much memory the cells of all workspaces of a process may take together. One may take all that the others leave; once
 * nothing is left, whoever holds more than an equal part gives back as it goes on. So all together hold at most twice the budget.
 */
export class CellBudget {
  readonly #bytesMax: number;
  readonly #shares = new Map<string, CellShare>();
  /** Taken by all. */
  bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** A new share of the workspace; what it held before is given back. */
  share(workspace: string): CellShare {
    this.leave(workspace);
    const share = new CellShare(this);
    this.#shares.set(workspace, share);
    return share;
  }

  leave(workspace: string): void {
    this.#shares.get(workspace)?.end();
    this.#shares.delete(workspace);
  }

  /** What somebody who holds `own` must give back. */
  over(own: number): number {
    return Math.min(this.bytes - this.#bytesMax, own - this.#bytesMax / Math.max(1, this.#shares.size));
  }
}

/** What one workspace holds. */
export class CellShare {
  readonly #budget: CellBudget;
  #bytes = 0;
  #ended = false;

  constructor(budget: CellBudget) {
    this.#budget = budget;
  }

  /** Takes bytes, or gives some back. */
  add(bytes: number): void {
    if (this.#ended) return;
    this.#bytes += bytes;
    this.#budget.bytes += bytes;
  }

  /** Bytes to give back; none when not positive. */
  get over(): number {
    return this.#budget.over(this.#bytes);
  }

  end(): void {
    this.add(-this.#bytes);
    this.#ended = true;
  }
}
