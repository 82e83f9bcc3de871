/** What is wrong with something a person or a program wrote. Codes come from the closed table of the docs. */
export interface Fault {
  readonly code: string;
  /** What is wrong, where, and what to do about it. */
  readonly message: string;
  /** JSON pointer inside the document or observation: `/spec/timezone`, `/value`. */
  readonly pointer: string;
}

/** Either the meaning of what was written, or everything that is wrong with it. */
export type Compiled<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly faults: readonly Fault[] };
