import { dayWords } from '../model/format.ts';
import { findNode, type Node } from '../model/tree.ts';
import type { AlertView } from '../wire.ts';

const SEVERITY_WORDS: Readonly<Record<string, string>> = { page: 'page', warn: 'warning', info: 'note' };
/** More are in the API; nobody reads a hundred alerts above a table. */
const SHOWN_MAX = 50;

export interface AlertsProps {
  readonly alerts: readonly AlertView[];
  readonly nodes: readonly Node[];
  /** Nothing stands beside the list. */
  readonly isAlone: boolean;
  readonly onOpen: (subject: string) => void;
}

/** Alerts that are open, the newest first. */
export function Alerts({ alerts, nodes, isAlone, onOpen }: AlertsProps) {
  if (alerts.length === 0) return null;
  const newest = [...alerts].sort((left, right) => (left.openedAt < right.openedAt ? 1 : -1)).slice(0, SHOWN_MAX);
  return (
    <details class="alerts" open={isAlone && alerts.length <= 3}>
      <summary>
        <span class="alert-mark" aria-hidden="true">
          !
        </span>
        {alerts.length === 1 ? '1 alert is open' : `${alerts.length} alerts are open`}
      </summary>
      <ul>
        {newest.map((alert) => (
          <li key={alert.id}>
            <span class={`severity severity-${alert.severity}`}>
              {SEVERITY_WORDS[alert.severity] ?? alert.severity}
            </span>
            <button type="button" class="link" onClick={() => onOpen(alert.subject)}>
              {findNode(nodes, alert.subject)?.title ?? alert.subject}
            </button>
            <span class="alert-text">{alert.sentence}</span>
            <span class="quiet">
              {alert.rule}, since {dayWords(alert.openedAt)}
              {alert.state === 'recovering' ? ', recovering' : ''}
              {alert.suppression === null ? '' : `, ${alert.suppression}`}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}
