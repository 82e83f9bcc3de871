import { randomUUID } from 'node:crypto';
import { type AcknowledgementFact, formatPosition, position, type SnoozeFact } from '@paceline/domain';
import { encodeFact, factsTopic, readInstant } from '@paceline/events';
import type { EventLog } from '@paceline/log';
import { type Clock, PacelineError, type Routes } from '@paceline/runtime';
import { z } from 'zod';
import type { DeliveryBook } from './book.ts';

export interface AlertRoutesDeps {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly book: DeliveryBook;
  /** The workspace a request means when it names none. */
  readonly workspace: string;
}

const params = z.object({ id: z.string().min(8).max(128).describe('The alert, or a beginning that only one has') });
const query = z.object({ workspace: z.string().optional() });
const answer = z.object({ alert: z.string(), position: z.string() });
const SNOOZE_MS_MAX = 90 * 86_400_000;

/** `POST /v1/alerts/{id}/ack` and `/snooze`: what people do about alerts, written into the one order like everything else. */
export function alertRoutes(deps: AlertRoutesDeps): Routes {
  const find = (workspace: string, id: string): string => {
    const found = deps.book.alert(workspace, id);
    if (found !== undefined) return found.alert;
    throw new PacelineError('not_found', `there is no alert ${id} in workspace ${workspace}`);
  };
  const append = async (workspace: string, fact: AcknowledgementFact | SnoozeFact): Promise<string> => {
    const { baseOffset } = await deps.log.append(factsTopic(workspace), [
      encodeFact(workspace, fact, { id: randomUUID(), source: 'alerts' }),
    ]);
    return formatPosition(position(baseOffset));
  };
  return async (app) => {
    app.post(
      '/v1/alerts/:id/ack',
      {
        schema: {
          summary: 'Acknowledge an alert: its reminders stop, recovery is still told',
          tags: ['alerts'],
          params,
          querystring: query,
          body: z.strictObject({ note: z.string().max(2000).optional(), actor: z.string().max(200).optional() }),
          response: { 202: answer },
        },
        config: { scope: 'check-in' },
      },
      async (request, reply) => {
        const workspace = request.query.workspace ?? deps.workspace;
        const alert = find(workspace, request.params.id);
        const { note, actor } = request.body;
        const at = await append(workspace, {
          type: 'acknowledgement',
          alert,
          ...(note === undefined ? {} : { note }),
          ...(actor === undefined ? {} : { actor }),
        });
        return reply.code(202).send({ alert, position: at });
      },
    );
    app.post(
      '/v1/alerts/:id/snooze',
      {
        schema: {
          summary: 'Send nothing of an alert until an instant',
          tags: ['alerts'],
          params,
          querystring: query,
          body: z.strictObject({
            until: z.string().describe('ISO instant in UTC, at most 90 days from now'),
            note: z.string().max(2000).optional(),
            actor: z.string().max(200).optional(),
          }),
          response: { 202: answer },
        },
        config: { scope: 'check-in' },
      },
      async (request, reply) => {
        const workspace = request.query.workspace ?? deps.workspace;
        const { note, actor } = request.body;
        const until = readInstant(request.body.until);
        const now = deps.clock.now();
        if (until === undefined || until <= now || until > now + SNOOZE_MS_MAX) {
          throw new PacelineError(
            'invalid_time',
            `until "${request.body.until}" is no instant within the next 90 days`,
            {
              details: { pointer: '/until' },
            },
          );
        }
        const alert = find(workspace, request.params.id);
        const at = await append(workspace, {
          type: 'snooze',
          alert,
          until,
          ...(note === undefined ? {} : { note }),
          ...(actor === undefined ? {} : { actor }),
        });
        return reply.code(202).send({ alert, position: at });
      },
    );
  };
}
