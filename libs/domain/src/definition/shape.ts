import type { Document, Kind } from '../document.ts';
import type { Path, Reporter } from './fault.ts';

/**
 * The least shape the checks of meaning rely on. Parsers at the edge refuse far more; this only keeps a check from
 * stumbling over a document that came another way.
 */
type Test = (value: unknown) => boolean;

const text: Test = (value) => typeof value === 'string';
const scalar: Test = (value) => typeof value === 'string' || typeof value === 'number';
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const optional =
  (test: Test): Test =>
  (value) =>
    value === undefined || test(value);
const list =
  (test: Test): Test =>
  (value) =>
    Array.isArray(value) && value.every((item) => test(item));
const object =
  (keys: Readonly<Record<string, Test>>): Test =>
  (value) =>
    isObject(value) && Object.entries(keys).every(([key, test]) => test(value[key]));
const record =
  (test: Test): Test =>
  (value) =>
    isObject(value) && Object.values(value).every((item) => test(item));
const either =
  (...tests: readonly Test[]): Test =>
  (value) =>
    tests.some((test) => test(value));

const entries = (test: Test): Test => list(object({ effectiveFrom: text, value: test, reason: optional(text) }));
const dated = (test: Test): Test => optional(either(test, entries(test)));
const bounds = object({ low: scalar, high: scalar });
const value = either(scalar, bounds);
const pace = optional(
  either(
    (written) => written === 'linear' || written === 'seasonal',
    object({ seasonal: isObject }),
    object({ points: list(object({ elapsed: scalar, expected: scalar })) }),
    object({ phased: object({ mode: text, targets: list(object({ date: text, value: scalar })) }) }),
  ),
);
const period = either(
  (written) => written === 'latest',
  object({ toDate: text }),
  object({ each: text }),
  object({ rolling: object({ bucket: text, count: scalar }) }),
);
const keyResult = object({
  name: text,
  type: text,
  metric: optional(text),
  where: optional(record(text)),
  baseline: dated(scalar),
  target: dated(value),
  grain: optional(text),
  weight: dated(scalar),
  milestones: optional(list(object({ name: text, weight: optional(scalar), due: optional(text) }))),
  pace,
  policy: dated(text),
});
const sourceMap = object({ metric: text, dimensions: optional(either(list(text), record(text))) });

const SPECS: Readonly<Record<Kind, Readonly<Record<string, Test>>>> = {
  Unit: { parent: optional(text) },
  Cycle: { firstDay: text, lastDay: text, timezone: text },
  Calendar: {
    timezone: text,
    periods: optional(list(object({ label: text, firstDay: text, lastDay: text }))),
  },
  Metric: {
    grain: text,
    aggregation: optional(text),
    derived: optional(text),
    timezone: optional(text),
    calendar: optional(text),
    dimensions: optional(list(text)),
  },
  Kpi: {
    metric: text,
    direction: text,
    period,
    unit: optional(text),
    cycle: optional(text),
    calendar: optional(text),
    where: optional(record(text)),
    targets: optional(entries(value)),
    pace,
    policy: dated(text),
    bands: dated(object({ onTrack: optional(scalar), atRisk: optional(value) })),
  },
  Objective: {
    cycle: text,
    unit: optional(text),
    parent: optional(text),
    weight: dated(scalar),
    policy: dated(text),
    pace,
    keyResults: optional(list(keyResult)),
  },
  Policy: { kind: text, onTrack: record(scalar), atRisk: record(scalar) },
  Source: { map: either(sourceMap, list(sourceMap)) },
  AlertRule: { watch: list(text), channels: optional(list(text)) },
  Channel: {},
};

/** Whether the other checks may look at the document; says what keeps them from it. */
export function hasShape(document: Document, report: Reporter): boolean {
  const spec: unknown = document.spec;
  if (!isObject(spec)) {
    report('missing_key', ['spec'], 'the document has no `spec`');
    return false;
  }
  let sound = true;
  for (const [key, test] of Object.entries(SPECS[document.kind])) {
    if (test(spec[key])) continue;
    const path: Path = ['spec', key];
    if (spec[key] === undefined) report('missing_key', path, `\`${key}\` is missing`);
    else report('invalid_type', path, `\`${key}\` has another form than a ${document.kind} takes`);
    sound = false;
  }
  return sound;
}
