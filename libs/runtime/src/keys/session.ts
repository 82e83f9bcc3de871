import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

export const SESSION_COOKIE = 'paceline_session';
/** A working day: a browser left alone asks for the key again the next morning. */
export const SESSION_MS = 8 * 3_600_000;

/** Signs who showed a key and until when that counts, because a page cannot send headers with an event stream. */
export class Sessions {
  readonly #secret: Buffer;

  /** Processes that answer one page share the secret; without one, sessions end with the process. */
  constructor(secret: string | null) {
    this.#secret = secret === null ? randomBytes(32) : Buffer.from(secret);
  }

  seal(key: string, expiresAt: number): string {
    const said = `${key}.${expiresAt.toString(36)}`;
    return `${said}.${this.#sign(said)}`;
  }

  /** The key's id and the end, of a session that is ours and has not ended. */
  open(text: string, now: number): { readonly key: string; readonly expiresAt: number } | null {
    const [key = '', end = '', signature = ''] = text.split('.');
    const expected = Buffer.from(this.#sign(`${key}.${end}`));
    const given = Buffer.from(signature);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
    const expiresAt = Number.parseInt(end, 36);
    return expiresAt > now ? { key, expiresAt } : null;
  }

  #sign(said: string): string {
    return createHmac('sha256', this.#secret).update(`paceline session ${said}`).digest('base64url');
  }
}

/** The session of a Cookie header. */
export function sessionOf(header: string | undefined): string | null {
  for (const one of (header ?? '').split(';')) {
    const at = one.indexOf('=');
    if (at > 0 && one.slice(0, at).trim() === SESSION_COOKIE) return one.slice(at + 1).trim();
  }
  return null;
}
