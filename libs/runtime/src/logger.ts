import { type DestinationStream, type Logger as PinoLogger, pino, stdSerializers } from 'pino';
import { withoutKeys } from './keys/key.ts';

/**
 * Levels say what an operator must do. error: data may be lost or a person must act. warn: degraded, retried by itself.
 * info: lifecycle. debug: the rest.
 */
export type Logger = PinoLogger;

export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

export interface LoggerOptions {
  readonly level?: LogLevel;
  /** `text` for people, `json` for collectors. Default: text when standard error is a terminal. */
  readonly format?: 'json' | 'text' | undefined;
  /** Default: standard error, because standard output belongs to data. */
  readonly destination?: { write(line: string): void };
  readonly bindings?: Readonly<Record<string, unknown>>;
}

/** Names under which secrets travel; wherever they stand up to three levels deep, the value is not written. */
const SECRET_KEYS = ['password', 'secret', 'token', 'apiKey', 'authorization', 'cookie', 'privateKey', 'sessionSecret'];
const REDACTED = SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);

export function createLogger(options: LoggerOptions = {}): Logger {
  const sink = options.destination ?? { write: (line: string) => void process.stderr.write(line) };
  const format = options.format ?? (options.destination === undefined && process.stderr.isTTY ? 'text' : 'json');
  const destination: DestinationStream = {
    write: (line: string) => sink.write(withoutKeys(format === 'text' ? `${textLine(line)}\n` : line)),
  };
  return pino(
    {
      level: options.level ?? 'info',
      base: { ...options.bindings },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: stdSerializers.errWithCause, error: stdSerializers.errWithCause },
      redact: { paths: REDACTED, censor: '[redacted]' },
    },
    destination,
  );
}

/** For tests and one-shot commands that report by their own output. */
export const silentLogger: Logger = pino({ level: 'silent' });

/** `06:00:00.000 WARN processor: engine is gone workspace=main`. The line comes from pino itself, so it is JSON. */
function textLine(line: string): string {
  const { level, time, msg, part, err, error, ...rest } = JSON.parse(line);
  const failure = err ?? error;
  const fields = Object.entries(rest).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const cause = failure?.message === undefined ? [] : [`cause=${JSON.stringify(failure.message)}`];
  const clock = String(time).slice(11, 23);
  return [
    clock,
    String(level).toUpperCase().padEnd(5),
    part === undefined ? '' : `${part}:`,
    msg ?? '',
    ...fields,
    ...cause,
  ]
    .filter((word) => word !== '')
    .join(' ');
}
