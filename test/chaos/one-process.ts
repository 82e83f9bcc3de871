import { ALERTS_TOPIC, factsTopic } from '@paceline/events';
import { requireConfig, silentLogger } from '@paceline/runtime';
import { openPaceline } from '@paceline/standalone';
import { type Serving, serve } from '../support/serve.ts';
import { recordsOf } from '../support/stage.ts';
import { type Books, type Form, type FormOptions, WORKSPACE } from './form.ts';

const DELIVERED_MS = 30_000;

/** `paceline serve` on a folder: there is one thing to kill. */
export async function oneProcess({ dir, env }: FormOptions): Promise<Form> {
  let serving: Serving | null = await serve({ dir, env });
  let { url } = serving;
  return {
    url: () => url,
    // Its first tick comes a second after the first fact.
    begin: async () => undefined,
    async strike() {
      await serving?.kill();
      serving = null;
      return {
        what: 'paceline serve',
        async back() {
          serving = await serve({ dir, env });
          url = serving.url;
        },
      };
    },
    async close() {
      const code = await serving?.stop();
      serving = null;
      if (code !== 0) throw new Error(`an orderly stop ended with ${code}`);
      return readFolder(dir, env);
    },
    async describe() {
      return [await (await fetch(`${url}/health/ready`)).text()];
    },
    async end() {
      await serving?.kill();
      serving = null;
    },
  };
}

async function readFolder(dir: string, env: Readonly<Record<string, string>>): Promise<Books> {
  const paceline = await openPaceline({
    config: requireConfig({ dir, env }),
    logger: silentLogger,
    env,
    background: false,
    ticks: 'manual',
    tickAtStop: false,
  });
  await paceline.start();
  await paceline.settle();
  await paceline.processor.tick(WORKSPACE);
  await paceline.settle();
  if (!(await paceline.alerts.deliveries.settled(DELIVERED_MS)))
    throw new Error(`a message was not even tried in ${DELIVERED_MS} ms`);
  const { store, log } = paceline;
  return {
    store,
    facts: await recordsOf(log, factsTopic(WORKSPACE)),
    alerts: await recordsOf(log, ALERTS_TOPIC),
    async close() {
      await paceline.stop('verified');
    },
  };
}
