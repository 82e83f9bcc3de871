import { type ErrorEntry, entry } from './entry.ts';

/** What can be wrong with a request, or keep one from being answered. */
export const REQUESTS = {
  invalid_request: entry(
    400,
    'Parameters or body do not have the shape that the operation takes.',
    'Correct each place listed in errors; /openapi.json describes the shape.',
  ),
  invalid_json: entry(400, 'The body is no valid JSON.', 'Correct the body near the place named in the message.'),
  invalid_csv: entry(
    400,
    'A body or a file is no valid CSV, or its header is missing.',
    'Correct the line named in the message; the header names metric, period or time, value and the dimensions.',
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
    'A cursor cannot be used: that of a page is not ours or belongs to another query, that of a source has no value in a row.',
    'Begin again without a cursor, or name a column that is never empty.',
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
  forbidden_workspace: entry(
    403,
    'The key belongs to another workspace than the one named.',
    "Leave the workspace out to mean the key's own, or use a key of the other one.",
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
    'A body is larger than the limit, before or after expansion.',
    'Send it, or ask for it, in smaller parts; the message names the limit.',
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
    'More requests were made than the limit allows.',
    'Wait as long as Retry-After says; sources do so by themselves.',
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
