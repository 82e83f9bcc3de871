import { mkdirSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { startPostgres } from '@paceline/local-servers';
import pg from 'pg';
import { listen } from '../support/listen.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import type { BillingRow, Sample } from './story.ts';

const HOOK_SECRET = `whsec_${Buffer.from('a secret that only the story knows').toString('base64')}`;

/** Everything outside Paceline that the story needs, all of it real: exports, a monitoring API, a CRM's database, a receiver. */
export interface World {
  readonly dir: string;
  /** What Paceline's environment must hold, and what definitions refer to. */
  readonly env: Readonly<Record<string, string>>;
  readonly receiver: Receiver;
  billing(rows: readonly BillingRow[]): void;
  samples(samples: readonly Sample[]): void;
  monitor(up: boolean): Promise<void>;
  crm(rows: readonly BillingRow[]): Promise<void>;
  stop(): Promise<void>;
}

export async function beginWorld(dir: string): Promise<World> {
  mkdirSync(join(dir, 'data'), { recursive: true });
  writeFileSync(join(dir, 'paceline.yaml'), 'workspace: story\negress:\n  allow: [127.0.0.1]\n');
  const samples = new Map<string, Sample>();
  let monitor = await listen(answerSamples(samples));
  const { port } = monitor;
  const receiver = await startReceiver(HOOK_SECRET);
  const postgres = await startPostgres();
  const crm = new pg.Client({ connectionString: postgres.url });
  await crm.connect();
  await crm.query('CREATE TABLE mrr (day date, region text, amount numeric NOT NULL, PRIMARY KEY (day, region))');
  return {
    dir,
    receiver,
    env: {
      STORY_FEED: monitor.url,
      STORY_HOOK: receiver.url,
      STORY_POSTGRES_PORT: String(postgres.port),
      PACELINE_SECRET_CRM_PASSWORD: postgres.password,
      PACELINE_SECRET_HOOK_WHSEC: HOOK_SECRET,
    },
    billing(rows) {
      const lines = rows.map((row) => row.join(','));
      writeFileSync(join(dir, 'data/billing.csv'), ['day,region,amount', ...lines, ''].join('\n'));
    },
    samples(news) {
      for (const sample of news) samples.set(sample.id, sample);
    },
    async monitor(up) {
      await monitor.stop();
      if (up) monitor = await listen(answerSamples(samples), port);
    },
    async crm(rows) {
      for (const row of rows) {
        await crm.query('INSERT INTO mrr VALUES ($1, $2, $3) ON CONFLICT (day, region) DO UPDATE SET amount = $3', [
          ...row,
        ]);
      }
    },
    async stop() {
      await crm.end();
      await postgres.stop();
      await monitor.stop();
      await receiver.stop();
    },
  };
}

function answerSamples(samples: ReadonlyMap<string, Sample>): RequestListener {
  return (request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://monitor');
    const [from, to] = [Date.parse(searchParams.get('from') ?? ''), Date.parse(searchParams.get('to') ?? '')];
    const within = [...samples.values()].filter(({ at }) => Date.parse(at) >= from && Date.parse(at) < to);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ samples: within }));
  };
}
