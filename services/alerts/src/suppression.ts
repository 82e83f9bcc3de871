import type { Instant, Suppression, Transition } from '@paceline/domain';

/**
 * Whether somebody said "not now" about a transition. Good news always passes: whoever was told that an alert opened is
 * also told that it ended. An acknowledgement stops reminders and nothing else.
 */
export function suppressedBy(suppression: Suppression, transition: Transition, now: Instant): string | null {
  const goodNews = transition.kind === 'recovered' || transition.kind === 'retracted' || transition.kind === 'closed';
  if (goodNews) return null;
  const acknowledged = suppression.acknowledgement(transition.alert);
  if (transition.kind === 'reminder' && acknowledged !== undefined && acknowledged.recordedAt >= transition.episode) {
    return 'acknowledged';
  }
  const snooze = suppression.snooze(transition.alert);
  if (snooze !== undefined && snooze.until > now) return 'snoozed';
  for (const silence of suppression.silences()) {
    if (silence.until > now && matches(silence.matchers, transition)) return `silenced: ${silence.reason}`;
  }
  return null;
}

function matches(matchers: Readonly<Record<string, string>>, transition: Transition): boolean {
  const facts: Readonly<Record<string, string>> = {
    rule: transition.rule,
    subject: transition.subject,
    severity: transition.severity,
    period: transition.period,
  };
  return Object.entries(matchers).every(([name, pattern]) => globMatches(pattern, facts[name] ?? ''));
}

/** `kpi/*` matches every KPI; everything else is literal. */
function globMatches(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(text);
}
