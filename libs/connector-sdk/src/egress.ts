import { lookup as lookupName } from 'node:dns/promises';
import net from 'node:net';
import tls from 'node:tls';
import { Agent } from 'undici';
import {
  type Classified,
  classify,
  isMetadataName,
  type Network,
  networkHolds,
  parseHost,
  parseNetwork,
} from './address.ts';
import { abortReason, ConnectorFault, codeOf, isTransientCode } from './fault.ts';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** One way an operator opened: a host name (`*.corp.example` for all below it), an address or a network, maybe one port of it. */
interface Opening {
  readonly text: string;
  readonly name: string | null;
  readonly network: Network | null;
  readonly port: number | null;
}

export interface EgressOptions {
  /**
   * Hosts, addresses and CIDRs in private ranges that may be reached, each with an optional port: `db.internal`,
   * `*.corp.example:5432`, `10.0.0.0/8`, `127.0.0.1:8080`, `[::1]:5432`. Public addresses need no entry; link-local
   * addresses and cloud metadata cannot be opened.
   */
  readonly allow?: readonly string[];
  /** Name resolution; every address of the name. Default: the machine's resolver. */
  readonly lookup?: (name: string) => Promise<readonly string[]>;
}

export interface DialOptions extends HostPort {
  readonly signal?: AbortSignal;
  /** Default 10,000. */
  readonly timeoutMs?: number;
}

/** The only way to a socket for connectors and webhooks. Whoever dials anything else goes around the guard. */
export interface Egress {
  /** Addresses of the host that may be dialled, at least one; a fault `egress_refused` or `unknown_host` otherwise. */
  resolve(target: HostPort): Promise<readonly Classified[]>;
  /** A connected socket to an address that was checked, never to a name that might answer differently a second time. */
  dial(options: DialOptions): Promise<net.Socket>;
  /** An undici dispatcher whose every connection, literal addresses included, goes through `dial`. Close it with `close`. */
  dispatcher(options?: { readonly connectTimeoutMs?: number; readonly ca?: string }): Agent;
}

export const CONNECT_TIMEOUT_MS = 10_000;
const ADDRESSES_TRIED_MAX = 4;

/** @throws ConnectorFault `invalid_egress` naming every entry that is no host, address or network. */
export function createEgress(options: EgressOptions = {}): Egress {
  const openings = parseOpenings(options.allow ?? []);
  const lookup = options.lookup ?? systemLookup;

  const resolve = async (target: HostPort): Promise<readonly Classified[]> => {
    const host = parseHost(target.host);
    if (!Number.isInteger(target.port) || target.port < 1 || target.port > 65_535) {
      throw refused(target, `port ${target.port} is none`);
    }
    if (host.kind === 'invalid') throw refused(target, `the host ${host.why}`);
    if (host.kind === 'name' && isMetadataName(host.name)) throw refused(target, 'it is cloud metadata', false);
    const found = host.kind === 'address' ? [host.address] : await addressesOf(host.name, target, lookup);
    const name = host.kind === 'name' ? host.name : null;
    const judged = found.map((address) => classify(address));
    const permitted = judged.filter((one) => permits(openings, one, name, target.port));
    if (permitted.length > 0) return permitted;
    throw refusedRange(target, judged[0]);
  };

  const dial = async (dialOptions: DialOptions): Promise<net.Socket> => {
    const addresses = await resolve(dialOptions);
    let last: unknown;
    for (const { address } of addresses.slice(0, ADDRESSES_TRIED_MAX)) {
      try {
        return await connectTo(address, dialOptions);
      } catch (error) {
        if (dialOptions.signal?.aborted === true) throw abortReason(dialOptions.signal);
        last = error;
      }
    }
    throw unreachable(dialOptions, last);
  };

  return { resolve, dial, dispatcher: (agentOptions) => guardedAgent(dial, agentOptions ?? {}) };
}

function guardedAgent(
  dial: Egress['dial'],
  options: { readonly connectTimeoutMs?: number; readonly ca?: string },
): Agent {
  const timeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  return new Agent({
    pipelining: 1,
    connections: 8,
    keepAliveTimeout: 10_000,
    connect(request, callback) {
      const secure = request.protocol === 'https:';
      const host = request.hostname;
      const port = Number(request.port || (secure ? 443 : 80));
      dial({ host, port, timeoutMs }).then(
        (socket) => {
          if (!secure) {
            callback(null, socket);
            return;
          }
          startTls(socket, { host, timeoutMs, ...(options.ca === undefined ? {} : { ca: options.ca }) }).then(
            (encrypted) => callback(null, encrypted),
            (error: unknown) => callback(asError(error), null),
          );
        },
        (error: unknown) => callback(asError(error), null),
      );
    },
  });
}

export interface TlsOptions {
  /** Name the certificate must carry; an address is checked against its own entries. */
  readonly host: string;
  readonly ca?: string;
  readonly timeoutMs?: number;
}

/** TLS over a socket that `dial` gave. */
export function startTls(socket: net.Socket, options: TlsOptions): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const bare = options.host.replace(/^\[|\]$/g, '');
    const secure = tls.connect({
      socket,
      host: bare,
      ALPNProtocols: ['http/1.1'],
      ...(net.isIP(bare) === 0 ? { servername: bare } : {}),
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    });
    const timeoutMs = options.timeoutMs ?? CONNECT_TIMEOUT_MS;
    const timer = setTimeout(() => {
      secure.destroy(timedOut(`TLS with ${bare} took longer than ${timeoutMs} ms`));
    }, timeoutMs);
    secure.once('secureConnect', () => {
      clearTimeout(timer);
      secure.off('error', failed);
      resolve(secure);
    });
    const failed = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(isTransientCode(codeOf(error)) ? error : tlsFailed(bare, error));
    };
    secure.on('error', failed);
  });
}

function tlsFailed(host: string, cause: Error): ConnectorFault {
  return new ConnectorFault('config', 'tls_failed', `TLS with ${host} fails: ${cause.message}`, {
    cause,
    remedy: 'Check that the port speaks TLS and that its certificate carries the name and a known authority.',
  });
}

function connectTo(address: string, options: DialOptions): Promise<net.Socket> {
  const { signal, port } = options;
  const timeoutMs = options.timeoutMs ?? CONNECT_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(abortReason(signal));
      return;
    }
    const socket = net.connect({ host: address, port, keepAlive: true, noDelay: true });
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      socket.off('error', failed);
      socket.off('connect', connected);
    };
    const connected = (): void => {
      settle();
      resolve(socket);
    };
    const failed = (error: Error): void => {
      settle();
      socket.destroy();
      reject(error);
    };
    const aborted = (): void => failed(signal === undefined ? new Error('aborted') : abortReason(signal));
    const timer = setTimeout(
      () => failed(timedOut(`no connection to ${address} port ${port} within ${timeoutMs} ms`)),
      timeoutMs,
    );
    signal?.addEventListener('abort', aborted, { once: true });
    socket.once('error', failed);
    socket.once('connect', connected);
  });
}

function timedOut(message: string): Error {
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' });
}

async function systemLookup(name: string): Promise<readonly string[]> {
  const found = await lookupName(name, { all: true, verbatim: true });
  return found.map((one) => one.address);
}

async function addressesOf(
  name: string,
  target: HostPort,
  lookup: (name: string) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  try {
    const found = await lookup(name);
    if (found.length > 0) return found;
  } catch (error) {
    throw new ConnectorFault('transient', 'unknown_host', `the name ${target.host} cannot be resolved`, {
      cause: error,
      remedy: 'Check the spelling of the host and that this machine can resolve it.',
    });
  }
  throw new ConnectorFault('transient', 'unknown_host', `the name ${target.host} has no address`, {
    remedy: 'Check the spelling of the host and that this machine can resolve it.',
  });
}

function permits(openings: readonly Opening[], one: Classified, name: string | null, port: number): boolean {
  if (one.reach === 'always') return false;
  if (one.reach === 'public') return true;
  return openings.some((opening) => {
    if (opening.port !== null && opening.port !== port) return false;
    if (opening.network !== null) return networkHolds(opening.network, one.address);
    if (name === null || opening.name === null) return false;
    return opening.name.startsWith('*.') ? name.endsWith(opening.name.slice(1)) : name === opening.name;
  });
}

function parseOpenings(allow: readonly string[]): readonly Opening[] {
  const bad: string[] = [];
  const openings = allow.flatMap((text): Opening[] => {
    const opening = parseOpening(text.trim());
    if (opening === undefined) bad.push(text);
    return opening === undefined ? [] : [opening];
  });
  if (bad.length > 0) {
    throw new ConnectorFault(
      'config',
      'invalid_egress',
      `egress.allow has entries that are no host: ${bad.join(', ')}`,
      {
        remedy: 'Write each as a host name, *.domain, an address or a CIDR, with :port if only one port is meant.',
      },
    );
  }
  return openings;
}

function parseOpening(text: string): Opening | undefined {
  const portMatch = /^(.*[^:]):(\d{1,5})$/.exec(text);
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text);
  const ambiguous = net.isIPv6(text);
  const host = bracketed?.[1] ?? (ambiguous ? text : (portMatch?.[1] ?? text));
  const portText = bracketed === null ? (ambiguous ? undefined : portMatch?.[2]) : bracketed[2];
  const port = portText === undefined ? null : Number(portText);
  const network = parseNetwork(host);
  if (network !== undefined) return { text, name: null, network, port };
  const wild = host.startsWith('*.');
  const parsed = parseHost(wild ? host.slice(2) : host);
  if (parsed.kind !== 'name') return undefined;
  return { text, name: wild ? `*.${parsed.name}` : parsed.name, network: null, port };
}

function refused(target: HostPort, why: string, canOpen = true): ConnectorFault {
  return new ConnectorFault('config', 'egress_refused', `${target.host}:${target.port} is not reached: ${why}`, {
    remedy: canOpen
      ? 'Write a plain host name or address.'
      : 'Link-local addresses and cloud metadata are never reached, whatever egress.allow says.',
  });
}

function refusedRange(target: HostPort, one: Classified | undefined): ConnectorFault {
  const where = one === undefined ? 'it has no address' : `${one.address} is ${one.range}`;
  if (one?.reach === 'always') return refused(target, where, false);
  return new ConnectorFault('config', 'egress_refused', `${target.host}:${target.port} is not reached: ${where}`, {
    remedy: `If this is meant, add "${target.host}:${target.port}" to egress.allow in paceline.yaml.`,
  });
}

function unreachable(target: HostPort, cause: unknown): ConnectorFault {
  const why = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new ConnectorFault('transient', 'unreachable', `${target.host}:${target.port} does not answer: ${why}`, {
    cause,
    remedy: 'Check that it runs and that a firewall lets this machine through; it is tried again by itself.',
  });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
