import { type ErrorEntry, entry } from './entry.ts';

/** The event log and what is wrong with its records. */
export const LOG = {
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
  log_locked: entry(
    500,
    'The data folder is owned by another running process.',
    'Stop that process, talk to it with --url, or choose another --dir.',
  ),
  log_missing: entry(
    500,
    'There is no event log in the folder.',
    'Run paceline serve there first, or choose another --dir.',
  ),
  log_corrupt: entry(
    500,
    'The file of the event log is damaged.',
    'Restore it from a backup; nothing was changed in it.',
  ),
  log_truncated: entry(
    500,
    'The file of the event log ends before what was acknowledged: it was cut off, or an older copy was put in its place.',
    'Restore it with its -wal from the same moment; or remove log.end and clickhouse/ to go on from the older copy.',
  ),
  log_version: entry(
    500,
    'The event log was written by another version of Paceline.',
    'Use the version that wrote it, or a newer one.',
  ),
  log_disk_full: entry(
    503,
    'The disk of the event log has no room left; what was accepted is safe.',
    'Free some room; the server goes on by itself.',
  ),
  log_unwritable: entry(
    500,
    'The file of the event log cannot be read or written.',
    'Check owner, rights and disk of the data folder.',
  ),
  log_read_only: entry(
    500,
    'The event log was opened to read only.',
    'Append through the process that owns the folder.',
  ),
  log_closed: entry(
    503,
    'The event log has been closed.',
    'The server is stopping; send the request again in a moment.',
  ),
  too_many_topics: entry(
    500,
    'The event log of the folder has as many topics as it may.',
    'Use another folder for further workspaces.',
  ),
  topic_unknown: entry(
    404,
    'The event log has no such topic.',
    'Apply definitions to the workspace first; that creates it.',
  ),
  topic_name_invalid: entry(
    500,
    'The name cannot be that of a topic.',
    'Use 1 to 249 letters, digits, dots, underscores and hyphens.',
  ),
  topic_partitions: entry(
    500,
    'A topic has several partitions, which would break the one order.',
    'Create it anew with one partition and copy the records in order.',
  ),
  topic_settings: entry(
    500,
    'A topic has settings that would break the one order or lose records.',
    'Run the command of the message; it names setting and value.',
  ),
  topic_revoked: entry(
    503,
    'The topic was given to another member of the group.',
    'Nothing to do; that member goes on from the last commit.',
  ),
  not_assigned: entry(
    500,
    'A topic was used by a member of the group that does not read it.',
    'Nothing to do; the member that reads it goes on.',
  ),
  commit_out_of_range: entry(
    500,
    'A commit lies beyond the end of the topic.',
    'Report it with the text of the message; nothing was committed.',
  ),
  offset_out_of_range: entry(
    500,
    'A topic ends before the place to read from: it lost records or was made anew.',
    'Restore the topic, or rebuild what was derived from it with paceline replay.',
  ),
  empty_append: entry(500, 'Nothing was given to append.', 'Report it with the text of the message.'),
  message_too_large: entry(413, 'A record would be larger than the event log takes.', 'Send it in smaller parts.'),
  header_invalid: entry(
    500,
    'A header of a record is empty or has a line break.',
    'Report it with the text of the message.',
  ),
  invalid_fact: entry(
    500,
    'The body of a record does not have the shape of its type; it is kept in the dead letters.',
    'Look at it with paceline deadletter show, and retry it once its cause is gone.',
  ),
  unknown_type: entry(
    500,
    'A record is of a type that this version does not know; it is kept in the dead letters.',
    'Run a version that knows it, then paceline deadletter retry.',
  ),
  unknown_version: entry(
    500,
    'A record is of a version of its type that this version does not know; it is kept in the dead letters.',
    'Run a version that knows it, then paceline deadletter retry.',
  ),
  missing_header: entry(
    500,
    'A record lacks a header that every record has; it is kept in the dead letters.',
    'Correct the program that wrote it and let it write again.',
  ),
  invalid_recorded_at: entry(
    500,
    'The recorded time of a record is no instant; it is kept in the dead letters.',
    'Correct the program that wrote it and let it write again.',
  ),
  record_too_large: entry(
    500,
    'A record is larger than any of ours; it is kept in the dead letters.',
    'Correct the program that wrote it and let it write smaller records.',
  ),
} as const satisfies Record<string, ErrorEntry>;
