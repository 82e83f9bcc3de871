import type { EventLog } from './port.ts';

/** Points behind the processor at which each kind of writer waits. Push is refused with Retry-After where live sources pause. */
export const LAG_POINTS_MAX = { backfill: 200_000, live: 2_000_000, push: 2_000_000 } as const;
export type Writer = keyof typeof LAG_POINTS_MAX;

export type Pressure =
  | { readonly ok: true; readonly pointsBehind: number }
  | { readonly ok: false; readonly pointsBehind: number; readonly retryAfterMs: number };

export interface LagGate {
  /** Whether the writer may append to the topic now. Asks the log at most once in `ageMsMax`. */
  check(topic: string, writer: Writer): Promise<Pressure>;
  /** Tells what was appended, so that records behind can be counted in points. */
  appended(topic: string, records: number, points: number): void;
}

interface Gauge {
  readAt: number;
  /** As of the last reading, and what was appended since. */
  pointsBehind: number;
  reading: Promise<void> | undefined;
  /** The latest appends of this process, the newest last. */
  readonly appends: Append[];
  /** Of all records that this process appended. */
  pointsPerRecord: number;
}

interface Append {
  readonly records: number;
  readonly points: number;
}

const RETRY_AFTER_MS_MIN = 1_000;
const RETRY_AFTER_MS_MAX = 30_000;
/** Weight of the latest append in the mean of points a record. */
const WEIGHT = 0.1;
const APPENDS_MAX = 10_000;

/**
 * Back-pressure from the log: writers stay within a distance of the processor's commits. The log counts records, which hold one point
 * or a thousand; what this process appended last is known to the point, older records and those of others are taken for its mean.
 */
export function lagGate(options: {
  readonly log: EventLog;
  /** The processor's group. */
  readonly group: string;
  readonly now: () => number;
  readonly ageMsMax?: number;
}): LagGate {
  const { log, group, now, ageMsMax = 1_000 } = options;
  const gauges = new Map<string, Gauge>();
  const gaugeOf = (topic: string): Gauge => {
    let gauge = gauges.get(topic);
    if (gauge === undefined) {
      const readAt = Number.NEGATIVE_INFINITY;
      gauge = { readAt, pointsBehind: 0, reading: undefined, appends: [], pointsPerRecord: 1 };
      gauges.set(topic, gauge);
    }
    return gauge;
  };
  const read = async (topic: string, gauge: Gauge): Promise<void> => {
    try {
      gauge.pointsBehind = pointsIn(gauge, await log.lag(group, topic));
      gauge.readAt = now();
    } finally {
      gauge.reading = undefined;
    }
  };
  return {
    async check(topic, writer) {
      const gauge = gaugeOf(topic);
      if (now() - gauge.readAt >= ageMsMax) {
        gauge.reading ??= read(topic, gauge);
        await gauge.reading;
      }
      const pointsBehind = Math.round(gauge.pointsBehind);
      const limit = LAG_POINTS_MAX[writer];
      if (pointsBehind < limit) return { ok: true, pointsBehind };
      const retryAfterMs = Math.min(RETRY_AFTER_MS_MAX, Math.ceil((RETRY_AFTER_MS_MIN * pointsBehind) / limit));
      return { ok: false, pointsBehind, retryAfterMs };
    },
    appended(topic, records, points) {
      if (records === 0) return;
      const gauge = gaugeOf(topic);
      // Between two readings the own appends count at once, so that a burst cannot pass unseen.
      gauge.pointsBehind += points;
      gauge.pointsPerRecord += WEIGHT * (points / records - gauge.pointsPerRecord);
      gauge.appends.push({ records, points });
      if (gauge.appends.length > 2 * APPENDS_MAX) gauge.appends.splice(0, APPENDS_MAX);
    },
  };
}

/** Points in the last records of the topic. */
function pointsIn({ appends, pointsPerRecord }: Gauge, recordsBehind: number): number {
  let left = recordsBehind;
  let points = 0;
  for (let at = appends.length - 1; at >= 0 && left > 0; at--) {
    const append = appends[at]!;
    const records = Math.min(left, append.records);
    points += (append.points * records) / append.records;
    left -= records;
  }
  return points + left * pointsPerRecord;
}
