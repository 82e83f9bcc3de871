/** Refused attempts of one client in a minute, beyond which it is told to wait. */
const ATTEMPTS_MAX = 20;
const WINDOW_MS = 60_000;
/** Clients remembered at once; beyond it the longest known begins anew. */
const CLIENTS_MAX = 10_000;

/**
 * Counts keys that were refused. Nobody guesses 256 bits; what is kept small is the work and the noise of whoever tries, and a
 * right key is answered all the same, because many clients can share one address.
 */
export class Attempts {
  readonly #clients = new Map<string, { count: number; readonly until: number }>();

  /** Seconds to wait, once there were too many; `null` before. */
  refuse(address: string, now: number): number | null {
    const client = clientOf(address);
    const known = this.#clients.get(client);
    const current = known !== undefined && known.until > now ? known : { count: 0, until: now + WINDOW_MS };
    current.count++;
    this.#clients.delete(client);
    this.#clients.set(client, current);
    if (this.#clients.size > CLIENTS_MAX) this.#clients.delete(this.#clients.keys().next().value ?? '');
    return current.count > ATTEMPTS_MAX ? Math.max(1, Math.ceil((current.until - now) / 1000)) : null;
  }
}

/** Whoever has an IPv6 address has 2^64 of them. */
function clientOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head.split(':').filter((group) => group !== '');
  const behind = tail === undefined ? [] : tail.split(':').filter((group) => group !== '');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - groups.length - behind.length }, () => '0');
  return [...groups, ...zeros, ...behind].slice(0, 4).join(':');
}
