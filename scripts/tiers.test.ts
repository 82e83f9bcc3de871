import { describe, expect, it } from 'vitest';
import { countsOf, NOTHING, plus } from './test-counts.ts';
import { byWaiting, placeOf, tiersOf } from './tiers.ts';

describe('the name of a test file', () => {
  it.each([
    ['libs/domain/src/fold.test.ts', 'pure', []],
    ['services/connectors/src/sources/postgres.test.ts', 'pure', []],
    ['libs/store/src/embedded.int.test.ts', 'int', []],
    ['libs/log/src/kafka.int.test.ts', 'int', ['kafka']],
    ['libs/log/src/kafka-traps.int.test.ts', 'int', ['kafka']],
    ['libs/jobs/src/bullmq.int.test.ts', 'int', ['redis']],
    ['test/parity.redis.kafka.e2e.test.ts', 'e2e', ['kafka', 'redis']],
  ])('%s belongs to %s and needs %j', (file, project, needs) => {
    expect(placeOf(file)).toEqual({ project, needs });
  });
});

it('tiers run cheapest first, and each file once', () => {
  const tiers = tiersOf(['a/x.e2e.test.ts', 'a/kafka.int.test.ts', 'a/b.int.test.ts', 'a/c.test.ts', 'a/a.test.ts']);
  expect(tiers.map(({ name, files }) => [name, files])).toEqual([
    ['pure', ['a/a.test.ts', 'a/c.test.ts']],
    ['int', ['a/b.int.test.ts']],
    ['int with kafka', ['a/kafka.int.test.ts']],
    ['e2e', ['a/x.e2e.test.ts']],
  ]);
});

it('tiers that wait for brokers come first in the other lane, and then the dearest', () => {
  const files = [
    'a/x.e2e.test.ts',
    'a/kafka.int.test.ts',
    'a/b-kafka.int.test.ts',
    'a/b.int.test.ts',
    'a/y.kafka.e2e.test.ts',
  ];
  expect(byWaiting(tiersOf(files)).map(({ name }) => name)).toEqual(['int with kafka', 'e2e with kafka', 'e2e', 'int']);
});

describe('the closing count', () => {
  const passed = { status: 'passed' };
  const failed = { status: 'failed' };

  it('adds up tests over files, pending and todo as skipped', () => {
    const report = {
      testResults: [
        { status: 'failed', assertionResults: [passed, failed, { status: 'pending' }] },
        { status: 'passed', assertionResults: [passed, { status: 'todo' }] },
      ],
    };
    expect(countsOf(report, 1)).toEqual({ passed: 2, failed: 1, skipped: 2 });
  });

  it('counts a file that could not be loaded as a failure', () => {
    const report = {
      testResults: [
        { status: 'failed', assertionResults: [] },
        { status: 'passed', assertionResults: [passed] },
      ],
    };
    expect(countsOf(report, 1)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  it('counts a run that ended badly with nothing failed as a failure', () => {
    expect(countsOf({ testResults: [{ status: 'passed', assertionResults: [passed] }] }, 1).failed).toBe(1);
  });

  it('counts a run that left no report as a failure', () => {
    expect(countsOf(undefined, 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  it('begins at nothing', () => {
    expect(plus(NOTHING, { passed: 1, failed: 2, skipped: 3 })).toEqual({ passed: 1, failed: 2, skipped: 3 });
  });
});
