/**
 * The closed table of everything that can go wrong for a caller. A code is part of the contract: it is never renamed and
 * never given another meaning. `docs/errors.md` is generated from here and a test compares the two.
 */
export interface ErrorEntry {
  /** HTTP status when this code is the whole answer. Codes of single lines or documents carry the status of an answer that has nothing else. */
  readonly status: number;
  /** What happened, for a reader who has only the code. */
  readonly meaning: string;
  /** What to do about it. */
  readonly remedy: string;
}

function entry(status: number, meaning: string, remedy: string): ErrorEntry {
  return { status, meaning, remedy };
}

const DEFINITIONS = {
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
  baseline_equals_target: entry(
    422,
    'The baseline of a reach key result equals its target.',
    'Give two different values: there is no distance to cover otherwise.',
  ),
  missing_target: entry(
    422,
    'A subject that needs a target has none.',
    'Add a target, or say that there is none by leaving out the whole subject.',
  ),
  incompatible_grain: entry(
    422,
    'Grain, period or calendar of a subject do not fit its metric.',
    "Use a grain that is at least as coarse as the metric's own.",
  ),
  incompatible_aggregation: entry(
    422,
    'An aggregation does not fit the way it is used.',
    'Follow the message: it names the aggregations that fit.',
  ),
  unknown_dimension_in_where: entry(
    422,
    'A filter names a dimension that its metric does not have.',
    'Add the dimension to the metric or use the suggested name.',
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

const OBSERVATIONS = {
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
  missing_value: entry(422, 'An observation has no value.', 'Send value, or null to retract the point.'),
  missing_metric: entry(422, 'An observation names no metric.', 'Add metric.'),
  missing_time: entry(422, 'An observation has neither period nor time.', 'Add the one that the metric uses.'),
  invalid_time: entry(422, 'A time is no ISO 8601 instant with a zone.', 'Write it like 2026-11-22T06:00:00Z.'),
  invalid_id: entry(
    422,
    'An id is empty, too long or not printable.',
    "Use the source's key, 1 to 200 printable characters.",
  ),
  invalid_dimension: entry(
    422,
    'The value of a dimension is too long or no text.',
    'Send text of at most 200 characters.',
  ),
  invalid_revision: entry(
    422,
    'A revision is no whole number from 0 on, or its metric takes none.',
    'Send a whole number and set revisions: source on the metric.',
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

const REQUESTS = {
  invalid_request: entry(
    400,
    'Parameters or body do not have the shape that the operation takes.',
    'Correct each place listed in errors; /openapi.json describes the shape.',
  ),
  invalid_json: entry(400, 'The body is no valid JSON.', 'Correct the body near the place named in the message.'),
  invalid_csv: entry(
    400,
    'The body is no valid CSV, or its header is missing.',
    'Send a header line with metric, period or time, value and the dimensions.',
  ),
  invalid_encoding: entry(
    400,
    'The compressed body cannot be expanded.',
    'Send whole gzip data, or no Content-Encoding.',
  ),
  invalid_window: entry(
    400,
    'The window is unknown, or from does not lie before to.',
    'Use hour, day, week, month, quarter or year, and from before to.',
  ),
  invalid_position: entry(
    400,
    'A position is not of the form offset:index.',
    'Send the position as an earlier answer gave it, such as 1841:0.',
  ),
  invalid_cursor: entry(
    400,
    'The page cursor is not one of ours or belongs to another query.',
    'Begin again without a cursor.',
  ),
  unauthorized: entry(
    401,
    'The request has no valid key.',
    'Send Authorization: Bearer KEY; make one with paceline keys create.',
  ),
  forbidden: entry(
    403,
    'The key does not have the scope that the operation needs.',
    'Use a key with the scope named in the message.',
  ),
  forbidden_host: entry(
    403,
    'A server without keys answers only requests addressed to this machine by its own pages.',
    "Call it as 127.0.0.1 or localhost, add the page's origin to http.origins, or create a key.",
  ),
  not_found: entry(404, 'There is nothing at this address.', 'Check the path; /openapi.json lists all of them.'),
  unknown_subject: entry(
    404,
    'No subject of that id is defined.',
    'Use the suggested id; paceline status lists all of them.',
  ),
  unknown_workspace: entry(
    404,
    'No workspace of that name exists.',
    'Check the name, or apply definitions to create it.',
  ),
  unknown_alert: entry(404, 'No alert of that id is known.', 'Take the id from paceline alerts.'),
  unknown_source: entry(
    404,
    'No source of that name is defined.',
    'Use the suggested name; paceline check lists all of them.',
  ),
  unknown_command: entry(
    404,
    'No command of that id has been folded yet.',
    'Ask again later; a command is known once the processor has reached it.',
  ),
  method_not_allowed: entry(405, 'The address does not take this method.', 'Use one of the methods named in Allow.'),
  not_acceptable: entry(
    406,
    'None of the formats asked for can be given.',
    'Ask for one of the formats named in the message.',
  ),
  request_timeout: entry(
    408,
    'The request did not arrive whole in time.',
    'Send it again, in smaller parts if the line is slow.',
  ),
  conflict: entry(
    409,
    'The definitions have changed since they were read.',
    'Plan again and apply what the new plan says.',
  ),
  idempotency_conflict: entry(
    409,
    'The idempotency key was used before for another body.',
    'Use a new key for a new body.',
  ),
  already_closed: entry(
    409,
    'The alert has ended, so that there is nothing to acknowledge or snooze.',
    'Nothing to do; see paceline alerts for open ones.',
  ),
  body_too_large: entry(
    413,
    'The body is larger than the limit, before or after expansion.',
    'Send it in several requests below the limit named in the message.',
  ),
  too_many_rows: entry(
    413,
    'The answer would hold more rows than the limit.',
    'Narrow the range, use a coarser window, or take it page by page.',
  ),
  unsupported_media_type: entry(
    415,
    "The body's content type or encoding is not one that the operation takes.",
    'Send one of the types named in the message.',
  ),
  position_unreached: entry(
    409,
    'The position asked for was not reached within the time a read may wait.',
    'Ask again; health/ready says how far the processor is behind.',
  ),
  rate_limited: entry(
    429,
    'More requests came in a minute than the limit allows.',
    'Wait as long as Retry-After says.',
  ),
  backlogged: entry(
    429,
    'So many points wait to be processed that no more are taken.',
    'Wait as long as Retry-After says and send the same lines again.',
  ),
  internal: entry(
    500,
    "Something failed that should not; the request id finds it in the server's log.",
    'Try again; if it stays, report it with the request id.',
  ),
} as const satisfies Record<string, ErrorEntry>;

const OPERATION = {
  invalid_configuration: entry(
    500,
    'paceline.yaml or the environment has faults.',
    'Correct every fault listed; docs/configuration.md lists all keys.',
  ),
  not_loopback: entry(
    500,
    'Without a key the server listens on this machine only.',
    'Use host 127.0.0.1, or create a key first: paceline keys create.',
  ),
  incomplete_addresses: entry(
    500,
    'Some of the addresses of Kafka, ClickHouse and Redis are given and others not.',
    'Give all three, or none to run on embedded parts.',
  ),
  port_in_use: entry(
    500,
    'The port is taken by another program.',
    'Stop that program, choose another with --port, or let --port 0 pick one.',
  ),
  folder_locked: entry(
    500,
    'The data folder is owned by another running process.',
    'Stop that process, or talk to it with --url.',
  ),
  folder_not_writable: entry(
    500,
    'The data folder cannot be written.',
    'Check owner and permissions of the folder, or choose another with --dir.',
  ),
  disk_full: entry(
    503,
    'The disk has no room left; nothing that was accepted is lost.',
    'Free some room; the server goes on by itself.',
  ),
  not_ready: entry(
    503,
    'A part of the server has not caught up or cannot reach what it needs.',
    'Wait; health/ready names the part and how far it is behind.',
  ),
  stopping: entry(503, 'The server is stopping.', 'Send the request again in a moment.'),
  log_busy: entry(
    503,
    'The event log has more appends waiting than the bound allows.',
    'Wait as long as Retry-After says and send it again.',
  ),
  log_unavailable: entry(
    503,
    'The event log cannot be reached or does not confirm.',
    'Check the broker; what was not confirmed may be sent again safely.',
  ),
  log_refused: entry(
    500,
    'The event log refuses for a reason that waiting does not cure.',
    'Follow the message: it names the setting of the topic or the broker.',
  ),
  topic_shape: entry(
    500,
    'A topic exists in a shape that would break the one order.',
    'Facts topics have one partition and LogAppendTime; create it anew or correct its settings.',
  ),
  engine_unavailable: entry(
    503,
    "ClickHouse's engine cannot be reached.",
    'Check its address and that it runs; reads go on when it returns.',
  ),
  engine_failed: entry(
    500,
    "ClickHouse's engine refused a statement.",
    "The message carries the engine's own code; report it if you did not write the statement.",
  ),
  engine_limit: entry(
    503,
    "A query met the engine's limit of time, rows or memory.",
    'Narrow the range or use a coarser window.',
  ),
  schema_newer: entry(
    500,
    'The tables were made by a newer version of Paceline.',
    'Run that version or a newer one; tables are never migrated back.',
  ),
  jobs_unavailable: entry(
    503,
    'The job queue cannot be reached.',
    'Check Redis; schedules are rebuilt from the log when it returns.',
  ),
  invalid_fact: entry(
    500,
    'A record of the log cannot be read; it is kept in the dead letters.',
    'Look at it with paceline deadletter show, and retry it once its cause is gone.',
  ),
  unknown_fact_type: entry(
    500,
    'A record of the log has a type or version that this version does not know.',
    'Run a version that knows it, then paceline deadletter retry.',
  ),
  missing_package: entry(
    500,
    'A package that a connector needs is not installed.',
    'Install the package named in the message.',
  ),
  unreachable_server: entry(
    503,
    'No Paceline server answers at the address.',
    'Start one with paceline serve, or check --url.',
  ),
} as const satisfies Record<string, ErrorEntry>;

const SOURCES = {
  source_config: entry(
    422,
    'A source is set up wrongly, so that trying again cannot help.',
    'Correct what the message names, then paceline check SOURCE.',
  ),
  source_unreachable: entry(
    502,
    'A source could not be reached.',
    'Check host, port and network with paceline check SOURCE; it is tried again by itself.',
  ),
  source_refused: entry(
    502,
    'A source refused user, password or permission.',
    'Check the secret and the rights of the user with paceline check SOURCE.',
  ),
  source_failed: entry(
    502,
    'A source answered with an error.',
    "The message carries the source's own words; it is tried again by itself.",
  ),
  source_rate_limited: entry(
    502,
    'A source asks to be called less often.',
    'It is tried again when the source allows; lengthen schedule.every if it repeats.',
  ),
  source_loop: entry(
    502,
    'The pages of a source lead in a circle.',
    "Correct the paging of the source's configuration.",
  ),
  source_row: entry(
    422,
    'A row of a source is no observation, so that its window is not covered.',
    'Correct query or map; paceline preview SOURCE shows the rows.',
  ),
  source_too_large: entry(
    502,
    'A source answered with more than the limit.',
    'Narrow the window or select fewer columns.',
  ),
  mass_retraction: entry(
    409,
    'A window would lose more than half of its points, so that nothing was written.',
    'Look at the source; confirm with paceline run SOURCE --once --allow-mass-retraction if it is right.',
  ),
  egress_refused: entry(
    403,
    'The address is not one that sources and channels may call.',
    'Allow the host or network in egress.allow; link-local and metadata addresses are always refused.',
  ),
  delivery_failed: entry(
    502,
    'A channel did not take an alert.',
    "It is sent again for days; check the channel's address.",
  ),
} as const satisfies Record<string, ErrorEntry>;

/** The groups in the order in which the docs show them. */
export const ERROR_GROUPS = {
  Definitions: DEFINITIONS,
  Observations: OBSERVATIONS,
  Requests: REQUESTS,
  Operation: OPERATION,
  'Sources and channels': SOURCES,
} as const;

export const ERRORS = { ...DEFINITIONS, ...OBSERVATIONS, ...REQUESTS, ...OPERATION, ...SOURCES } as const;

export type ErrorCode = keyof typeof ERRORS;

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}
