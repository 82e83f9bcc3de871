import { type ErrorEntry, entry } from './entry.ts';

/** What can be wrong with a pushed line or a check-in. */
export const OBSERVATIONS = {
  unknown_metric: entry(
    422,
    'No metric of that name is defined.',
    'Use the suggested name, define the metric first, or send allow_unknown=true to keep the value until it is.',
  ),
  unknown_dimension: entry(
    422,
    'The metric does not have that dimension.',
    "Remove it or add it to the metric's dimensions.",
  ),
  not_a_number: entry(422, 'A value is no finite decimal number.', 'Send a decimal such as "1234.50"; null retracts.'),
  too_many_digits: entry(
    422,
    'A number has more digits than are kept exactly.',
    'Round it at the source to at most 9 digits after the point and 29 before it.',
  ),
  wrong_grain: entry(
    422,
    "The period is no bucket of the metric's grain, or the point should have the other of period and time.",
    'Write the period as the message shows for this grain.',
  ),
  in_future: entry(
    422,
    "The point lies more than one grain ahead of the log's time.",
    'Correct the time, or set future: true on a metric that holds plans.',
  ),
  missing_id: entry(
    422,
    'A point of time has no id, so that two events in one instant could not be told apart.',
    "Send the source's own key as id.",
  ),
  missing_parts: entry(
    422,
    'A point of a ratio lacks numerator or denominator.',
    'Send both parts; Paceline divides them.',
  ),
  missing_metric: entry(422, 'An observation names no metric.', 'Add metric.'),
  missing_time: entry(422, 'An observation has neither period nor time.', 'Add the one that the metric uses.'),
  invalid_time: entry(422, 'A time is no ISO 8601 instant with a zone.', 'Write it like 2026-11-22T06:00:00Z.'),
  duplicate_point: entry(
    422,
    'Two rows of one read give one point different values.',
    'Group the rows in the query, or map the column that tells them apart as a dimension.',
  ),
  invalid_line: entry(422, 'A line is no observation.', 'Correct the line at the index named in the answer.'),
  push_refused: entry(422, 'The metric does not accept pushed values.', 'Feed it by its source, or set push: true.'),
  invalid_covered: entry(
    422,
    'A covered statement ends before it begins or lies in the future.',
    'Send from before to, and to not later than now.',
  ),
  all_rejected: entry(
    422,
    'Every line of the request was refused.',
    'Read rejected: it names code and pointer for each line.',
  ),
  still_dead: entry(
    422,
    'A dead letter cannot be taken now either.',
    'Read its payload and cause with paceline deadletter show, and push the corrected values or say again what it was meant to say.',
  ),
  invalid_check_in: entry(
    422,
    'A check-in does not fit its subject.',
    'Send what the key result takes: a value, done, or milestones by name.',
  ),
  not_check_in_fed: entry(
    422,
    'The key result reads a metric, so it takes no value from a check-in.',
    'Push a value to its metric; a note or a confidence is accepted.',
  ),
} as const satisfies Record<string, ErrorEntry>;
