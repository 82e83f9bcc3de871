import { type ErrorEntry, entry } from './entry.ts';

/** What keeps a process from starting or working, and records that cannot be read. */
export const OPERATION = {
  invalid_configuration: entry(
    500,
    'The configuration file or the environment has faults.',
    'Correct every fault listed; docs/configuration.md lists all keys.',
  ),
  not_loopback: entry(
    500,
    'Without a key the server listens on this machine only.',
    'Use host 127.0.0.1, or create a key first: paceline keys create.',
  ),
  keys_unreadable: entry(
    503,
    'The file of keys cannot be read, so that nobody can be let in.',
    'Put back a whole file: docs/security.md says what it looks like; paceline keys writes it.',
  ),
  keys_locked: entry(503, 'Another command is changing the keys.', 'Try again in a moment.'),
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
  not_ready: entry(
    503,
    'A part of the server has not caught up or cannot reach what it needs.',
    'Wait; health/ready names the part and how far it is behind.',
  ),
  stopping: entry(503, 'The server is stopping.', 'Send the request again in a moment.'),
  server_refused: entry(
    500,
    'A server refused user, password or a right.',
    'Check user, password, TLS and rights of the account; docs/cluster.md says what each service needs.',
  ),
  jobs_unavailable: entry(
    503,
    'The job queue cannot be reached.',
    'Check Redis; schedules are rebuilt from the log when it returns.',
  ),
  replay_running: entry(409, 'A replay is under way already.', 'Wait for it to end, and ask again.'),
  replay_not_here: entry(
    409,
    'A replay compares and changes all workspaces, and this process has not all of them.',
    'Stop the other processors while it runs, or wait until this one has been given every workspace.',
  ),
  unexpected: entry(
    500,
    'Something failed that should not.',
    'Report it with the command and the text of the message.',
  ),
} as const satisfies Record<string, ErrorEntry>;
