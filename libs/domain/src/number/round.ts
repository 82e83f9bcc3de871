/**
 * Thresholds on ratios are compared after both sides went through this, so that .36/.40 is at least .90
 * (EVALUATION §1).
 */
export function round12(ratio: number): number {
  return Math.round(ratio * 1e12) / 1e12;
}
