import { instantText, type Position, type Transition } from '@paceline/domain';
import { ALERTS_TOPIC, encodeAlertRecord, readStoredTransition } from '@paceline/events';
import type { EventLog } from '@paceline/log';
import type { Store } from '@paceline/store';
import { transitionId } from '../alerts.ts';
import { openTransitions } from '../sql.ts';

/** The last message of an alert that is open. */
export interface OpenAlert {
  readonly last: Transition;
}

/** What a change of editions does to alerts that people were told about. */
export interface AlertsChange {
  /** Open now, and not in the rebuilt edition: nobody would ever say that they recovered. */
  readonly retracted: readonly Transition[];
  /** Open in the rebuilt edition alone: listed, and not sent. */
  readonly opened: readonly Transition[];
}

export async function alertsChange(
  running: Store,
  rebuilt: Store,
  at: { readonly workspace: string; readonly edition: number; readonly before: Position },
): Promise<AlertsChange> {
  const [now, then] = [await openAlerts(running, at), await openAlerts(rebuilt, at)];
  return {
    retracted: [...now].filter(([name]) => !then.has(name)).map(([, last]) => last),
    opened: [...then].filter(([name]) => !now.has(name)).map(([, last]) => last),
  };
}

async function openAlerts(
  store: Store,
  at: { readonly workspace: string; readonly edition: number; readonly before: Position },
): Promise<ReadonlyMap<string, Transition>> {
  const query = openTransitions(at);
  const open = new Map<string, Transition>();
  for (const { body } of await store.read(query, query.shape)) {
    const transition = readStoredTransition(body);
    open.set(`${transition.alert} ${instantText(transition.episode)}`, transition);
    if (['recovered', 'retracted', 'closed'].includes(transition.kind)) {
      open.delete(`${transition.alert} ${instantText(transition.episode)}`);
    }
  }
  return open;
}

/** Tells that alerts are taken back. Said again after a crash, each has the same id, and is delivered once. */
export async function retract(
  log: EventLog,
  workspace: string,
  transitions: readonly Transition[],
  at: { readonly position: Position; readonly recordedAt: number },
): Promise<void> {
  if (transitions.length === 0) return;
  const messages = transitions.map((last) => {
    const id = transitionId(last.alert, last.episode, 'retracted', at.position);
    const previous = { value: last.evaluation.value, verdict: last.evaluation.verdict };
    const transition: Transition = { ...last, id, kind: 'retracted', ...at, previous };
    return encodeAlertRecord({ type: 'transition', workspace, transition }, { id, source: 'processor' });
  });
  await log.append(ALERTS_TOPIC, messages);
}
