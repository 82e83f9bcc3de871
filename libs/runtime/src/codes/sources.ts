import { type ErrorEntry, entry } from './entry.ts';

/** Sources, channels, and the way to them. */
export const SOURCES = {
  unreachable: entry(
    502,
    'The far side does not answer.',
    'Check that it runs and that a firewall lets this machine through; it is tried again by itself.',
  ),
  missing_package: entry(
    500,
    'A package that a connector needs is not installed.',
    'Install the package named in the message.',
  ),
  already_running: entry(
    409,
    'A run of the source is under way.',
    'Wait until it has ended; paceline check SOURCE shows its state.',
  ),
  unknown_host: entry(
    502,
    'The name of a host cannot be resolved.',
    'Check the spelling of the host and that this machine can resolve it.',
  ),
  timeout: entry(
    502,
    'The far side did not answer in time.',
    'It is tried again by itself; ask for less at a time if it repeats.',
  ),
  unavailable: entry(502, 'A database ended the connection or is not ready.', 'It is tried again by itself.'),
  statement_timeout: entry(
    502,
    'A database gave up the query of a source, because it took too long.',
    'Make the query quicker, shorten its window, or raise statementTimeout.',
  ),
  tls_failed: entry(
    502,
    'No secure connection could be made.',
    'Check certificate, host name and the TLS settings of the source.',
  ),
  http_status: entry(
    502,
    'The far side answered with an error.',
    'The message carries its words; what may pass is tried again by itself.',
  ),
  not_authorized: entry(
    502,
    'The far side refused user, password or token.',
    'Check the secret of the source or channel with paceline check.',
  ),
  not_permitted: entry(502, 'The user of a source may not read what the query names.', 'Grant it the right to read.'),
  write_refused: entry(
    422,
    'The query of a source would write.',
    'Use a query that only reads, and a user who may do no more.',
  ),
  unknown_database: entry(422, 'The database of a source does not exist.', 'Check its name.'),
  unknown_column: entry(
    422,
    'The map of a source names a column that no row has.',
    'Use one of the columns named in the message.',
  ),
  missing_query: entry(422, 'A source needs a query and has none.', 'Add query to the source.'),
  invalid_query: entry(
    422,
    'The query of a source cannot be used.',
    'Correct it; paceline preview SOURCE shows the rows.',
  ),
  invalid_map: entry(
    422,
    'The map of a source does not fit its rows or metrics.',
    'Correct map; paceline preview SOURCE shows rows and points.',
  ),
  invalid_rows: entry(
    422,
    'What a source answered holds no rows where they were expected.',
    'Correct rows of the source; paceline preview SOURCE shows what came.',
  ),
  invalid_header: entry(
    422,
    'The header of a CSV file cannot be used.',
    'Name the columns by header in the source, with skipLines: 1 if the file has a header line.',
  ),
  invalid_url: entry(422, 'An address cannot be used.', 'Write https://host/path, and keep credentials out of it.'),
  invalid_state: entry(
    500,
    'The stored state of a source does not fit its connector.',
    'Reset the state of the source; reading again is safe.',
  ),
  incompatible_windows: entry(
    422,
    'The metrics of one source have no common bucket edges.',
    'Give each metric its own source, or the same time zone.',
  ),
  window_too_large: entry(
    422,
    'A window changes more points than are held at once.',
    'Shorten window.period of the source.',
  ),
  no_windows: entry(
    422,
    'The source reads by cursor and has no windows to fill.',
    'Reset its state to read all of it again.',
  ),
  mass_retraction: entry(
    409,
    'A window would lose more than half of its points, so that nothing was written.',
    'Look at the source; confirm with paceline run SOURCE --once --allow-mass-retraction if it is right.',
  ),
  page_loop: entry(
    502,
    'The pages of a source do not end.',
    'Check its paging: the parameter, or where the next page is found.',
  ),
  reset_pagination: entry(
    502,
    'The far side asks to begin again with the first page.',
    'Nothing to do; it is read again by itself.',
  ),
  redirect_loop: entry(502, 'An address redirects again and again.', 'Use the final address.'),
  redirect_downgrade: entry(
    502,
    'An address redirects from https to plain http.',
    'Use the final address if plain http is meant.',
  ),
  invalid_redirect: entry(502, 'An address redirects to no address.', 'Use the final address.'),
  unsupported_encoding: entry(
    502,
    'The far side answers in an encoding that is not read.',
    'Ask it for gzip, deflate, br or none.',
  ),
  broken_body: entry(502, 'The far side sent a body that cannot be expanded.', 'It is tried again by itself.'),
  file_missing: entry(
    422,
    'A file does not exist in the project folder.',
    'Check the path; it is relative to the folder of paceline.yaml.',
  ),
  file_refused: entry(
    422,
    'A file is not one that a source may read.',
    'Give a path relative to the project folder, such as data/*.csv.',
  ),
  file_unreadable: entry(422, 'A file cannot be read.', 'Check that it exists, and its owner and permissions.'),
  egress_refused: entry(
    403,
    'The address is not one that sources and channels may call.',
    'Allow the host or network in egress.allow; link-local and metadata addresses are always refused.',
  ),
  invalid_egress: entry(
    422,
    'An entry of egress.allow is no host and no network.',
    'Write a host, *.host, or a CIDR such as 10.0.0.0/8.',
  ),
} as const satisfies Record<string, ErrorEntry>;
