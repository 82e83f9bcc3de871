import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** `always`: nobody may go there. `private`: only where an operator says so. */
export type Reach = 'public' | 'private' | 'always';

export interface Classified {
  /** The address that is dialled, in its one canonical form. */
  readonly address: string;
  readonly family: 4 | 6;
  readonly reach: Reach;
  /** The word of the standard for its range, for the error message. */
  readonly range: string;
}

export type ParsedHost =
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'invalid'; readonly why: string };

/**
 * Reads a host as every resolver and library may read it: WHATWG's parser knows decimal, octal and hexadecimal
 * addresses, short forms and full-width digits; brackets, zones and a last dot are dealt with here.
 */
export function parseHost(host: string): ParsedHost {
  const text = host.trim();
  if (text === '' || text.length > 255) return { kind: 'invalid', why: 'is empty or longer than 255 characters' };
  if (text.includes('%')) return { kind: 'invalid', why: 'has a zone or an escape, which no source needs' };
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  if (bare.includes(':')) {
    if (!ipaddr.IPv6.isValid(bare)) return { kind: 'invalid', why: 'is no host name and no address' };
    return { kind: 'address', address: ipaddr.IPv6.parse(bare).toString() };
  }
  if (bare !== text || /[/\\?#@\s]/.test(bare)) return { kind: 'invalid', why: 'is no host name and no address' };
  const url = URL.parse(`http://${bare}/`);
  if (url === null || url.hostname === '') return { kind: 'invalid', why: 'is no host name and no address' };
  const name = url.hostname.replace(/\.$/, '');
  if (ipaddr.IPv4.isValidFourPartDecimal(name)) return { kind: 'address', address: name };
  if (!/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(name)) return { kind: 'invalid', why: 'is no host name' };
  return { kind: 'name', name };
}

/** Where the great clouds and orchestrators answer with credentials; some lie in public or ordinary private ranges. */
const METADATA_ADDRESSES = new Set([
  '169.254.169.254',
  '169.254.170.2',
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
  'fd00:ec2::254',
  'fd20:ce::254',
]);
const METADATA_NAMES = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
]);

export function isMetadataName(name: string): boolean {
  return METADATA_NAMES.has(name);
}

const ALWAYS = new Set(['linkLocal', 'unspecified', 'multicast', 'broadcast', 'reserved']);
const RESERVED_PUBLIC = new Set(['unicast', 'as112', 'as112v6', 'amt']);

/** Says how far an address reaches. An IPv4 address inside an IPv6 one (mapped, NAT64, 6to4, Teredo) counts as what it carries. */
export function classify(text: string): Classified {
  const parsed: Address = ipaddr.parse(text);
  const inner = parsed.kind() === 'ipv6' ? embedded(parsed as ipaddr.IPv6) : null;
  const judged: Address = inner ?? parsed;
  const range = judged.range();
  const family = parsed.kind() === 'ipv6' ? 6 : 4;
  const address = parsed.toString();
  const metadata = METADATA_ADDRESSES.has(judged.toString());
  if (metadata) return { address, family, reach: 'always', range: 'cloud metadata' };
  // Documentation and protocol assignments are "reserved" to the library; tests of others use them, hosts never do.
  if (ALWAYS.has(range)) return { address, family, reach: 'always', range };
  return { address, family, reach: RESERVED_PUBLIC.has(range) ? 'public' : 'private', range };
}

/** The IPv4 address that an IPv6 one stands for, or `null`. */
function embedded(address: ipaddr.IPv6): ipaddr.IPv4 | null {
  const parts = address.parts;
  const at = (index: number): number => parts[index] ?? 0;
  const from = (high: number, low: number): ipaddr.IPv4 =>
    new ipaddr.IPv4([high >> 8, high & 0xff, low >> 8, low & 0xff]);
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  if (at(0) === 0x64 && at(1) === 0xff9b) return from(at(6), at(7));
  if (at(0) === 0x2002) return from(at(1), at(2));
  if (at(0) === 0x2001 && at(1) === 0) return from(at(6) ^ 0xffff, at(7) ^ 0xffff);
  const compatible = parts.slice(0, 6).every((part) => part === 0) && !(at(6) === 0 && at(7) <= 1);
  const translated = parts.slice(0, 4).every((part) => part === 0) && at(4) === 0xffff && at(5) === 0;
  return compatible || translated ? from(at(6), at(7)) : null;
}

export interface Network {
  readonly base: Address;
  readonly bits: number;
}

/** `10.0.0.0/8`, `fd00::/8` or one address; `undefined` for anything else. */
export function parseNetwork(text: string): Network | undefined {
  if (text.includes('/')) {
    if (!ipaddr.IPv4.isValidCIDRFourPartDecimal(text) && !ipaddr.IPv6.isValidCIDR(text)) return undefined;
    const [base, bits] = ipaddr.parseCIDR(text);
    return { base, bits };
  }
  const host = parseHost(text);
  if (host.kind !== 'address') return undefined;
  const base = ipaddr.parse(host.address);
  return { base, bits: base.kind() === 'ipv6' ? 128 : 32 };
}

export function networkHolds(network: Network, address: string): boolean {
  const parsed = ipaddr.parse(address);
  const inner = parsed.kind() === 'ipv6' ? embedded(parsed as ipaddr.IPv6) : null;
  return [parsed, ...(inner === null ? [] : [inner])].some(
    (candidate) => candidate.kind() === network.base.kind() && candidate.match(network.base, network.bits),
  );
}
