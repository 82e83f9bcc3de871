/**
 * Milliseconds since 1970-01-01T00:00Z. Whole milliseconds, except that a sample's own time and a fact's recordedAt
 * may carry microseconds as a fraction. Comparison is by value.
 */
export type Instant = number;

/** Half-open: `from` belongs to it, `to` does not. */
export interface Span {
  readonly from: Instant;
  readonly to: Instant;
}
