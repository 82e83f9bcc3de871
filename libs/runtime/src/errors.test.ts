import { describe, expect, it } from 'vitest';
import { describeError, ERRORS, errorsHtml, errorsPage, isErrorCode, PacelineError, problemOf } from './errors.ts';

describe('the table of errors', () => {
  it.each(Object.entries(ERRORS))(
    '%s has a status, a meaning and a remedy in whole sentences',
    (code, { status, meaning, remedy }) => {
      expect(code).toMatch(/^[a-z][a-z0-9_]*$/);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(600);
      expect(meaning).toMatch(/^[A-Z].*\.$/);
      expect(remedy).toMatch(/^[A-Z].*\.$/);
    },
  );

  it('has every code on both pages', () => {
    for (const code of Object.keys(ERRORS)) {
      expect(errorsPage()).toContain(`<a id="${code}"></a>`);
      expect(errorsHtml()).toContain(`id="${code}"`);
    }
  });

  it('knows its own codes and no inherited ones', () => {
    expect(isErrorCode('loop')).toBe(true);
    expect(isErrorCode('toString')).toBe(false);
  });
});

describe('a problem', () => {
  const error = new PacelineError('backlogged', '2,100,000 points wait', {
    details: { waiting: 2_100_000, status: 200 },
    retryAfterSeconds: 5,
  });

  it('carries status, code and remedy of the table and the words of the case', () => {
    expect(problemOf(error, { instance: '/v1/observations', requestId: 'r1' })).toMatchObject({
      type: '/docs/errors#backlogged',
      status: 429,
      code: 'backlogged',
      detail: '2,100,000 points wait',
      instance: '/v1/observations',
      requestId: 'r1',
      waiting: 2_100_000,
    });
  });

  it('lets no detail overwrite what the standard says', () => {
    expect(problemOf(error, { instance: '/' }).status).toBe(429);
  });

  it('lists faults when there are any', () => {
    const fault = { code: 'not_a_number', message: 'value: abc', pointer: '/0/value' } as const;
    expect(
      problemOf(new PacelineError('all_rejected', undefined, { faults: [fault] }), { instance: '/' }).errors,
    ).toEqual([fault]);
    expect(problemOf(new PacelineError('all_rejected'), { instance: '/' })).not.toHaveProperty('errors');
  });
});

describe('an error in one line', () => {
  it('names its causes with their codes', () => {
    const cause = Object.assign(new Error('connect refused'), { code: 'ECONNREFUSED' });
    expect(describeError(new Error('no broker', { cause }))).toBe('no broker; because connect refused (ECONNREFUSED)');
  });

  it('ends on causes in a circle', () => {
    const error = new Error('round');
    error.cause = error;
    expect(describeError(error).split('because')).toHaveLength(5);
  });

  it('takes what was thrown although it is no error', () => {
    expect(describeError('plain text')).toBe('plain text');
  });
});
