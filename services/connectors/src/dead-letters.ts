import {
  formatPosition,
  type Instant,
  indexOf,
  type ObservationsFact,
  offsetOf,
  type Position,
  parsePosition,
} from '@paceline/domain';
import { acceptStatement } from '@paceline/domain/metric/accept';
import { DEADLETTER_TOPIC, type DeadLetter, decodeDeadLetter, decodeRecord, observationFacts } from '@paceline/events';
import type { EventLog } from '@paceline/log';
import { PacelineError, type Routes } from '@paceline/runtime';
import { z } from 'zod';
import { appendPatiently, type PushDeps, refuseWhenBehind } from './push/append.ts';
import type { FollowedWorkspace } from './workspaces.ts';

export interface DeadLetterDeps extends PushDeps {
  readonly log: EventLog;
}

const refusedPoint = z.object({ index: z.int(), code: z.string(), message: z.string(), pointer: z.string() });
const retryAnswer = z.object({
  accepted: z.int(),
  rejected: z.array(refusedPoint).describe('Points of the record that are refused now; index is that in the record'),
  position: z.string().describe('For min_position'),
});
type RetryAnswer = z.output<typeof retryAnswer>;

/** `POST /v1/dead-letters/{position}/retry`. */
export function deadLetterRetry(deps: DeadLetterDeps): Routes {
  return async (app) => {
    app.post(
      '/v1/dead-letters/:position/retry',
      {
        schema: {
          summary: 'Read a dead letter again, check it as a push is checked, and append what is right with it',
          description:
            'For observations that this version can read and store, as after an upgrade. They count by when they were first recorded or read, so that what was stated since stands.',
          tags: ['operation'],
          params: z.object({ position: z.string().max(32) }),
          querystring: z.object({ workspace: z.string().optional() }),
          response: { 202: retryAnswer },
        },
        config: { scope: 'push' },
      },
      async ({ params, query }, reply) => {
        const at = parsePosition(params.position);
        if (at === undefined) {
          const written = params.position.slice(0, 40);
          throw new PacelineError('invalid_position', `"${written}" is no position such as 1841:0`);
        }
        const workspace = await deps.workspaces.find(query.workspace ?? deps.workspace);
        await refuseWhenBehind(deps, workspace);
        return reply.code(202).send(await retry(deps, workspace, at));
      },
    );
  };
}

async function retry(deps: DeadLetterDeps, workspace: FollowedWorkspace, at: Position): Promise<RetryAnswer> {
  const letter = await letterAt(deps.log, workspace.topic, at);
  if (letter === undefined) throw new PacelineError('not_found', `there is no dead letter at ${formatPosition(at)}`);
  const { fact, recordedAt } = factOf(letter, at);
  const { catalog } = workspace.fold;
  const metric = catalog.metrics.get(fact.metric);
  const rejected: RetryAnswer['rejected'] = [];
  const points = fact.points.flatMap((point, index) => {
    if (letter.index !== undefined && letter.index !== index) return [];
    const judged = acceptStatement(metric, point, deps.clock.now());
    if (judged.ok) return [judged.point];
    rejected.push({ index, code: judged.code, message: judged.message, pointer: judged.pointer });
    return [];
  });
  if (points.length === 0) {
    const first = rejected[0]?.message ?? 'the record holds no point';
    throw new PacelineError('all_rejected', `nothing of the dead letter is right now: ${first}`, {
      details: { accepted: 0, rejected },
    });
  }
  const { metric: name, feeder, run, readAt } = fact;
  const whose = { metric: name, feeder, readAt: readAt ?? recordedAt, ...(run === undefined ? {} : { run }) };
  const position = await appendPatiently(deps, workspace, observationFacts(whose, points), 'deadletter');
  return { accepted: points.length, rejected, position: formatPosition(position) };
}

/** The letter of one record or point. There are few: all are looked through. */
async function letterAt(log: EventLog, topic: string, at: Position): Promise<DeadLetter | undefined> {
  if (!(await log.topics(DEADLETTER_TOPIC)).includes(DEADLETTER_TOPIC)) return undefined;
  for await (const records of log.read(DEADLETTER_TOPIC, { from: 0 })) {
    for (const record of records) {
      const decoded = decodeDeadLetter(record);
      if (!decoded.ok) continue;
      const { letter } = decoded;
      if (letter.topic === topic && letter.offset === offsetOf(at) && (letter.index ?? 0) === indexOf(at))
        return letter;
    }
  }
  return undefined;
}

/** What the letter says, read as any record of the log; a cause that is still there is told. */
function factOf(letter: DeadLetter, at: Position): { readonly fact: ObservationsFact; readonly recordedAt: Instant } {
  const place = formatPosition(at);
  if (letter.cut !== undefined) {
    throw new PacelineError(
      'still_dead',
      `the record at ${place} had ${letter.cut} bytes, of which the first are kept`,
    );
  }
  const decoded = decodeRecord(letter);
  if (!decoded.ok) {
    throw new PacelineError('still_dead', `the record at ${place} still cannot be read: ${decoded.message}`);
  }
  const { fact, recordedAt } = decoded;
  if (fact.type === 'observations') return { fact, recordedAt };
  const message = `the record at ${place} is of type ${fact.type}; only observations are tried again, for a late ${fact.type} would undo what was said since`;
  throw new PacelineError('still_dead', message);
}
