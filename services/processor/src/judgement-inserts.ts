import { type Row, RowBatch } from '@paceline/store';
import type { WorkspaceDeps } from './options.ts';
import type { OneAhead } from './serial.ts';

/** Of a judgement, before one was seen. */
const ROW_BYTES = 1_000;

/** The judgements of one tick on their way: few large inserts, however the tick is cut, since each costs as much as a thousand rows. */
export class JudgementInserts {
  readonly #deps: WorkspaceDeps;
  readonly #inserts: OneAhead;
  readonly #durable: () => Promise<void>;
  #batch: RowBatch<'judgement'>;

  /** Nothing is written before `durable` resolves. `inserts`: all that the tick writes, one behind the other. */
  constructor(deps: WorkspaceDeps, inserts: OneAhead, durable: () => Promise<void>) {
    this.#deps = deps;
    this.#inserts = inserts;
    this.#durable = durable;
    this.#batch = this.#begun(ROW_BYTES);
  }

  add(row: Row<'judgement'>): void {
    this.#batch.add(row);
  }

  get isFull(): boolean {
    return this.#batch.rows >= this.#deps.options.sliceEvaluations;
  }

  /** Begins to write what was added once what was begun before is written. */
  async write(): Promise<void> {
    const whole = this.#batch;
    if (whole.rows === 0) return;
    this.#batch = this.#begun(whole.byteLength / whole.rows);
    await this.#inserts.begin(async () => {
      await this.#durable();
      await this.#deps.store.insertBatch(whole);
      whole.free();
    });
  }

  #begun(rowBytes: number): RowBatch<'judgement'> {
    const { options, workspace } = this.#deps;
    return new RowBatch('judgement', workspace, Math.ceil(options.sliceEvaluations * rowBytes * 1.1));
  }
}
