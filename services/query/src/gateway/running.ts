import { Refusal } from './refusal.ts';

interface Asking {
  readonly workspace: string;
  readonly queryId: string;
  /** The client closed its connection. */
  readonly gone: AbortSignal;
}

/** The statements that wait for an answer, so that one can be given up from another connection, as JDBC does it. */
export class Running {
  readonly #waiting = new Map<string, AbortController>();

  async run<T>({ workspace, queryId, gone }: Asking, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const key = `${workspace} ${queryId}`;
    const killed = new AbortController();
    this.#waiting.set(key, killed);
    try {
      return await work(AbortSignal.any([gone, killed.signal]));
    } catch (error) {
      if (killed.signal.aborted) throw new Refusal('QUERY_WAS_CANCELLED', 'Query was cancelled', { cause: error });
      throw error;
    } finally {
      // Another statement may have come under the same id meanwhile.
      if (this.#waiting.get(key) === killed) this.#waiting.delete(key);
    }
  }

  /** Lets the caller of a statement go; whether there was one. Only those of the same workspace are known. */
  cancel(workspace: string, queryId: string): boolean {
    const found = this.#waiting.get(`${workspace} ${queryId}`);
    found?.abort();
    return found !== undefined;
  }
}
