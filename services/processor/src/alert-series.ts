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

/** The points of one series, and the machine of every rule that watches it. */
export class AlertSeries {
  readonly key: SeriesKey;
  #points: AlertPoint[];
  /** Points were dropped from the front: a rule that has not folded them must read them back. */
  #dropped = false;
  readonly #folded = new Map<string, Folded>();
  /** The latest evaluation noted; what a reminder shows. */
  latest: Evaluation | null = null;

  constructor(key: SeriesKey, points: readonly AlertPoint[]) {
    this.key = key;
    this.#points = [...points];
  }

  /** Takes a judgement in; `false` when it is older than all that is held, and the series must be read anew. */
  note(evaluation: Evaluation): boolean {
    const point = alertPoint(evaluation);
    if (this.latest === null || this.latest.asOf <= evaluation.asOf) this.latest = evaluation;
    const last = this.#points.at(-1);
    if (last === undefined || point.at > last.at) {
      this.#points.push(point);
      return true;
    }
    const index = this.#points.findIndex(({ at }) => at >= point.at);
    if (index === 0 && this.#dropped && this.#points[0]?.at !== point.at) return false;
    this.#points.splice(index, this.#points[index]?.at === point.at ? 1 : 0, point);
    for (const folded of this.#folded.values()) if (folded.count > index) this.#restart(folded);
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
      const point = this.#points[folded.count];
      if (point !== undefined) folded.state = evolveAlert(folded.state, point, rule);
      folded.count++;
    }
    return folded.state;
  }

  /** Lets go of old points, once every rule has folded them. */
  trim(): void {
    const excess = this.#points.length - POINTS_MAX;
    if (excess <= POINTS_MAX / 10) return;
    const dropped = this.#points.slice(0, excess);
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

export function seriesText({ subject, period }: SeriesKey): string {
  return `${subject}\n${period}`;
}
