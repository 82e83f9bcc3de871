/**
 * Why a connector could not do its work, in the three kinds that decide what happens next. `config`: a person must
 * change something, trying again is pointless. `transient`: the far side or the way there; it is tried again.
 * `system`: ours, a bug or an exhausted machine.
 */
export type FaultKind = 'config' | 'transient' | 'system';

export interface FaultOptions extends ErrorOptions {
  /** What to do about it, one sentence. */
  readonly remedy?: string;
  /** The far side asked for this much patience. */
  readonly retryAfterMs?: number;
}

export class ConnectorFault extends Error {
  override readonly name = 'ConnectorFault';
  readonly kind: FaultKind;
  /** Stable word for programs, such as `egress_refused`. */
  readonly code: string;
  readonly remedy: string | null;
  readonly retryAfterMs: number | null;

  constructor(kind: FaultKind, code: string, message: string, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.code = code;
    this.remedy = options.remedy ?? null;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** Codes of sockets and resolvers that say "not now", whichever library reports them. */
const TRANSIENT_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);

export function isTransientCode(code: string | undefined): boolean {
  return code !== undefined && TRANSIENT_CODES.has(code);
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Any error as a fault: what is one already stays itself, socket trouble is transient, the rest is ours. */
export function faultFrom(error: unknown, what: string): ConnectorFault {
  if (error instanceof ConnectorFault) return error;
  const code = codeOf(error);
  const text = error instanceof Error ? error.message || error.name : String(error);
  if (isTransientCode(code)) {
    return new ConnectorFault('transient', 'unreachable', `${what}: ${text || code}`, {
      cause: error,
      remedy: 'Check that the far side runs and can be reached from here; it is tried again by itself.',
    });
  }
  return new ConnectorFault('system', 'unexpected', `${what}: ${text}`, { cause: error });
}

/** The error of an aborted run: its reason, always as an Error. */
export function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('the run was cancelled', { cause: signal.reason });
}

/** For callers that have only an unknown error in hand. */
export function isConnectorFault(error: unknown): error is ConnectorFault {
  return error instanceof ConnectorFault;
}
