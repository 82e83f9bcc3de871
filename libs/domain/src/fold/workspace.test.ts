import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Document, MetricDocument, SourceDocument } from '../document.ts';
import type { Fact, ObservationsFact, PointStatement } from '../fact.ts';
import { position } from '../position.ts';
import { inColumns } from '../testing/columns.ts';
import { WorkspaceFold } from './workspace.ts';

const day = (text: string): number => Date.parse(`${text}T00:00:00Z`);

function metric(name: string, spec: Partial<MetricDocument['spec']> = {}): MetricDocument {
  return {
    apiVersion: 'paceline/v1',
    kind: 'Metric',
    metadata: { name },
    spec: { aggregation: 'sum', grain: 'day', ...spec },
  };
}
function source(name: string, of: string): SourceDocument {
  const spec = { connector: 'csv', map: { metric: of, time: 'day', value: 'value' } };
  return { apiVersion: 'paceline/v1', kind: 'Source', metadata: { name }, spec };
}

/** A log written by hand: each call appends one fact a second later. */
class Log {
  readonly fold = new WorkspaceFold();
  offset = 0;
  at = Date.parse('2026-11-20T12:00:00Z');

  add(fact: Fact): this {
    const id = String(this.offset);
    this.at += 1000;
    this.fold.apply({ position: position(this.offset++), recordedAt: this.at, id, fact });
    return this;
  }
  define(put: readonly Document[], remove: readonly string[] = [], expects = this.fold.definitions.position): this {
    return this.add({ type: 'definitions', command: `command-${this.offset}`, expects, put, remove });
  }
  state(of: string, points: readonly PointStatement[], feeder = 'push', readAt?: number): this {
    return this.add({ type: 'observations', metric: of, feeder, points, ...(readAt === undefined ? {} : { readAt }) });
  }
  cover(of: string, from: string | undefined, to: string, feeder = 'push'): this {
    const begin = from === undefined ? {} : { from: day(from) };
    return this.add({ type: 'covered', metric: of, feeder, to: day(to), ...begin });
  }
  covered(of: string): string {
    const text = (at: number): string => (Number.isFinite(at) ? new Date(at).toISOString().slice(0, 10) : '…');
    return this.fold
      .coveredSpans(of)
      .map(({ from, to }) => `${text(from)}/${text(to)}`)
      .join(' ');
  }
}

describe('definitions', () => {
  it('an apply that expects the last accepted one is accepted, another is a conflict', () => {
    const log = new Log().define([metric('a')]);
    log.define([metric('b')], [], null);
    expect([...log.fold.documents.keys()]).toEqual(['metric/a']);
    expect(log.fold.definitions.outcome('command-0')?.accepted).toBe(true);
    expect(log.fold.definitions.outcome('command-1')?.accepted).toBe(false);
  });

  it('a command that comes twice is done once', () => {
    const log = new Log();
    const fact: Fact = { type: 'definitions', command: 'x', expects: null, put: [metric('a')], remove: [] };
    const again: Fact = { ...fact, expects: position(0), put: [], remove: ['metric/a'] };
    log.add(fact).add(again);
    expect(log.fold.documents.has('metric/a')).toBe(true);
  });

  it('a document put again unchanged keeps the position at which it became known', () => {
    const log = new Log().define([metric('a')]).define([metric('a'), metric('b')]);
    expect(log.fold.documents.get('metric/a')?.position).toBe(position(0));
    expect(log.fold.documents.get('metric/b')?.position).toBe(position(1));
  });

  it('a metric whose grain, zone or calendar moves gets a new shape, one whose title changes does not', () => {
    const log = new Log().define([metric('a')]);
    log.define([{ ...metric('a'), metadata: { name: 'a', title: 'A' } }]);
    expect(log.fold.documents.get('metric/a')?.shape).toBe(position(0));
    log.define([metric('a', { timezone: 'Europe/Berlin' })]);
    expect(log.fold.documents.get('metric/a')?.shape).toBe(position(2));
  });

  it('a calendar that changes moves the metrics that use it', () => {
    const spec = { timezone: 'UTC' };
    const calendar: Document = { apiVersion: 'paceline/v1', kind: 'Calendar', metadata: { name: 'c' }, spec };
    const log = new Log().define([calendar, metric('a', { calendar: 'c', grain: 'week' }), metric('b')]);
    log.define([{ ...calendar, spec: { ...spec, weekStart: 'sunday' } }]);
    expect(log.fold.documents.get('metric/a')?.shape).toBe(position(1));
    expect(log.fold.documents.get('metric/b')?.shape).toBe(position(0));
  });
});

describe('time', () => {
  it('recordedAt is strictly increasing, by a microsecond where the log gives one time to many or goes back', () => {
    const fold = new WorkspaceFold();
    const times = [1000, 1000, 1000, 900, 1001].map((appendedAt, offset) => fold.stamp(position(offset), appendedAt));
    expect(times).toEqual([1000, 1000.001, 1000.002, 1000.003, 1001]);
  });
});

describe('coverage by default', () => {
  it('of period points goes from the first bucket through the latest', () => {
    const log = new Log().define([metric('a')]);
    log.state('a', [{ period: '2026-11-02', value: '1' }]).state('a', [{ period: '2026-11-05', value: '1' }]);
    expect(log.covered('a')).toBe('2026-11-02/2026-11-06');
  });

  it('of time points leaves out the bucket that still fills', () => {
    const log = new Log().define([metric('a', { points: 'time' })]);
    log.state('a', [{ time: '2026-11-02T10:00:00Z', value: '1', id: 'x' }]);
    expect(log.covered('a')).toBe('');
    log.state('a', [{ time: '2026-11-05T10:00:00Z', value: '1', id: 'y' }]);
    expect(log.covered('a')).toBe('2026-11-02/2026-11-05');
  });

  it('ends with the first explicit statement, which keeps what was covered until then', () => {
    const log = new Log().define([metric('a')]).state('a', [{ period: '2026-11-02', value: '1' }]);
    log.cover('a', '2026-11-10', '2026-11-12').state('a', [{ period: '2026-11-20', value: '1' }]);
    expect(log.covered('a')).toBe('2026-11-02/2026-11-03 2026-11-10/2026-11-12');
    expect(log.fold.takeResolved()).toMatchObject([{ before: { from: day('2026-11-02'), to: day('2026-11-03') } }]);
  });

  it('an explicit statement without a beginning goes on from the last covered end', () => {
    const log = new Log().define([metric('a')]).state('a', [{ period: '2026-11-02', value: '1' }]);
    log.cover('a', undefined, '2026-11-12');
    expect(log.covered('a')).toBe('2026-11-02/2026-11-12');
  });

  it('needs every feeder: a mapped source that stated nothing covers nothing', () => {
    const log = new Log().define([metric('a'), source('s', 'a')]).state('a', [{ period: '2026-11-02', value: '1' }]);
    expect(log.covered('a')).toBe('');
    log.cover('a', '2026-11-01', '2026-11-20', 'source/s');
    expect(log.covered('a')).toBe('2026-11-02/2026-11-03');
  });
});

describe('a retraction at the edge of an extent', () => {
  const log = () =>
    new Log().define([metric('a')]).state('a', [
      { period: '2026-11-02', value: '1' },
      { period: '2026-11-05', value: '1' },
    ]);

  it('asks for the extent to be read back, inside it does not', () => {
    expect(
      log()
        .state('a', [{ period: '2026-11-03', value: null }])
        .fold.questions(),
    ).toEqual([]);
    const asked = log().state('a', [{ period: '2026-11-05', value: null }]);
    expect(asked.fold.questions()).toEqual([{ metric: 'a', feeder: 'push', before: null }]);
  });

  it('an explicit statement waits for the answer and is resolved with it', () => {
    const waiting = log()
      .state('a', [{ period: '2026-11-05', value: null }])
      .cover('a', undefined, '2026-11-09');
    expect(waiting.fold.takeResolved()).toEqual([]);
    const [question] = waiting.fold.questions();
    expect(question).toEqual({ metric: 'a', feeder: 'push', before: position(3) });
    const second = { from: day('2026-11-02'), to: day('2026-11-03') };
    waiting.fold.answer(question!, { first: second, last: second });
    expect(waiting.fold.takeResolved()).toMatchObject([{ from: second.to, to: day('2026-11-09'), before: second }]);
    expect(waiting.covered('a')).toBe('2026-11-02/2026-11-09');
  });

  it('a statement read before the retraction asks again, because it may have been overtaken', () => {
    const asked = log().state('a', [{ period: '2026-11-05', value: null }], 'push', day('2026-11-20'));
    asked.fold.answer(asked.fold.questions()[0]!, null);
    asked.state('a', [{ period: '2026-11-05', value: '1' }], 'push', day('2026-11-19'));
    expect(asked.fold.questions()).toHaveLength(1);
  });
});

describe('what may have changed', () => {
  const touch = (log: Log, of = 'a') => log.fold.touched.metrics.get(of);

  it('a value of a past bucket is seen from the end of its bucket', () => {
    const log = new Log().define([metric('a')]);
    log.fold.judged();
    log.state('a', [{ period: '2026-11-02', value: '1' }]);
    expect(touch(log)?.from).toBe(day('2026-11-03'));
    expect([...(touch(log)?.buckets ?? [])]).toEqual([[day('2026-11-02'), day('2026-11-03')]]);
  });

  it('a value of the running bucket is seen from its recording', () => {
    const log = new Log().define([metric('a')]);
    log.fold.judged();
    log.state('a', [{ period: '2026-11-20', value: '1' }]);
    expect(touch(log)?.from).toBe(log.at);
  });

  it('a metric defined after its points is touched as a whole, and its beginning is known', () => {
    const log = new Log().state('a', [{ period: '2026-11-02', value: '1' }]);
    expect(log.fold.statedFrom('a')).toBeNull();
    log.define([metric('a')]);
    expect(touch(log)).toEqual({ from: Number.NEGATIVE_INFINITY, buckets: null });
    expect(log.fold.statedFrom('a')).toBe(day('2026-11-02'));
    expect(log.fold.questions()).toHaveLength(1);
  });

  it('one more source mapped to a metric touches all of it', () => {
    const log = new Log().define([metric('a'), source('s', 'a')]);
    log.fold.judged();
    log.define([source('t', 'a')]);
    expect(touch(log)?.buckets).toBeNull();
  });
});

describe('a snapshot', () => {
  it('restored, folds on like the fold it was taken of', () => {
    const log = new Log().define([metric('a'), metric('b', { points: 'time' }), source('s', 'a')]);
    log.state('a', [{ period: '2026-11-02', value: '1' }]).cover('a', undefined, '2026-11-09', 'source/s');
    log.add({ type: 'check_in', subject: 'key_result/o/k', time: day('2026-11-01'), value: '3' });
    log.add({ type: 'source_state', source: 's', stateVersion: 1, state: { cursor: '7' } });
    log.add({ type: 'snooze', alert: 'x', until: day('2026-12-01') }).add({ type: 'tick', edition: 1 });
    log.state('b', [{ time: '2026-11-19T10:00:00Z', value: '1', id: 'y' }]);
    const restored = new Log();
    restored.fold.restore(JSON.parse(JSON.stringify(log.fold.snapshot())));
    restored.offset = log.offset;
    restored.at = log.at;
    for (const each of [log, restored]) {
      each.state('a', [{ period: '2026-11-08', value: '2' }]).define([metric('c')]);
    }
    expect(restored.fold.snapshot()).toEqual(log.fold.snapshot());
    expect(restored.covered('a')).toBe('2026-11-02/2026-11-09');
  });
});

describe('points as columns', () => {
  const day = fc.constantFrom('2026-11-02', '2026-11-07', '2026-11-08', '2026-11-19', '2026-11-25', '2026-W46');
  const plain = fc.record({
    period: day,
    value: fc.constantFrom('1', '-2.5'),
    dimensions: fc.constant({ region: 'a' }),
  });
  const record = fc.record({
    of: fc.constantFrom('a', 'ratio', 'times', 'unknown'),
    feeder: fc.constantFrom('push', 'source/s'),
    points: fc.array(plain, { minLength: 1, maxLength: 4 }),
    next: fc.constantFrom('nothing', 'cover', 'judged', 'define'),
  });

  it('are folded as objects are', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 12 }), (records) => {
        const [objects, columns] = [new Log(), new Log()];
        for (const log of [objects, columns]) {
          log.define([
            metric('a', { revisions: 'source' }),
            metric('ratio', { aggregation: 'ratio' }),
            metric('times', { points: 'time' }),
            source('s', 'a'),
          ]);
          for (const { of, feeder, points, next } of records) {
            const fact: ObservationsFact = { type: 'observations', metric: of, feeder, points };
            log.add(log === columns ? inColumns(fact) : fact);
            if (next === 'cover') log.cover(of, undefined, '2026-11-20', feeder);
            if (next === 'judged') log.fold.judged();
            if (next === 'define') log.define([metric('unknown')]);
          }
        }
        expect(columns.fold.snapshot()).toEqual(objects.fold.snapshot());
        expect(columns.fold.questions()).toEqual(objects.fold.questions());
        expect(columns.fold.fresh).toEqual(objects.fold.fresh);
      }),
    );
  });
});
