import {
  ALERT_OK,
  type AlertPoint,
  type AlertState,
  alertPoint,
  type Evaluation,
  evolveAlert,
  foldAlert,
  type RuleOf,
  type SeriesKey,
} from '@paceline/domain';

/** Grid points kept in memory; a correction of an older one reads all of them back. */
const POINTS_MAX = 1_000;

interface Folded {
  readonly rule: RuleOf;
  /** Identity of the rule as folded; another one folds anew. */
  readonly version: string;
  /** Before the first point held. */
  base: AlertState;
  state: AlertState;
  /** Points already in `state`. */
  count: number;
}

/**
 * What a subject said at an instant. `kpi/NAME` and `kpi/NAME@LABEL` can both say something there, where a KPI was of single
 * buckets before: what closes the period comes last.
 */
interface Noted {
  readonly subject: string;
  readonly point: AlertPoint;
}

/** The points of one series, and the machine of every rule that watches it. */
export class AlertSeries {
  readonly key: SeriesKey;
  #points: Noted[] = [];
  /** Points were dropped from the front: a rule that has not folded them must read them back. */
  #dropped = false;
  readonly #folded = new Map<string, Folded>();
  /** The latest evaluation noted; what a reminder shows. */
  latest: Evaluation | null = null;

  constructor(key: SeriesKey) {
    this.key = key;
  }

  /** Takes a judgement in; `false` when it is older than all that is held, and the series must be read anew. */
  note(evaluation: Evaluation): boolean {
    const { subject } = evaluation;
    const noted = { subject, point: alertPoint(evaluation) };
    if (this.latest === null || this.latest.asOf <= evaluation.asOf) this.latest = evaluation;
    const last = this.#points.at(-1);
    if (last === undefined || noted.point.at > last.point.at) {
      this.#points.push(noted);
      return true;
    }
    const before = this.#points.findIndex((other) => other.subject === subject && other.point.at === noted.point.at);
    if (before >= 0) this.#points.splice(before, 1);
    const found = this.#points.findIndex((other) => isAfter(other.point, noted.point));
    const index = found < 0 ? this.#points.length : found;
    if (index === 0 && this.#dropped && before < 0) return false;
    this.#points.splice(index, 0, noted);
    const changed = before < 0 ? index : Math.min(before, index);
    for (const folded of this.#folded.values()) if (folded.count > changed) this.#restart(folded);
    return true;
  }

  /** The machine of a rule folded to the present; `undefined` when points it needs were dropped. */
  state(name: string, version: string, rule: RuleOf): AlertState | undefined {
    let folded = this.#folded.get(name);
    if (folded === undefined || folded.version !== version) {
      if (this.#dropped) return undefined;
      folded = { rule, version, base: ALERT_OK, state: ALERT_OK, count: 0 };
      this.#folded.set(name, folded);
    }
    while (folded.count < this.#points.length) {
      const noted = this.#points[folded.count];
      if (noted !== undefined) folded.state = evolveAlert(folded.state, noted.point, rule);
      folded.count++;
    }
    return folded.state;
  }

  /** Lets go of old points, once every rule has folded them. */
  trim(): void {
    const excess = this.#points.length - POINTS_MAX;
    if (excess <= POINTS_MAX / 10) return;
    const dropped = this.#points.slice(0, excess).map(({ point }) => point);
    this.#points = this.#points.slice(excess);
    this.#dropped = true;
    for (const [name, folded] of this.#folded) {
      if (folded.count < excess) {
        this.#folded.delete(name);
        continue;
      }
      folded.base = foldAlert(dropped, folded.rule, folded.base);
      folded.count -= excess;
    }
  }

  #restart(folded: Folded): void {
    folded.state = folded.base;
    folded.count = 0;
  }
}

function isAfter(other: AlertPoint, point: AlertPoint): boolean {
  return other.at > point.at || (other.at === point.at && other.closing && !point.closing);
}

export function seriesText({ subject, period }: SeriesKey): string {
  return `${subject}\n${period}`;
}
