import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classify, parseHost } from './address.ts';
import { createEgress } from './egress.ts';
import { ConnectorFault } from './fault.ts';

/** Every way to write a way to this machine that a resolver, a browser or a library accepts. */
const LOOPBACK_NOTATIONS = [
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '2130706433',
  '017700000001',
  '0177.0.0.01',
  '0x7f000001',
  '0x7f.0.0.1',
  '0x7f.1',
  '127.0.0.1.',
  '127.255.255.254',
  '１２７.0.0.1',
  '127。0。0。1',
  '[::1]',
  '::1',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '::ffff:7f00:1',
  '::127.0.0.1',
  '64:ff9b::127.0.0.1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  '2001:0:0:0:0:0:80ff:fffe',
];
const PRIVATE = [
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '100.64.0.1',
  '198.18.0.1',
  'fd12::1',
  'fec0::1',
  '::ffff:10.0.0.1',
];
const ALWAYS = [
  '169.254.169.254',
  '0xa9fea9fe',
  '2852039166',
  '0251.0376.0251.0376',
  '169.254.1.1',
  '::ffff:169.254.169.254',
  '64:ff9b::a9fe:a9fe',
  '2002:a9fe:a9fe::',
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
  'fd00:ec2::254',
  'fe80::1',
  'fe80::1%eth0',
  'fe80::1%25eth0',
  '0.0.0.0',
  '0',
  '::',
  '224.0.0.1',
  'ff02::1',
  '255.255.255.255',
  '240.0.0.1',
  'metadata.google.internal',
  'METADATA.google.internal.',
];
const NO_HOST = [
  '',
  ' ',
  '1.2.3.4.5',
  '256.0.0.1',
  '0x',
  'a b',
  'a/b',
  'user@host',
  'host#',
  '[::1',
  'ex%61mple.com',
  'http://x',
];

const nowhere = async (): Promise<readonly string[]> => [];
const refusal = async (host: string, allow: readonly string[] = []): Promise<string> => {
  try {
    await createEgress({ allow, lookup: nowhere }).resolve({ host, port: 5432 });
    return 'permitted';
  } catch (error) {
    return error instanceof ConnectorFault ? error.code : String(error);
  }
};

describe('egress guard', () => {
  it.each(LOOPBACK_NOTATIONS)('refuses this machine written as %s', async (host) => {
    expect(await refusal(host)).toBe('egress_refused');
  });
  it.each(PRIVATE)('refuses the private address %s', async (host) => {
    expect(await refusal(host)).toBe('egress_refused');
  });
  it.each(ALWAYS)('refuses %s even where everything is opened', async (host) => {
    expect(await refusal(host, ['0.0.0.0/0', '::/0', 'metadata.google.internal', '169.254.169.254'])).toBe(
      'egress_refused',
    );
  });
  it.each(NO_HOST)('refuses "%s", which is no host', async (host) => {
    expect(await refusal(host, ['0.0.0.0/0', '::/0'])).toBe('egress_refused');
  });
  it('lets a public address through without an entry', async () => {
    expect(await refusal('93.184.216.34')).toBe('permitted');
    expect(await refusal('2606:4700::1111')).toBe('permitted');
  });
  it.each(['127.0.0.1', '127.0.0.0/8', '::ffff:127.0.0.1', '127.0.0.1:5432', '2130706433'])(
    'opens 127.0.0.1 by the entry %s',
    async (entry) => {
      expect(await refusal('127.0.0.1', [entry])).toBe(entry === '::ffff:127.0.0.1' ? 'egress_refused' : 'permitted');
    },
  );
  it('opens only the port that an entry names', async () => {
    expect(await refusal('127.0.0.1', ['127.0.0.1:5433'])).toBe('egress_refused');
    expect(await refusal('::1', ['[::1]:5432'])).toBe('permitted');
  });
  it('opens a private name without opening its neighbours', async () => {
    const egress = createEgress({ allow: ['db.internal', '*.corp.example'], lookup: async () => ['10.0.0.5'] });
    expect(await egress.resolve({ host: 'DB.internal.', port: 5432 })).toMatchObject([{ address: '10.0.0.5' }]);
    expect(await egress.resolve({ host: 'a.corp.example', port: 5432 })).toHaveLength(1);
    await expect(egress.resolve({ host: 'corp.example', port: 5432 })).rejects.toMatchObject({
      code: 'egress_refused',
    });
    await expect(egress.resolve({ host: '10.0.0.5', port: 5432 })).rejects.toMatchObject({ code: 'egress_refused' });
  });
  it('refuses a name that leads to metadata although the name is opened', async () => {
    const egress = createEgress({ allow: ['db.internal'], lookup: async () => ['169.254.169.254'] });
    await expect(egress.resolve({ host: 'db.internal', port: 80 })).rejects.toMatchObject({ code: 'egress_refused' });
  });
  it('dials only those addresses of a name that are permitted', async () => {
    const egress = createEgress({ lookup: async () => ['127.0.0.1', '93.184.216.34', '::1'] });
    expect((await egress.resolve({ host: 'two-faced.example', port: 80 })).map((one) => one.address)).toEqual([
      '93.184.216.34',
    ]);
  });
  it('says how to open what was refused', async () => {
    const fault = await createEgress({ lookup: async () => ['10.0.0.5'] })
      .resolve({ host: 'db.internal', port: 5432 })
      .catch((error: unknown) => error);
    expect(fault).toMatchObject({
      kind: 'config',
      remedy: 'If this is meant, add "db.internal:5432" to egress.allow in paceline.yaml.',
    });
  });
  it('names every entry that is no host', () => {
    expect(() => createEgress({ allow: ['10.0.0.0/8', '10.0.0.0/64', 'a b', 'ok.example'] })).toThrow(
      '10.0.0.0/64, a b',
    );
  });
});

describe('dialling', () => {
  const server = net.createServer((socket) => {
    // Clients of these tests hang up at once, which is no fault here.
    socket.on('error', () => socket.destroy());
    socket.end('hello');
  });
  let port = 0;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  it('asks the resolver once and dials what was checked, so a second answer cannot lead elsewhere', async () => {
    let asked = 0;
    const egress = createEgress({
      allow: [`rebind.example:${port}`],
      lookup: async () => (++asked === 1 ? ['127.0.0.1'] : ['169.254.169.254']),
    });
    const socket = await egress.dial({ host: 'rebind.example', port });
    expect(socket.remoteAddress).toBe('127.0.0.1');
    expect(asked).toBe(1);
    socket.destroy();
    await expect(egress.dial({ host: 'rebind.example', port })).rejects.toMatchObject({ code: 'egress_refused' });
  });
  it('ends within a second when cancelled', async () => {
    const abort = new AbortController();
    abort.abort(new Error('enough'));
    await expect(
      createEgress({ allow: ['127.0.0.1'] }).dial({ host: '127.0.0.1', port, signal: abort.signal }),
    ).rejects.toThrow('enough');
  });
  it('says that nobody answers', async () => {
    const fault = await createEgress({ allow: ['127.0.0.1'] })
      .dial({ host: '127.0.0.1', port: 1 })
      .catch((error: unknown) => error);
    expect(fault).toMatchObject({ kind: 'transient', code: 'unreachable' });
  });
});

describe('host notations', () => {
  it('reads an IPv4 address inside an IPv6 one as what it carries', () => {
    expect(classify('::ffff:8.8.8.8').reach).toBe('public');
    expect(classify('2002:808:808::').reach).toBe('public');
  });
  it('reads names in lower case without the last dot', () => {
    expect(parseHost('Example.COM.')).toEqual({ kind: 'name', name: 'example.com' });
    expect(parseHost('bücher.example')).toEqual({ kind: 'name', name: 'xn--bcher-kva.example' });
  });
});
