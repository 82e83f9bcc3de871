import { evaluationToJson, formatPosition, instantText, type Transition } from '@paceline/domain';

/** What a receiver gets, whatever the channel: value, target, expected, why, and what changed since the last message. */
export interface AlertMessage {
  /** `alert.opened`, `alert.recovered`, … */
  readonly type: string;
  /** The grid point at which it happened, not the moment of sending. */
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const HEADLINES: Readonly<Record<Transition['kind'], string>> = {
  opened: 'left its target',
  escalated: 'got worse',
  recovered: 'is back on track',
  retracted: 'was never off: a correction removed the cause',
  closed: 'ended its period',
  reminder: 'is still off its target',
};

export function alertMessage(workspace: string, transition: Transition): AlertMessage {
  const { evaluation } = transition;
  return {
    type: `alert.${transition.kind}`,
    timestamp: instantText(transition.at),
    data: {
      workspace,
      id: transition.id,
      alert: transition.alert,
      rule: transition.rule,
      subject: transition.subject,
      period: transition.period,
      episode: instantText(transition.episode),
      kind: transition.kind,
      severity: transition.severity,
      summary: `${transition.subject} ${HEADLINES[transition.kind]}: ${evaluation.sentence}`,
      verdict: evaluation.verdict,
      reason: evaluation.reason,
      value: evaluation.value,
      target: evaluation.target,
      expectedValue: evaluation.expectedValue,
      previous: transition.previous,
      position: formatPosition(transition.position),
      evaluation: evaluationToJson(evaluation),
    },
  };
}

/** One delivery per transition and channel: receivers drop a second one under the same id. */
export function idempotencyKey(transition: string, channel: string): string {
  return `${transition}_${channel}`;
}
