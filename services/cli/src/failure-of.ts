import { describeError, ERRORS, isErrorCode, PacelineError } from '@paceline/runtime';
import { Failure } from './failure.ts';

/** Any thrown thing as a failure that says what, why and what to do. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof PacelineError) {
    return new Failure(error.code, error.message, { remedy: error.remedy, faults: error.faults, cause: error });
  }
  // Adapters know no table of codes, but their codes stand in it.
  if (error instanceof Error && 'code' in error && typeof error.code === 'string' && isErrorCode(error.code)) {
    return new Failure(error.code, error.message, { remedy: ERRORS[error.code].remedy, cause: error });
  }
  return new Failure('unexpected', describeError(error), {
    remedy: 'This should not happen. Please report it with the command and this text.',
    cause: error,
  });
}
