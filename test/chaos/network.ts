import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaProxy } from '@paceline/local-servers/kafka-proxy';
import type { Servers } from '../cluster/servers.ts';
import { comeAndGo } from '../faults/members.ts';
import { bagOf, chosen } from './bag.ts';
import type { Struck } from './form.ts';

const STORM_MS = 4_000;
const STORM_EVERY_MS = 250;
const DELAY_MS = 120;
const COME_AND_GO_EVERY_MS = 2_000;

interface Network {
  readonly proxy: KafkaProxy;
  readonly servers: Servers;
  readonly random: () => number;
  readonly comeAndGoMs: number;
  readonly strikes?: readonly string[];
  /** `kill -9` of the processor that runs as a service. */
  killProcessor(): Promise<Struck>;
}

/** What can befall the way to the broker; each resolves at once with how to wait until it is over. */
export function networkStrikes(network: Network): () => Promise<Struck> {
  const { proxy, servers, random, comeAndGoMs, killProcessor } = network;
  const few = (): number => 1 + Math.floor(random() * 4);
  const untilMet = (arm: () => void) => async (): Promise<() => Promise<void>> => {
    arm();
    return () => met(proxy);
  };
  const strikes: Readonly<Record<string, () => Promise<() => Promise<void>>>> = {
    'acknowledgements lost': untilMet(() => proxy.arm('answer lost', 'produce', few())),
    'writes cut in the middle': untilMet(() => proxy.arm('request cut', 'produce', few())),
    'answers to readers cut in the middle': untilMet(() => proxy.arm('answer cut', 'fetch', few())),
    'a write into a half-open connection': untilMet(() => proxy.arm('half open', 'produce')),
    'every message delayed': async () => {
      proxy.delayMs = DELAY_MS;
      return async () => {
        await sleep(STORM_MS);
        proxy.delayMs = 0;
      };
    },
    'all connections silent': async () => {
      proxy.silence();
      return () => sleep(STORM_MS);
    },
    'a storm of cuts': async () => () => storm(proxy, random),
    'broker restarted': async () => {
      await servers.kafka.kill();
      return () => servers.kafka.restart();
    },
    'processors coming and going': async () => {
      // Three that come and go are alone, so that the workspace moves with each that leaves.
      const processor = await killProcessor();
      return async () => {
        await comeAndGo({ servers, forMs: comeAndGoMs, everyMs: COME_AND_GO_EVERY_MS });
        await processor.back();
      };
    },
  };
  const draw = bagOf(chosen(Object.keys(strikes), network.strikes), random);
  return async () => {
    const what = draw();
    const back = await strikes[what]?.();
    return { what, back: async () => back?.() };
  };
}

/** Waits a while until what was armed has met its requests; what met none is taken back. */
async function met(proxy: KafkaProxy): Promise<void> {
  for (let left = STORM_MS; left > 0 && proxy.armed > 0; left -= STORM_EVERY_MS) await sleep(STORM_EVERY_MS);
  proxy.disarm();
}

async function storm(proxy: KafkaProxy, random: () => number): Promise<void> {
  for (let left = STORM_MS; left > 0; left -= STORM_EVERY_MS) {
    await sleep(STORM_EVERY_MS);
    const drawn = random();
    if (drawn < 0.2) proxy.cutAll();
    // One at a time: what meets a fault at every try never comes through, and that is another trouble.
    else if (proxy.armed > 0) continue;
    else if (drawn < 0.6) proxy.arm(drawn < 0.4 ? 'answer lost' : 'request cut', 'produce');
    else proxy.arm(drawn < 0.8 ? 'answer lost' : 'answer cut', 'fetch');
  }
  proxy.disarm();
}
