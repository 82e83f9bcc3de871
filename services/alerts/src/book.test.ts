import { DefinitionFold } from '@paceline/domain';
import type { DeliveryAttempt } from '@paceline/events';
import { describe, expect, it } from 'vitest';
import { DeliveryBook } from './book.ts';
import { AT, transitionOf } from './fixture.ts';
import { alertMessage, idempotencyKey } from './message.ts';
import { suppressedBy } from './suppression.ts';
import { retryAfterDelay } from './webhook.ts';

const attempt = (changes: Partial<DeliveryAttempt>) => ({
  type: 'delivery' as const,
  workspace: 'w',
  delivery: {
    transition: 'transition-1',
    channel: 'ops-hook',
    attempt: 1,
    at: AT,
    outcome: 'delivered' as const,
    ...changes,
  },
});
const opened = { type: 'transition' as const, workspace: 'w', transition: transitionOf() };

describe('the book of deliveries', () => {
  it('owes each channel of a transition one delivery, and a channel named twice one', () => {
    const book = new DeliveryBook();
    const owed = book.apply({ ...opened, transition: transitionOf({ channels: ['a', 'b', 'a'] }) }, AT);
    expect(owed.map(({ channel }) => channel)).toEqual(['a', 'b']);
  });

  it('owes nothing more for a transition that a redone tick announces again', () => {
    const book = new DeliveryBook();
    book.apply(opened, AT);
    book.apply(attempt({}), AT);
    expect(book.apply(opened, AT + 1)).toEqual([]);
    expect(book.size).toBe(0);
  });

  it('keeps what is to be tried again with its count and its time', () => {
    const book = new DeliveryBook();
    book.apply(opened, AT);
    book.apply(attempt({ outcome: 'retry', attempt: 3, nextAt: AT + 5 }), AT);
    expect(book.find('w', 'transition-1', 'ops-hook')).toMatchObject({ attempts: 3, nextAt: AT + 5 });
  });

  it.each(['delivered', 'failed', 'disabled', 'expired', 'suppressed'] as const)(
    'ends a delivery that is %s',
    (outcome) => {
      const book = new DeliveryBook();
      book.apply(opened, AT);
      book.apply(attempt({ outcome }), AT);
      expect(book.size).toBe(0);
    },
  );

  it('keeps workspaces apart', () => {
    const book = new DeliveryBook();
    book.apply(opened, AT);
    book.apply({ ...opened, workspace: 'other' }, AT);
    book.apply(attempt({}), AT);
    expect([...book.pending()].map(({ workspace }) => workspace)).toEqual(['other']);
  });

  it('finds an alert by a beginning that only one has', () => {
    const book = new DeliveryBook();
    book.apply(opened, AT);
    expect(book.alert('w', 'a1b2c3d4')?.alert).toBe('a1b2c3d4e5f6');
    expect(book.alert('w', 'a1b2')).toBeUndefined();
    expect(book.alert('other', 'a1b2c3d4')).toBeUndefined();
  });
});

describe('suppression', () => {
  const foldOf = (...facts: Parameters<DefinitionFold['apply']>[0][]) => {
    const fold = new DefinitionFold();
    for (const [at, fact] of facts.entries())
      fold.apply(fact, { position: at * 1024, appendedAt: AT + at, id: `f${at}` });
    return fold.suppression;
  };

  it('lets an acknowledgement stop reminders only', () => {
    const suppression = foldOf({ type: 'acknowledgement', alert: 'a1b2c3d4e5f6' });
    expect(suppressedBy(suppression, transitionOf({ kind: 'reminder' }), AT + 10)).toBe('acknowledged');
    expect(suppressedBy(suppression, transitionOf({ kind: 'escalated' }), AT + 10)).toBeNull();
  });

  it('holds a snooze until its end, and never good news', () => {
    const suppression = foldOf({ type: 'snooze', alert: 'a1b2c3d4e5f6', until: AT + 100 });
    expect(suppressedBy(suppression, transitionOf(), AT + 99)).toBe('snoozed');
    expect(suppressedBy(suppression, transitionOf(), AT + 100)).toBeNull();
    expect(suppressedBy(suppression, transitionOf({ kind: 'recovered' }), AT + 1)).toBeNull();
  });

  it('matches a silence by its matchers, all of them', () => {
    const silence = { type: 'silence' as const, id: 's', until: AT + 100, reason: 'moving house', actor: 'ada' };
    expect(suppressedBy(foldOf({ ...silence, matchers: { subject: 'kpi/*' } }), transitionOf(), AT + 5)).toBe(
      'silenced: moving house',
    );
    expect(
      suppressedBy(foldOf({ ...silence, matchers: { subject: 'kpi/*', severity: 'info' } }), transitionOf(), AT + 5),
    ).toBeNull();
  });
});

describe('a message', () => {
  it('says value, target, expected, why and what the last one said', () => {
    const message = alertMessage('w', transitionOf({ previous: { value: '800000', verdict: 'at_risk' } }));
    expect(message.type).toBe('alert.opened');
    expect(message.timestamp).toBe('2026-11-22T06:00:00Z');
    expect(message.data).toMatchObject({
      value: '700000',
      target: '1000000',
      expectedValue: '900000',
      reason: 'below_at_risk',
      previous: { value: '800000', verdict: 'at_risk' },
    });
  });

  it('has one key for a transition and a channel', () => {
    expect(idempotencyKey('t', 'a')).not.toBe(idempotencyKey('t', 'b'));
  });
});

describe('Retry-After', () => {
  it.each([
    ['120', 120_000],
    ['Sun, 22 Nov 2026 06:01:00 GMT', 60_000],
    ['Sun, 22 Nov 2026 05:00:00 GMT', 0],
    ['99999999', 86_400_000],
    ['soon', undefined],
    [undefined, undefined],
  ])('reads %s', (text, expected) => {
    expect(retryAfterDelay(text, AT)).toBe(expected);
  });
});
