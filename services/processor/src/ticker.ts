import { type Catalog, gridPoints, type Instant, offsetOf } from '@paceline/domain';
import { encodeFact } from '@paceline/events';
import type { Timer } from '@paceline/runtime';
import { judgedSubjects } from './candidates.ts';
import type { WorkspaceDeps } from './options.ts';
import type { Workspace } from './workspace.ts';

const MINUTE_MS = 60_000;
/** How far ahead grid points are looked for; nothing due until then is looked for again. */
const HORIZON_MS = 2 * 86_400_000;
/** A tick that may have been appended, or not, is waited for this long. */
const DOUBT_MS = 5_000;
/** Where the log's time stands still, as after its clock was put back, ticks come ever less often, down to this. */
const STANDSTILL_MS_MAX = 60_000;

/**
 * Appends the ticks of one workspace: only at the head of its log, never two in flight. A tick appended twice all the same
 * (an answer that got lost, a rebalance) is harmless: the second finds nothing due.
 */
export class Ticker {
  readonly #deps: WorkspaceDeps;
  readonly #workspace: Workspace;
  /** Offset of a tick that was appended and not yet judged; Infinity while the append runs. */
  #inFlight: number | null = null;
  #looking: Timer | null = null;
  #due: Timer | null = null;
  #next: { readonly catalog: Catalog; readonly last: Instant; readonly upTo: Instant; readonly at: Instant } | null =
    null;
  #lastAppend = Number.NEGATIVE_INFINITY;
  /**
   * How far this process's clock is ahead of the log's, as the last tick told. A tick's time is the log's: by its own clock a
   * process half an hour ahead would append one every second until the log's time came.
   */
  #aheadMs = 0;
  /** The grid point for which the last tick was appended, and how many in a row the log recorded before theirs. */
  #wanted = Number.NEGATIVE_INFINITY;
  #early = 0;
  #stopped = false;

  constructor(deps: WorkspaceDeps, workspace: Workspace) {
    this.#deps = deps;
    this.#workspace = workspace;
  }

  /** Something was taken and the head is reached: looks, a moment later, whether a tick is due. Cheap, as it is called often. */
  schedule(): void {
    if (this.#stopped || this.#looking !== null || this.#deps.options.ticks === 'manual') return;
    const waitMs = Math.max(this.#deps.options.touchedTickMs, 4 * this.#workspace.lastTickMs);
    this.#looking = this.#deps.clock.after(waitMs, () => {
      this.#looking = null;
      this.#look();
    });
  }

  /** Whether a tick would say something now: a grid point has passed, or something judged was touched. */
  get isDue(): boolean {
    const now = this.#deps.clock.now();
    return this.#dueAt(now) <= now;
  }

  /** Appends one tick now; answers its offset. */
  async append(): Promise<number> {
    const { log, topic, workspace, edition, clock } = this.#deps;
    this.#inFlight = Number.POSITIVE_INFINITY;
    this.#lastAppend = clock.now();
    const end = await log.end(topic);
    const id = `tick-${workspace}-${end}-${Math.floor(clock.now())}`;
    try {
      const { baseOffset } = await log.append(topic, [
        encodeFact(workspace, { type: 'tick', edition }, { id, source: 'processor' }),
      ]);
      this.#inFlight = baseOffset;
      return baseOffset;
    } catch (error) {
      // It may have been appended: whoever reads past the present end knows.
      this.#inFlight = end;
      this.#due = clock.after(DOUBT_MS, () => {
        this.#inFlight = null;
        this.schedule();
      });
      throw error;
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#looking?.cancel();
    this.#due?.cancel();
  }

  #look(): void {
    // Behind the head: it calls `schedule` again.
    if (this.#stopped || this.#busy() || !this.#workspace.isAtHead) return;
    const { clock, options, logger, workspace } = this.#deps;
    const now = clock.now() - this.#aheadMs;
    const dueAt = this.#dueAt(now);
    const due = Math.max(dueAt, this.#lastAppend - this.#aheadMs + this.#intervalMs(options.tickIntervalMsMin));
    this.#due?.cancel();
    this.#due = null;
    if (due > now) {
      if (Number.isFinite(due)) this.#due = clock.after(Math.min(due - now, HORIZON_MS), () => this.#look());
      return;
    }
    this.#wanted = dueAt < now ? dueAt : Number.NEGATIVE_INFINITY;
    this.append().catch((error: unknown) => {
      logger.warn({ workspace, err: error }, 'a tick could not be appended; tried again soon');
    });
  }

  #busy(): boolean {
    if (this.#inFlight === null) return false;
    const { committed, lastTick } = this.#workspace.progress;
    // Taken is not judged: a slow engine would let a second one through meanwhile.
    if (committed <= this.#inFlight) return true;
    if (lastTick !== null && offsetOf(lastTick.position) === this.#inFlight) {
      this.#aheadMs = this.#lastAppend - lastTick.recordedAt;
      this.#early = lastTick.recordedAt < this.#wanted ? this.#early + 1 : 0;
    }
    this.#inFlight = null;
    return false;
  }

  /** Two ticks are this far apart. One that comes early is nothing unusual, as clocks differ; one after the other is. */
  #intervalMs(least: number): number {
    return Math.max(least, Math.min(STANDSTILL_MS_MAX, least * 2 ** Math.max(0, this.#early - 1)));
  }

  /** The instant from which a tick is due: a grid point rounded up to the minute, or now when something judged was touched. */
  #dueAt(now: Instant): Instant {
    const { fold, judge } = this.#workspace;
    if (fold.catalog.position === null) return Number.POSITIVE_INFINITY;
    const last = fold.lastTick;
    if (last === null || judge.hasTouched(last.recordedAt)) return now;
    const repeat = judge.alerts.nextDue(last.recordedAt) ?? Number.POSITIVE_INFINITY;
    const due = Math.min(this.#nextGridPoint(last.recordedAt, now), repeat);
    return Number.isFinite(due) ? Math.ceil(due / MINUTE_MS) * MINUTE_MS : now + HORIZON_MS;
  }

  /** The first grid point after the last tick, within the horizon. Only ticks and definitions move it. */
  #nextGridPoint(last: Instant, now: Instant): Instant {
    const { catalog } = this.#workspace.fold;
    const known = this.#next;
    if (known !== null && known.catalog === catalog && known.last === last && now < known.upTo) return known.at;
    const upTo = Math.max(now, last) + HORIZON_MS;
    const at = gridPoints(catalog, { after: last, upTo }, judgedSubjects(catalog))[0]?.at ?? Number.POSITIVE_INFINITY;
    this.#next = { catalog, last, upTo, at };
    return at;
  }
}
