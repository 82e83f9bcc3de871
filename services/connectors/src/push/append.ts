import type { Position } from '@paceline/domain';
import { LogBusy, LogRefused } from '@paceline/log';
import type { LagGate } from '@paceline/log/lag';
import { type Clock, isErrorCode, type Metrics, PacelineError } from '@paceline/runtime';
import type { FactsWriter } from '../facts-sink.ts';
import type { FollowedWorkspace, Workspaces } from '../workspaces.ts';

export interface PushDeps {
  readonly workspaces: Workspaces;
  readonly writer: FactsWriter;
  readonly gate: LagGate;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** The workspace a request means when it names none. */
  readonly workspace: string;
}

/** Push is told to wait where the processor is far behind. */
export async function refuseWhenBehind({ gate }: PushDeps, { topic }: FollowedWorkspace): Promise<void> {
  const pressure = await gate.check(topic, 'push').catch(unavailable);
  if (pressure.ok) return;
  throw new PacelineError('backlogged', `${pressure.pointsBehind} points wait to be processed`, {
    retryAfterSeconds: Math.ceil(pressure.retryAfterMs / 1000),
  });
}

/** Answers once the log has the facts; what the log cannot do now is told in words of the API. */
export async function appendPatiently(
  { writer }: Pick<PushDeps, 'writer'>,
  { name, topic }: FollowedWorkspace,
  facts: Parameters<FactsWriter['append']>[2],
  source: string,
): Promise<Position> {
  try {
    return await writer.append(name, topic, facts, source);
  } catch (error) {
    return unavailable(error);
  }
}

/** A full disk or a lost broker takes a person's time. */
const REFUSED_RETRY_SECONDS = 30;

/** What the log cannot take now; the client keeps its lines and sends them again. */
function unavailable(error: unknown): never {
  if (error instanceof LogBusy)
    throw new PacelineError('log_busy', 'the event log has too many appends waiting', {
      retryAfterSeconds: 1,
      cause: error,
    });
  if (error instanceof LogRefused && isErrorCode(error.code)) {
    throw new PacelineError(error.code, error.message, { retryAfterSeconds: REFUSED_RETRY_SECONDS, cause: error });
  }
  throw new PacelineError(
    'log_unavailable',
    'the event log cannot be written now; the lines may or may not have been taken',
    { retryAfterSeconds: 5, cause: error },
  );
}
