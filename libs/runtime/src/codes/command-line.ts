import { type ErrorEntry, entry } from './entry.ts';

/** What only the command line can meet. */
export const COMMAND_LINE = {
  invalid_option: entry(
    400,
    'An option has a value that it does not take.',
    'Use one of those named in the message; --help shows all options.',
  ),
  server_unreachable: entry(
    503,
    'No Paceline server answers at the address.',
    'Start one with paceline serve, or leave out --url to work on the folder itself.',
  ),
  unexpected_answer: entry(502, 'What answers at the address is not Paceline, or is another version.', 'Check --url.'),
  folder_unusable: entry(400, 'The folder cannot be used.', 'Name a folder that you may write to.'),
  folder_not_empty: entry(
    409,
    'The folder already holds files that would be overwritten.',
    'Name a new folder: nothing is ever overwritten.',
  ),
  unknown_key_id: entry(404, 'No key has that id or name.', 'Take the id from paceline keys list.'),
  empty_file: entry(
    422,
    'The file has no lines after its header.',
    'The first line names the columns, each further line is one value.',
  ),
  no_definitions: entry(
    422,
    'The path holds no definition documents.',
    'Name a file or folder with YAML documents of paceline/v1.',
  ),
  replay_failed: entry(
    502,
    'The server ended its answer before a replay had its report.',
    'Look into the log of the server, and replay again: what was built is built anew.',
  ),
  no_scenarios: entry(422, 'The path holds no scenarios.', 'Name a scenario file, or a folder that has some.'),
} as const satisfies Record<string, ErrorEntry>;
