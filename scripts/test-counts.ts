export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const NOTHING: Counts = { passed: 0, failed: 0, skipped: 0 };

export function plus(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/** What is used of Vitest's JSON report. */
export interface VitestReport {
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/**
 * A file that failed without a failed test (it could not be loaded, or its hooks threw) counts as one failure, and so does
 * a run that ended badly although every test passed (an unhandled rejection): no way of failing may look like success.
 */
export function countsOf(report: VitestReport | undefined, exitCode: number): Counts {
  let counts: Counts = NOTHING;
  for (const file of report?.testResults ?? []) {
    const statuses = file.assertionResults.map(({ status }) => status);
    const passed = statuses.filter((status) => status === 'passed').length;
    const failed = statuses.filter((status) => status === 'failed').length;
    const unexplained = file.status === 'failed' && failed === 0 ? 1 : 0;
    counts = plus(counts, { passed, failed: failed + unexplained, skipped: statuses.length - passed - failed });
  }
  return exitCode !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}
