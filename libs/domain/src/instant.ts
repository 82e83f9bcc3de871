/**
 * Milliseconds since 1970-01-01T00:00Z. Whole milliseconds, except that a sample's own time and a fact's recordedAt
 * may carry microseconds as a fraction. Comparison is by value.
 */
export type Instant = number;

/** Before the first day that the engine's time can hold; windows without a start begin here. */
export const EARLIEST: Instant = Date.UTC(1900, 0, 1);
/** Behind the last. */
export const LATEST: Instant = Date.UTC(2299, 11, 31);

/** Half-open: `from` belongs to it, `to` does not. */
export interface Span {
  readonly from: Instant;
  readonly to: Instant;
}
