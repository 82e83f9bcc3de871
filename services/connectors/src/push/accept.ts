import type { Catalog, Instant, ObservationsFact, PointStatement } from '@paceline/domain';
import { acceptStatement } from '@paceline/domain/metric/accept';
import { suggestion } from '@paceline/domain/metric/suggest';
import { observationFacts, readObservation } from '@paceline/events';
import type { Line } from './lines.ts';

export interface Rejected {
  /** Of the line in the body, from 0. */
  readonly index: number;
  readonly code: string;
  readonly message: string;
  /** JSON Pointer inside the observation. */
  readonly pointer: string;
}

export interface AcceptedPush {
  readonly accepted: number;
  /** The first thousand. */
  readonly rejected: readonly Rejected[];
  readonly rejectedCount: number;
  readonly facts: readonly ObservationsFact[];
}

export const REJECTED_SHOWN_MAX = 1_000;

/**
 * Judges every line and groups what is taken by metric, order kept. No schema runs per line: at a hundred thousand points a
 * second each microsecond counts, and the domain's own rules are what a schema would repeat.
 */
export function acceptPush(
  lines: readonly Line[],
  catalog: Catalog,
  now: Instant,
  allowUnknown: boolean,
): AcceptedPush {
  const byMetric = new Map<string, PointStatement[]>();
  const rejected: Rejected[] = [];
  let rejectedCount = 0;
  const refuse = (index: number, code: string, message: string, pointer: string): void => {
    rejectedCount++;
    if (rejected.length < REJECTED_SHOWN_MAX) rejected.push({ index, code, message, pointer });
  };
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index];
    if (line === undefined) continue;
    if (!line.ok) {
      refuse(index, line.code, line.message, '');
      continue;
    }
    const read = readObservation(line.line);
    if (!read.ok) {
      refuse(index, read.code, read.message, read.pointer);
      continue;
    }
    const metric = catalog.metrics.get(read.metric);
    if (metric === undefined && (!allowUnknown || !isMetricName(read.metric))) {
      const message = `no metric ${JSON.stringify(read.metric.slice(0, 80))} is defined${suggestion(read.metric, catalog.metrics.keys())}`;
      refuse(index, 'unknown_metric', message, '/metric');
      continue;
    }
    if (metric?.push === false) {
      refuse(index, 'push_refused', `${metric.name} says push: false; it is fed by its sources`, '/metric');
      continue;
    }
    const judged = acceptStatement(metric, read.raw, now);
    if (!judged.ok) {
      refuse(index, judged.code, judged.message, judged.pointer);
      continue;
    }
    const points = byMetric.get(read.metric);
    if (points === undefined) byMetric.set(read.metric, [judged.point]);
    else points.push(judged.point);
  }
  const facts = [...byMetric].flatMap(([metric, points]) => observationFacts({ metric, feeder: 'push' }, points));
  return { accepted: lines.length - rejectedCount, rejected, rejectedCount, facts };
}

function isMetricName(name: string): boolean {
  return /^[a-z0-9][a-z0-9_-]{0,62}$/.test(name);
}
