import type { JsonValue, SourceDocument } from '@paceline/domain';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runBackfill } from './backfill.ts';
import { createBudgets } from './budget.ts';
import type { Connector } from './connector.ts';
import type { Logger } from './context.ts';
import { createEgress } from './egress.ts';
import { projectFiles } from './files.ts';
import { check, discover, preview } from './preview.ts';
import { at, MemorySink, metric, metricsOf, source, TestClock } from './run.fixture.ts';
import { type LiveInput, type RunReport, runLive } from './run.ts';
import { configSchema, secretPointers, validateConfig } from './spec.ts';
import { backfillKey } from './state.ts';

/** A row of the kit's table `day, region, amount`. */
export interface KitRow {
  readonly day: string;
  readonly region: string;
  readonly amount: string | null;
}

/** What a connector's own test gives: the real thing, and how to put rows into it. */
export interface ConformanceFixture {
  readonly connector: Connector;
  /** Starts the real thing; the other members are read after it. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Replaces all rows of the source. */
  put(rows: readonly KitRow[]): Promise<void>;
  /** As written in a document, secrets as references. */
  config(): Readonly<Record<string, JsonValue>>;
  readonly query?: string;
  readonly window: NonNullable<SourceDocument['spec']['window']>;
  readonly env?: Readonly<Record<string, string>>;
  projectDir?(): string;
  /** What egress must allow for it to work; `null` when it opens no socket. */
  allow(): readonly string[] | null;
  /** Configurations that must fail their check, with the stage at which. */
  bad(): readonly {
    readonly why: string;
    readonly config: Readonly<Record<string, JsonValue>>;
    readonly stage: string;
    readonly env?: Readonly<Record<string, string>>;
  }[];
  /** The value behind the secret, which must not be seen anywhere; absent when it has none. */
  readonly canary?: string;
  /** Makes a read take long, for the test of cancelling. */
  slow?(): Readonly<{ config?: Readonly<Record<string, JsonValue>>; query?: string }>;
}

/** All that an iterable gives. */
export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const NOW = '2026-11-05T12:00:00Z';
const CANCEL_MS_MAX = 1_000;
const metrics = metricsOf(
  metric('kit', { aggregation: 'sum', grain: 'day', timezone: 'Europe/Berlin', dimensions: ['region'] }),
);
const map = { metric: 'kit', time: 'day', value: 'amount', dimensions: ['region'] };

/** The promises that every connector keeps, tried against the real thing. */
export function describeConnector(fixture: ConformanceFixture): void {
  const { connector } = fixture;
  const lines: string[] = [];
  let sink = new MemorySink();
  let clock = new TestClock(at(NOW));

  const document = (more: Partial<SourceDocument['spec']> = {}): SourceDocument =>
    source('kit-source', {
      connector: connector.spec.id,
      config: fixture.config(),
      window: fixture.window,
      map,
      ...(fixture.query === undefined ? {} : { query: fixture.query }),
      ...more,
    });
  const note = (fields: object, message?: string): void => {
    lines.push(
      JSON.stringify([fields, message], (_key, value: unknown) =>
        value instanceof Error ? [value.message, value.stack, value.cause] : value,
      ),
    );
  };
  const logger: Logger = { error: note, warn: note, info: note, debug: note };
  const input = (more: Partial<LiveInput> = {}): LiveInput => ({
    source: document(),
    connector,
    metrics,
    sink,
    clock,
    egress: createEgress({ allow: fixture.allow() ?? [] }),
    files: projectFiles(fixture.projectDir?.() ?? '.'),
    secrets: { env: fixture.env ?? {} },
    budgets: createBudgets(clock),
    logger,
    signal: new AbortController().signal,
    run: 'kit-run',
    state: sink.state('kit-source'),
    ...more,
  });
  const run = (more: Partial<LiveInput> = {}): Promise<RunReport> => runLive(input(more));
  const stages = async (more: Partial<LiveInput> = {}) => collect(check(input(more)));
  const failure = async (work: Promise<unknown>): Promise<Error> => {
    const error: unknown = await work.then(
      () => new Error('it did not fail'),
      (reason: unknown) => reason,
    );
    return error instanceof Error ? error : new Error(String(error));
  };
  const days = (first: number, last: number, amount = '1'): KitRow[] =>
    Array.from({ length: last - first + 1 }, (_, index) => ({
      day: `2026-11-${String(first + index).padStart(2, '0')}`,
      region: 'emea',
      amount,
    }));

  describe(`connector ${connector.spec.id} keeps its promises`, () => {
    beforeAll(() => fixture.start());
    afterAll(() => fixture.stop());
    beforeEach(() => {
      sink = new MemorySink();
      clock = new TestClock(at(NOW));
    });

    it('has a schema that takes its configuration, and refuses its secret written in the open', () => {
      expect(validateConfig(connector.spec, fixture.config())).toEqual([]);
      expect(validateConfig(connector.spec, { ...fixture.config(), surprise: 1 })).not.toEqual([]);
      if (fixture.canary === undefined) return;
      const text = JSON.stringify(fixture.config()).replace(/\$\{secret:[^}]*\}/g, () =>
        JSON.stringify(fixture.canary).slice(1, -1),
      );
      expect(secretPointers(configSchema(connector.spec))).not.toEqual([]);
      expect(
        validateConfig(connector.spec, JSON.parse(text))
          .map((fault) => fault.message)
          .join(),
      ).toContain('must be a reference');
    });
    it('passes every stage of its check when it can be read', async () => {
      await fixture.put(days(1, 4));
      const found = await stages();
      expect(found.filter((stage) => !stage.ok)).toEqual([]);
      expect(found.at(-1)?.stage).toBe('sample');
    });
    it('fails its check at the stage that is at fault, with a remedy', async () => {
      for (const bad of fixture.bad()) {
        const found = await stages({
          source: document({ config: bad.config }),
          secrets: { env: bad.env ?? fixture.env ?? {} },
        });
        expect([bad.why, found.at(-1)?.stage, found.at(-1)?.ok]).toEqual([bad.why, bad.stage, false]);
        expect(found.at(-1)?.remedy).toMatch(/\.$/);
      }
    });
    it('discovers columns that its rows have', async () => {
      await fixture.put(days(1, 1));
      const streams = await discover(input());
      if (connector.discover === undefined) return;
      const columns = streams.flatMap((stream) => stream.columns.map((column) => column.name));
      expect(columns).toEqual(expect.arrayContaining(['day', 'region', 'amount']));
    });
    it('previews rows, their points and their names, and writes nothing', async () => {
      await fixture.put(days(1, 4));
      const shown = await preview(input(), { limit: 2 });
      expect(shown.rows).toHaveLength(2);
      expect(shown.rows[0]?.points[0]).toMatchObject({
        metric: 'kit',
        point: { value: '1', dimensions: { region: 'emea' } },
      });
      expect(sink.facts).toEqual([]);
    });
    it('states equal points in two reads', async () => {
      await fixture.put(days(1, 4));
      await run();
      const first = sink.standing('kit');
      expect(Object.keys(first)).toHaveLength(4);
      clock.time += 1000;
      expect(await run({ whole: true })).toMatchObject({ refused: 0, retracted: 0 });
      expect(sink.standing('kit')).toEqual(first);
    });
    it('loses and doubles nothing when killed at any append', async () => {
      await fixture.put(days(1, 4));
      await run();
      const whole = { standing: sink.standing('kit'), appends: sink.appends.length };
      for (let crash = 0; crash < whole.appends; crash++) {
        sink = new MemorySink();
        sink.crashAfter = crash;
        await expect(run()).rejects.toThrow();
        sink.crashAfter = Number.POSITIVE_INFINITY;
        await run();
        expect(sink.standing('kit')).toEqual(whole.standing);
      }
    });
    it('keeps every digit: above 2^53, nine places, twenty-nine places before the point', async () => {
      const exact = ['9007199254740993', '0.123456789', '12345678901234567890123456789', '-0.5', '1000000'];
      await fixture.put(exact.map((amount, index) => ({ day: '2026-11-04', region: `r${index}`, amount })));
      expect(await run()).toMatchObject({ refused: 0 });
      expect(Object.values(sink.standing('kit'))).toEqual(exact);
    });
    it('takes NULL for no value, and refuses NaN without losing the rest', async () => {
      await fixture.put([
        { day: '2026-11-04', region: 'none', amount: null },
        { day: '2026-11-04', region: 'nan', amount: 'NaN' },
        { day: '2026-11-04', region: 'good', amount: '7' },
      ]);
      const report = await run();
      expect(report).toMatchObject({ absent: 1, refused: 1, stated: 1 });
      expect(report.refusedRows[0]).toMatchObject({ code: 'not_a_number', at: expect.any(String) });
      expect(sink.standing('kit')).toEqual({ '2026-11-04 good': '7' });
      expect(sink.covered('kit')).toEqual([]);
    });
    it('lets A, then B, then A again stand as A', async () => {
      for (const amount of ['10', '20', '10']) {
        await fixture.put(days(4, 4, amount));
        await run();
        clock.time += 60_000;
      }
      expect(sink.standing('kit')).toEqual({ '2026-11-04 emea': '10' });
    });
    it('catches a row that came late, and retracts one that went', async () => {
      await fixture.put(days(3, 4));
      await run();
      clock.time += 60_000;
      await fixture.put([...days(4, 4), { day: '2026-11-03', region: 'late', amount: '5' }]);
      expect(await run()).toMatchObject({ retracted: 1 });
      expect(sink.standing('kit')).toEqual({ '2026-11-03 late': '5', '2026-11-04 emea': '1' });
    });
    it('keeps its state over an empty window, and refuses to lose everything at once', async () => {
      await fixture.put(
        Array.from({ length: 15 }, (_, index) => ({ day: '2026-11-04', region: `r${index}`, amount: '1' })),
      );
      await run();
      const before = { state: sink.state('kit-source'), standing: sink.standing('kit') };
      await fixture.put([]);
      clock.time += 60_000;
      await expect(run()).rejects.toMatchObject({ code: 'mass_retraction' });
      expect(sink.state('kit-source')).toEqual(before.state);
      expect(sink.standing('kit')).toEqual(before.standing);
    });
    it('begins anew from a state of the future and neither crashes nor goes back', async () => {
      await fixture.put(days(1, 4));
      const report = await run({ state: { stateVersion: 99, state: { future: true } } });
      expect(report.notes).toHaveLength(1);
      expect(Object.keys(sink.standing('kit'))).toHaveLength(4);
    });
    it('fills [a,b) and [b,c) as it fills [a,c)', async () => {
      await fixture.put(days(1, 4));
      const fill = (from: string, to: string) =>
        runBackfill({ ...input(), from: at(from), to: at(to), state: sink.state(backfillKey('kit-source'))?.state });
      await fill('2026-10-31T23:00:00Z', '2026-11-02T23:00:00Z');
      await fill('2026-11-02T23:00:00Z', '2026-11-04T23:00:00Z');
      const two = sink.standing('kit');
      sink = new MemorySink();
      await fill('2026-10-31T23:00:00Z', '2026-11-04T23:00:00Z');
      expect(sink.standing('kit')).toEqual(two);
      expect(Object.keys(two)).toHaveLength(4);
    });
    it('ends within a second when cancelled', async () => {
      const slow = fixture.slow?.();
      const abort = new AbortController();
      if (slow === undefined) abort.abort(new Error('cancelled by a person'));
      else setTimeout(() => abort.abort(new Error('cancelled by a person')), 300);
      const began = performance.now();
      const error = await failure(run({ source: document(slow ?? {}), signal: abort.signal }));
      expect(error.message).toContain('cancelled by a person');
      expect(performance.now() - began).toBeLessThan(300 + CANCEL_MS_MAX);
      expect(sink.facts).toEqual([]);
    });
    it('reaches nothing that egress does not allow', async () => {
      if (fixture.allow() === null) return;
      await expect(run({ egress: createEgress() })).rejects.toMatchObject({ kind: 'config', code: 'egress_refused' });
    });
    it('shows its secret nowhere: not in facts, logs, errors, checks or previews', async () => {
      const { canary } = fixture;
      if (canary === undefined) return;
      await fixture.put(days(1, 4));
      await run();
      const shown: unknown[] = [sink.facts, await stages(), await preview(input(), { limit: 5 })];
      for (const bad of fixture.bad()) {
        const broken = document({ config: bad.config });
        shown.push(await stages({ source: broken }));
        const error = await failure(run({ source: broken }));
        shown.push(error.message, error.stack, String(error.cause), JSON.stringify(error));
      }
      const everything = JSON.stringify(shown) + lines.join();
      for (const form of [canary, encodeURIComponent(canary), Buffer.from(canary).toString('base64').slice(0, 12)])
        expect(everything).not.toContain(form);
    });
  });
}
