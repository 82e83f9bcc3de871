/** Numbers in one piece of memory, from `base` on. */
export interface Rows {
  readonly slab: Slab;
  readonly base: number;
  readonly size: number;
}

export class Slab {
  readonly numbers: Float64Array;
  readonly longs: BigInt64Array;
  readonly words: Int32Array;

  constructor(size: number) {
    const memory = new ArrayBuffer(size * 8);
    this.numbers = new Float64Array(memory);
    this.longs = new BigInt64Array(memory);
    this.words = new Int32Array(memory);
  }
}

/** The first is as large as what is asked for: many metrics have one short series. */
const SLAB_MAX = 32_768;
/** Pieces that are kept for others; those of series that grow side by side are one. */
const FREE_MAX = 32;

/**
 * Memory for the rows of one metric's series. A piece for each table costs more than all that is written into it; what a grown table
 * leaves is given to the next, and neighbours that are left become one, since series mostly grow side by side.
 */
export class RowMemory {
  #slab: Slab | undefined;
  #used = 0;
  /** Of all pieces, in numbers: the next one is as large again. */
  #size = 0;
  readonly #free: Rows[] = [];

  get bytes(): number {
    return this.#size * 8;
  }

  /** What is in it, others may have left there. */
  take(size: number): Rows {
    const at = this.#free.findIndex((left) => left.size >= size);
    if (at >= 0) {
      const { slab, base, size: all } = this.#free[at]!;
      if (all === size) this.#free.splice(at, 1);
      else this.#free[at] = { slab, base: base + size, size: all - size };
      return { slab, base, size };
    }
    let slab = this.#slab;
    if (slab === undefined || this.#used + size > slab.numbers.length) {
      slab = new Slab(Math.max(size, Math.min(SLAB_MAX, this.#size)));
      this.#slab = slab;
      this.#size += slab.numbers.length;
      this.#used = 0;
    }
    const base = this.#used;
    this.#used += size;
    return { slab, base, size };
  }

  give({ slab, base, size }: Rows): void {
    const last = this.#free.at(-1);
    if (last !== undefined && last.slab === slab && last.base + last.size === base)
      this.#free[this.#free.length - 1] = { slab, base: last.base, size: last.size + size };
    else if (this.#free.push({ slab, base, size }) > FREE_MAX) this.#free.shift();
  }
}
