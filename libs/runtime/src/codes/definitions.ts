import { type ErrorEntry, entry } from './entry.ts';

/** What can be wrong with a document. */
export const DEFINITIONS = {
  unknown_key: entry(
    422,
    'A document has a key that its kind does not know.',
    'Remove the key or spell it as suggested; docs/definitions.md lists every key.',
  ),
  missing_key: entry(422, 'A required key is absent.', 'Add the key at the place named by the pointer.'),
  invalid_type: entry(
    422,
    'A value has the wrong type or is none of those allowed.',
    'Write a value of the type named in the message.',
  ),
  invalid_value: entry(
    422,
    'A value has the right type but lies outside what is allowed.',
    'Choose a value within the bounds named in the message.',
  ),
  invalid_name: entry(
    422,
    'A name does not fit [a-z0-9][a-z0-9_-]{0,62}.',
    'Use lower-case letters, digits, hyphens and underscores, at most 63, beginning with a letter or digit; put the readable form in title.',
  ),
  invalid_yaml: entry(422, 'A file is no valid YAML.', 'Correct the line and column named in the message.'),
  invalid_date: entry(
    422,
    'A date is no real calendar date of the form YYYY-MM-DD.',
    'Write an existing date, such as 2026-11-30.',
  ),
  invalid_duration: entry(422, 'A duration is not of the ISO 8601 form.', 'Write it like PT6H, P1D or P7D.'),
  invalid_timezone: entry(
    422,
    'A time zone is no IANA name.',
    'Use a name such as Europe/Berlin or UTC; abbreviations and offsets are not accepted.',
  ),
  invalid_expression: entry(
    422,
    'The expression of a derived metric cannot be read.',
    'Correct the expression at the column named in the message.',
  ),
  duplicate_name: entry(
    422,
    'Two documents of one kind, or two key results of one objective, have the same name.',
    'Rename or remove one of the two places named in the message.',
  ),
  unknown_reference: entry(
    422,
    'A document names another one that does not exist.',
    'Define it, or use the suggested name.',
  ),
  loop: entry(
    422,
    'Units, objectives or derived metrics refer to one another in a circle.',
    'Break the circle shown in the message at one of its links.',
  ),
  negative_weight: entry(422, 'A weight is below zero.', 'Use zero to leave a member out, or a positive weight.'),
  pace_on_level: entry(
    422,
    'A pace is given for a level, which has no path to its target.',
    'Remove pace, or make the subject cumulative or a reach key result.',
  ),
  bands_and_policy: entry(422, 'A KPI has both bands and a policy.', 'Keep one of the two.'),
  within_cumulative: entry(
    422,
    'Direction within is given for a cumulative KPI.',
    'Judge a cumulative number as higher or lower, or read it by each period.',
  ),
  baseline_on_cumulative: entry(
    422,
    'A baseline is given for a cumulative number, which begins at zero.',
    'Remove the baseline.',
  ),
  overlapping_dates: entry(
    422,
    'Two entries of one value take effect on the same date.',
    'Give each entry its own effectiveFrom.',
  ),
  unreachable_cycle: entry(
    422,
    'A key result cannot have a value within its cycle.',
    'Choose a grain that fits into the cycle, or another cycle.',
  ),
  missing_reason: entry(
    422,
    'A retroactive change gives no reason.',
    'Add reason to the entry; it is shown with every restatement it causes.',
  ),
  distinct_on_periods: entry(
    422,
    'Aggregation distinct is used on points of periods.',
    'Use points: time, where every event has its own id.',
  ),
  unknown_connector: entry(
    422,
    'A source names a connector that does not exist.',
    'Use one of the connectors named in the message.',
  ),
  invalid_config: entry(
    422,
    'The configuration of a source or channel does not fit its connector.',
    'Correct the key named by the pointer; docs/connectors.md describes each connector.',
  ),
  undefined_secret: entry(
    422,
    'A secret or environment reference has no value.',
    'Set it where the server runs; an environment reference may carry a default after the sign :-.',
  ),
  too_many_documents: entry(
    422,
    'There are more documents than the limit allows.',
    'Split the definitions over workspaces, or raise limits.documents.',
  ),
  invalid_definitions: entry(
    422,
    'Definition documents have faults, so that none of them was taken.',
    'Correct every fault listed; each names its document and place.',
  ),
  invalid_bounds: entry(
    422,
    'A low bound lies above the high one, or a band on the wrong side of the other.',
    'Swap the two values.',
  ),
  conflicting_keys: entry(422, 'Two keys that exclude each other are both given.', 'Keep one of the two.'),
  date_outside_cycle: entry(
    422,
    'A day lies outside the cycle in which it is read.',
    'Move it into the cycle, or choose another cycle.',
  ),
  focus: entry(
    422,
    'A unit or an objective has more goals than anybody can focus on; a warning that refuses nothing.',
    'Drop or merge some.',
  ),
  invalid_scenario: entry(
    422,
    'A scenario file does not have the shape of a scenario.',
    'Correct the key named by the pointer; docs/evaluation.md describes the shape.',
  ),
} as const satisfies Record<string, ErrorEntry>;
