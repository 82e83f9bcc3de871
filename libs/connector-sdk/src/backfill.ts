import type { Instant, JsonValue } from '@paceline/domain';
import { ConnectorFault } from './fault.ts';
import {
  add,
  BACKFILL_BEHIND_MAX,
  extentOf,
  modeOf,
  openReport,
  prepare,
  type RunInput,
  type RunReport,
  readWindow,
} from './run.ts';
import { streamOf, withSession } from './session.ts';
import { type BackfillState, backfillKey, decodeBackfill, encodeBackfill, RUN_STATE_VERSION } from './state.ts';
import { alignDown, alignUp, cut, instantLabel } from './window.ts';

export interface BackfillProgress {
  readonly run: string;
  readonly windowsDone: number;
  readonly windowsTotal: number;
  /** Everything before it is done. */
  readonly at: Instant;
  readonly from: Instant;
  readonly to: Instant;
  readonly rows: number;
  readonly stated: number;
  readonly refused: number;
}

export interface BackfillInput extends RunInput {
  readonly from: Instant;
  readonly to: Instant;
  /** State under `backfillKey`, from which an unfinished backfill of the same span goes on. */
  readonly state: JsonValue | undefined;
  progress?(progress: BackfillProgress): void;
}

/** Periods in one window: small enough that progress is seen and a pause loses little. */
const PERIODS_MIN = 7;

/**
 * States `[from, to)` again, whole, in bounded windows under a run of its own. The live cursor stays where it is. Retracts
 * nothing: what the source stated long ago is not known here.
 */
export async function runBackfill(input: BackfillInput): Promise<RunReport> {
  return withSession(input, input.source, input.connector, input.signal, async (session) => {
    const { source, connector, clock, sink, signal } = input;
    const began = clock.now();
    if (modeOf(connector, session.config) !== 'window') {
      throw new ConnectorFault(
        'config',
        'no_windows',
        `source ${source.metadata.name} reads by cursor and has no windows to fill`,
        {
          remedy: 'Reset its state to read everything again.',
        },
      );
    }
    const stream = streamOf(source);
    const extent = extentOf(connector, session.config, stream);
    const { mappings, shape } = prepare(source, input.metrics, extent === 'whole');
    const from = alignDown(shape, input.from);
    const to = Math.min(alignUp(shape, input.to), alignDown(shape, began - shape.settleMs));
    if (from >= to) {
      throw new ConnectorFault(
        'config',
        'invalid_window',
        `there is nothing settled between ${instantLabel(input.from)} and ${instantLabel(input.to)}`,
        {
          remedy: 'Give --from before --to, with --to not later than the last whole period.',
        },
      );
    }
    let progress = resumed(decodeBackfill(input.state), from, to) ?? {
      run: input.run,
      from,
      to,
      next: from,
      done: false,
    };
    const windows = cut(shape, { from, to }, PERIODS_MIN).filter((window) => window.to > progress.next);
    const total = cut(shape, { from, to }, PERIODS_MIN).length;
    const named = { ...input, run: progress.run };
    const report = openReport(
      named,
      'backfill',
      { from, to },
      progress.next > from ? [`resumed at ${instantLabel(progress.next)}`] : [],
    );
    const tell = (): void =>
      input.progress?.({
        run: progress.run,
        windowsDone: total - windows.length + report.windows,
        windowsTotal: total,
        at: progress.next,
        from,
        to,
        rows: report.rows,
        stated: report.stated,
        refused: report.refused,
      });
    tell();
    for (const window of windows) {
      await sink.room(BACKFILL_BEHIND_MAX, signal);
      const read = await readWindow(named, session, {
        mappings,
        shape,
        stream,
        window,
        extent,
        known: null,
        whole: true,
        allowMassRetraction: true,
        now: began,
        rememberFrom: Number.POSITIVE_INFINITY,
      });
      add(report, read.counts, read.refusedRows);
      progress = { ...progress, next: window.to, done: window.to >= to };
      report.position = await sink.append([
        ...read.facts,
        {
          type: 'source_state',
          source: backfillKey(source.metadata.name),
          stateVersion: RUN_STATE_VERSION,
          state: encodeBackfill(progress),
          run: progress.run,
        },
      ]);
      report.windows++;
      tell();
    }
    return { ...report, elapsedMs: clock.now() - began };
  });
}

function resumed(state: BackfillState | null, from: Instant, to: Instant): BackfillState | null {
  return state !== null && !state.done && state.from === from && state.to === to ? state : null;
}
