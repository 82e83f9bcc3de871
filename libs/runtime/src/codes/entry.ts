export interface ErrorEntry {
  /** HTTP status when this code is the whole answer. Codes of single lines or documents carry the status of an answer that has nothing else. */
  readonly status: number;
  /** What happened, for a reader who has only the code. */
  readonly meaning: string;
  /** What to do about it. */
  readonly remedy: string;
}

export function entry(status: number, meaning: string, remedy: string): ErrorEntry {
  return { status, meaning, remedy };
}
