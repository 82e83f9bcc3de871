import type { PointStatement } from '../fact.ts';
import { EARLIEST, type Instant, LATEST } from '../instant.ts';
import { canonicalDecimal } from '../number/decimal.ts';
import { bucketAt } from '../time/bucket.ts';
import { instantText, readInstant } from '../time/instant-text.ts';
import { bucketOfLabel, grainsOfLabel, labelOf } from '../time/label.ts';
import { futureFrom, type Metric } from './metric.ts';
import { canonicalDimensions } from './statement.ts';
import { suggestion } from './suggest.ts';

/** An observation as a line of JSON or CSV says it, its metric already looked up. */
export interface RawObservation {
  readonly period?: unknown;
  readonly time?: unknown;
  readonly value?: unknown;
  readonly numerator?: unknown;
  readonly denominator?: unknown;
  readonly dimensions?: unknown;
  readonly id?: unknown;
  readonly revision?: unknown;
}

export type ObservationCode =
  | 'unknown_metric'
  | 'unknown_dimension'
  | 'not_a_number'
  | 'too_many_digits'
  | 'wrong_grain'
  | 'in_future'
  | 'missing_id'
  | 'missing_parts'
  | 'invalid_time';

export interface Refusal {
  readonly ok: false;
  readonly code: ObservationCode;
  readonly message: string;
  /** JSON pointer inside the observation: `/value`, `/dimensions/region`. */
  readonly pointer: string;
}
export type Acceptance = { readonly ok: true; readonly point: PointStatement } | Refusal;

const NO_POINT: Acceptance = { ok: true, point: {} };
const TEXT_MAX = 512;
const DIMENSIONS_MAX = 64;

/**
 * The canonical statement of an observation, or why it cannot be one. `metric` is `undefined` where a caller keeps
 * observations of unknown metrics (`allow_unknown`): then only what holds for every metric is checked. `recordedNow` is the log's time.
 */
export function acceptStatement(metric: Metric | undefined, raw: RawObservation, recordedNow: Instant): Acceptance {
  if (metric !== undefined && metric.expression !== null) {
    const operands = [...metric.operands.keys()].join(', ');
    return refuse(
      'unknown_metric',
      `${metric.name} is derived and takes no values; send those of ${operands}`,
      '/metric',
    );
  }
  const when = acceptWhen(metric, raw, recordedNow);
  if (!when.ok) return when;
  const said = acceptValue(metric, raw);
  if (!said.ok) return said;
  const dimensions = acceptDimensions(metric, raw.dimensions);
  if (!dimensions.ok) return dimensions;
  const id = acceptId(metric, raw.id, when.point.time !== undefined);
  if (!id.ok) return id;
  const revision = acceptRevision(metric, raw.revision);
  if (!revision.ok) return revision;
  return {
    ok: true,
    point: { ...when.point, ...said.point, ...dimensions.point, ...id.point, ...revision.point },
  };
}

function acceptWhen(metric: Metric | undefined, raw: RawObservation, now: Instant): Acceptance {
  const period = present(raw.period);
  const time = present(raw.time);
  if ((period === undefined) === (time === undefined)) {
    return refuse(
      'invalid_time',
      'an observation has either a `period` or a `time`',
      period === undefined ? '' : '/period',
    );
  }
  return period === undefined ? acceptTime(metric, time, now) : acceptPeriod(metric, period, now);
}

function acceptTime(metric: Metric | undefined, time: unknown, now: Instant): Acceptance {
  if (metric?.points === 'period') {
    return refuse(
      'wrong_grain',
      `${metric.name} takes a \`period\` (one value per ${metric.grain}), not a \`time\``,
      '/time',
    );
  }
  const at = typeof time === 'string' ? readInstant(time) : undefined;
  if (at === undefined) {
    return refuse(
      'invalid_time',
      `${shown(time)} is no instant; write it with its offset, to the microsecond at most, like 2026-11-22T06:00:00Z`,
      '/time',
    );
  }
  const bucket = metric === undefined ? undefined : bucketAt(metric.grid, at);
  if (at < EARLIEST || at > LATEST) return outOfRange(time, '/time');
  if (metric !== undefined && bucket === undefined) return outsideTable(metric, time, '/time');
  if (metric !== undefined && !metric.future && at >= futureFrom(metric, now))
    return inFuture(metric, time, now, '/time');
  return { ok: true, point: { time: instantText(at) } };
}

function acceptPeriod(metric: Metric | undefined, period: unknown, now: Instant): Acceptance {
  // A year may arrive as a number: 2026 in JSON, YAML and spreadsheets.
  const label = typeof period === 'number' ? String(period) : period;
  if (typeof label !== 'string' || label.length > TEXT_MAX) {
    return refuse('invalid_time', `${shown(period)} is no period; write it like 2026-11-22`, '/period');
  }
  if (metric === undefined) return { ok: true, point: { period: label } };
  if (metric.points === 'time') {
    return refuse('wrong_grain', `${metric.name} takes a \`time\` (samples or events), not a \`period\``, '/period');
  }
  const bucket = bucketOfLabel(metric.grid, label);
  if (bucket === undefined) return wrongPeriod(metric, label, now);
  if (bucket.from < EARLIEST || bucket.to > LATEST) return outOfRange(label, '/period');
  if (!metric.future && bucket.from >= futureFrom(metric, now)) return inFuture(metric, label, now, '/period');
  // Only an hour has several labels: one for each offset.
  return { ok: true, point: { period: metric.grain === 'hour' ? labelOf(metric.grid, bucket) : label } };
}

function wrongPeriod(metric: Metric, label: string, now: Instant): Refusal {
  const running = bucketAt(metric.grid, now);
  const example = running === undefined ? '' : ` such as ${labelOf(metric.grid, running)}`;
  const [grain] = grainsOfLabel(label);
  if (grain !== undefined && grain !== metric.grain) {
    return refuse('wrong_grain', `${label} is a ${grain}; ${metric.name} takes a ${metric.grain}${example}`, '/period');
  }
  if (metric.grain === 'hour' && grain === 'hour' && existsSomewhere(label)) {
    return refuse(
      'wrong_grain',
      `no hour of ${metric.zone.name} starts at ${label}; ${metric.name} takes one${example}`,
      '/period',
    );
  }
  return refuse(
    'invalid_time',
    `${shown(label)} is no ${metric.grain} of ${metric.zone.name}; ${metric.name} takes one${example}`,
    '/period',
  );
}

/** An hour that exists, though perhaps not as an hour of the metric's zone. */
function existsSomewhere(label: string): boolean {
  const minutes = /T\d{2}:/.test(label) ? label : label.replace(/T\d{2}/, '$&:00');
  return readInstant(minutes) !== undefined;
}

function acceptValue(metric: Metric | undefined, raw: RawObservation): Acceptance {
  const numerator = present(raw.numerator);
  const denominator = present(raw.denominator);
  const parts = numerator !== undefined || denominator !== undefined;
  if (metric?.aggregation === 'ratio' || (metric === undefined && parts)) {
    if (!parts && raw.value === null) return { ok: true, point: { value: null } };
    if (numerator === undefined || denominator === undefined) {
      return refuse(
        'missing_parts',
        `a ratio needs both \`numerator\` and \`denominator\`; \`value\`: null alone retracts`,
        numerator === undefined ? '/numerator' : '/denominator',
      );
    }
    const above = decimal(numerator, '/numerator');
    if (typeof above !== 'string') return above;
    const below = decimal(denominator, '/denominator');
    return typeof below === 'string' ? { ok: true, point: { numerator: above, denominator: below } } : below;
  }
  if (raw.value === null) return { ok: true, point: { value: null } };
  const value = decimal(raw.value, '/value');
  return typeof value === 'string' ? { ok: true, point: { value } } : value;
}

function decimal(written: unknown, pointer: string): string | Refusal {
  if (written === undefined) return refuse('not_a_number', 'a value is missing; send null to retract one', pointer);
  if (typeof written !== 'string' && typeof written !== 'number') {
    return refuse('not_a_number', `${shown(written)} is no decimal number; write it like "1234.5"`, pointer);
  }
  const text = canonicalDecimal(written);
  return typeof text === 'string' ? text : refuse(text.code, `${text.message}; ${text.remedy}`, pointer);
}

function acceptDimensions(metric: Metric | undefined, raw: unknown): Acceptance {
  if (raw === undefined || raw === null) return NO_POINT;
  if (typeof raw !== 'object' || Array.isArray(raw)) {
    return refuse('unknown_dimension', `dimensions are an object of texts, not ${shown(raw)}`, '/dimensions');
  }
  let dimensions: Record<string, string> | undefined;
  let count = 0;
  for (const [name, value] of Object.entries(raw)) {
    // Absent, null and "" are one: a table with a column of another metric's dimension leaves its cells empty.
    if (value === null || value === undefined || value === '') continue;
    if (metric !== undefined && !metric.dimensions.includes(name)) return unknownDimension(metric, name);
    const text = typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
    if (typeof text !== 'string' || text.length > TEXT_MAX || name.length > TEXT_MAX || name === '__proto__') {
      return refuse(
        'unknown_dimension',
        `${shown(value)} is no text of at most ${TEXT_MAX} characters`,
        pointerOf(name),
      );
    }
    dimensions ??= {};
    dimensions[name] = text;
    if (++count > DIMENSIONS_MAX) {
      return refuse('unknown_dimension', `more than ${DIMENSIONS_MAX} dimensions; no more are kept`, '/dimensions');
    }
  }
  if (dimensions === undefined) return NO_POINT;
  return { ok: true, point: { dimensions: count > 1 ? canonicalDimensions(dimensions) : dimensions } };
}

function unknownDimension(metric: Metric, name: string): Refusal {
  const known = metric.dimensions.length === 0 ? 'it has none' : `it has ${metric.dimensions.join(', ')}`;
  const hint = suggestion(name, metric.dimensions);
  return refuse(
    'unknown_dimension',
    `${metric.name} has no dimension ${shown(name)}: ${known}${hint}`,
    pointerOf(name),
  );
}

function pointerOf(name: string): string {
  return `/dimensions/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function acceptId(metric: Metric | undefined, raw: unknown, timed: boolean): Acceptance {
  const id = present(raw);
  if (id === undefined) {
    if (metric === undefined || !metric.needsId || !timed) return NO_POINT;
    return refuse(
      'missing_id',
      `events of ${metric.name} (${metric.aggregation}) need the source's key as \`id\`: two in one instant are two`,
      '/id',
    );
  }
  const text = typeof id === 'number' && Number.isFinite(id) ? String(id) : id;
  if (typeof text !== 'string' || text.length > TEXT_MAX) {
    return refuse('missing_id', `an \`id\` is a text of at most ${TEXT_MAX} characters`, '/id');
  }
  return { ok: true, point: { id: text } };
}

function acceptRevision(metric: Metric | undefined, raw: unknown): Acceptance {
  const written = present(raw);
  // Revisions count only where the metric says so.
  if (written === undefined || metric?.revisions === false) return NO_POINT;
  const revision = typeof written === 'string' && /^\d{1,16}$/.test(written) ? Number(written) : written;
  if (typeof revision !== 'number' || !Number.isSafeInteger(revision) || revision < 0) {
    return refuse('not_a_number', `a revision is a whole number from 0 to 2^53, not ${shown(written)}`, '/revision');
  }
  return { ok: true, point: { revision } };
}

/** Absent, null and "" are one. */
function present(raw: unknown): unknown {
  return raw === null || raw === '' ? undefined : raw;
}

function inFuture(metric: Metric, written: unknown, now: Instant, pointer: string): Refusal {
  return refuse(
    'in_future',
    `${shown(written)} is more than one ${metric.grain} ahead of ${instantText(now)}; a metric of plans says \`future: true\``,
    pointer,
  );
}

function outOfRange(written: unknown, pointer: string): Refusal {
  return refuse('invalid_time', `${shown(written)} lies outside the years 1900 to 2299`, pointer);
}

function outsideTable(metric: Metric, written: unknown, pointer: string): Refusal {
  return refuse(
    'invalid_time',
    `${shown(written)} lies in no period of the calendar ${metric.calendar.name ?? ''}; add the period to its table`,
    pointer,
  );
}

function refuse(code: ObservationCode, message: string, pointer: string): Refusal {
  return { ok: false, code, message, pointer };
}

function shown(written: unknown): string {
  const text = typeof written === 'string' ? JSON.stringify(written) : String(JSON.stringify(written) ?? written);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
