import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaProxy } from '@paceline/local-servers/kafka-proxy';
import type { Servers } from '../cluster/servers.ts';
import { comeAndGo } from '../faults/members.ts';
import { bagOf } from './bag.ts';
import type { Struck } from './form.ts';

const STORM_MS = 4_000;
const STORM_EVERY_MS = 250;
const DELAY_MS = 120;
const COME_AND_GO_MS = 12_000;

interface Network {
  readonly proxy: KafkaProxy;
  readonly servers: Servers;
  readonly random: () => number;
}

/** What can befall the way to the broker; each resolves at once with how to wait until it is over. */
export function networkStrikes({ proxy, servers, random }: Network): () => Promise<Struck> {
  const few = (): number => 1 + Math.floor(random() * 4);
  const armed = (what: string, arm: () => void): Struck => {
    arm();
    return { what, back: () => met(proxy) };
  };
  const strikes: readonly (() => Struck | Promise<Struck>)[] = [
    () => armed('acknowledgements lost', () => proxy.arm('answer lost', 'produce', few())),
    () => armed('writes cut in the middle', () => proxy.arm('request cut', 'produce', few())),
    () => armed('answers to readers cut in the middle', () => proxy.arm('answer cut', 'fetch', few())),
    () => armed('a write into a half-open connection', () => proxy.arm('half open', 'produce')),
    () => {
      proxy.delayMs = DELAY_MS;
      const back = async (): Promise<void> => {
        await sleep(STORM_MS);
        proxy.delayMs = 0;
      };
      return { what: 'every message delayed', back };
    },
    () => {
      proxy.silence();
      return { what: 'all connections silent', back: () => sleep(STORM_MS) };
    },
    () => ({ what: 'a storm of cuts', back: () => storm(proxy, random) }),
    async () => {
      await servers.kafka.kill();
      return { what: 'broker restarted', back: () => servers.kafka.restart() };
    },
    () => ({
      what: 'processors coming and going',
      back: () => comeAndGo({ servers, forMs: COME_AND_GO_MS, everyMs: 2_000 }),
    }),
  ];
  const draw = bagOf(strikes, random);
  return async () => draw()();
}

/** Waits a while until what was armed has met its requests; what met none is taken back. */
async function met(proxy: KafkaProxy): Promise<void> {
  for (let left = STORM_MS; left > 0 && proxy.armed > 0; left -= STORM_EVERY_MS) await sleep(STORM_EVERY_MS);
  proxy.disarm();
}

async function storm(proxy: KafkaProxy, random: () => number): Promise<void> {
  for (let left = STORM_MS; left > 0; left -= STORM_EVERY_MS) {
    const drawn = random();
    if (drawn < 0.2) proxy.cutAll();
    else if (drawn < 0.6) proxy.arm(drawn < 0.4 ? 'answer lost' : 'request cut', 'produce');
    else proxy.arm(drawn < 0.8 ? 'answer lost' : 'answer cut', 'fetch');
    await sleep(STORM_EVERY_MS);
  }
  proxy.disarm();
}
