import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { position } from '@paceline/domain';
import { ALERTS_TOPIC, decodeAlertRecord, decodeRecord, factsTopic } from '@paceline/events';
import type { LogRecord } from '@paceline/log';
import { openKafkaLog } from '@paceline/log/kafka';
import type { Store } from '@paceline/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { playStep } from '../story/play.ts';
import { BEGINNING, STORY } from '../story/story.ts';
import { beginWorld, type World } from '../story/world.ts';
import { embeddedStage, type Stage } from '../support/stage.ts';
import { type ServiceProcess, startService } from './processes.ts';
import { COMPARED, type Compared, rowsOf } from './rows.ts';
import { type Servers, startServers } from './servers.ts';
import { type ClusterStage, clusterStage, settled, storeAt } from './stage.ts';

/** One story, two worlds that do the same, and two forms of Paceline: one process, and every service in its own on real servers. */
interface Side<S extends Stage> {
  readonly dir: string;
  readonly world: World;
  readonly stage: S;
}

const PATIENCE_MS = 400_000;

let servers: Servers;
let one: Side<Stage>;
let many: Side<ClusterStage>;

async function side<S extends Stage>(open: (dir: string, world: World) => Promise<S>): Promise<Side<S>> {
  const dir = mkdtempSync(join(tmpdir(), 'paceline-parity-'));
  const world = await beginWorld(dir);
  return { dir, world, stage: await open(dir, world) };
}

beforeAll(async () => {
  servers = await startServers();
  [one, many] = await Promise.all([
    side((dir, { env }) => embeddedStage({ dir, env, now: BEGINNING })),
    side((dir, { env }) => clusterStage({ servers, dir, env, now: BEGINNING })),
  ]);
  for (const [index, step] of STORY.entries()) {
    await Promise.all([
      playStep(step, one.stage, one.world),
      playStep(step, many.stage, many.world),
      // The processor dies in the middle of a day, and another one goes on.
      ...(index === Math.floor(STORY.length / 2) ? [many.stage.replace('processor')] : []),
    ]);
  }
}, PATIENCE_MS);
afterAll(async () => {
  for (const each of [one, many]) {
    await each?.stage.stop();
    await each?.world.stop();
    if (each !== undefined) rmSync(each.dir, { recursive: true, force: true });
  }
  await servers?.stop();
});

/** Where the two worlds are is all in which they differ. */
function withoutPlaces(text: string, { env }: World): string {
  const places = [env.STORY_FEED, env.STORY_HOOK].reduce<string>(
    (rest, place) => rest.replaceAll(place ?? '', 'PLACE'),
    text,
  );
  // A port's digits may stand in other numbers, and be another one: a position, for one.
  const port = new RegExp(
    `(?<=port\\\\*"\\s*:\\s*\\\\*"?|127\\.0\\.0\\.1:|localhost:)${env.STORY_POSTGRES_PORT}(?!\\d)`,
    'g',
  );
  return places.replace(port, 'PORT');
}

/** What each record says and when it was recorded; ids are every writer's own. */
function said(records: readonly LogRecord[], world: World): string[] {
  return records.map((record) => {
    const decoded = decodeRecord(record);
    if (!decoded.ok) return `${record.offset} ${decoded.code}`;
    // Runs have ids of their own, and a file is known by when it was written.
    const own = (key: string, value: unknown): unknown => (key === 'run' || key === 'fingerprint' ? null : value);
    const fact = withoutPlaces(JSON.stringify(decoded.fact, own), world);
    return `${record.offset} ${decoded.recordedAt} ${fact}`;
  });
}

async function rows(side: Side<Stage>, table: Compared): Promise<string[]> {
  const found = await rowsOf(side.stage.store, table, side.stage.workspace);
  return found.map((row) => withoutPlaces(row, side.world)).sort();
}

/** Every transition that was announced, once each, as the topic says it. */
async function announced(stage: Stage): Promise<string[]> {
  const told = new Map<string, string>();
  for (const record of await stage.records(ALERTS_TOPIC)) {
    const decoded = decodeAlertRecord(record);
    if (decoded.ok && decoded.record.type === 'transition')
      told.set(decoded.record.transition.id, JSON.stringify(decoded.record.transition));
  }
  return [...told.values()].sort();
}

describe('one process, and every service in its own', () => {
  it('write the same log', async () => {
    expect(said(await many.stage.records('facts'), many.world)).toEqual(
      said(await one.stage.records('facts'), one.world),
    );
  });

  it.each(COMPARED)('have the same rows of %s', async (table) => {
    const expected = await rows(one, table);
    expect(expected.length).toBeGreaterThan(0);
    expect(await rows(many, table)).toEqual(expected);
  });

  it('announce the same transitions, and deliver each once', async () => {
    const expected = await announced(one.stage);
    expect(expected.length).toBeGreaterThan(0);
    expect(await announced(many.stage)).toEqual(expected);
    const heard = ({ world }: Side<Stage>): string[] => world.receiver.taken.map(({ id }) => id).sort();
    expect(heard(many)).toEqual(heard(one));
    expect(many.world.receiver.refused).toEqual([]);
  });

  it.each([
    '/v1/status',
    '/v1/tree',
    '/v1/metrics',
    '/v1/trend?metric=revenue&window=day&from=2026-10-19&to=2026-11-02',
    '/v1/trend?subject=key_result/grow/sell&window=day&from=2026-10-19&to=2026-11-02&known_at=2026-10-27T05:00:00Z',
    '/v1/status?known_at=2026-10-25T05:00:00Z',
    '/v1/alerts',
  ])('answer alike: %s', async (path) => {
    const [expected, answer] = await Promise.all([one.stage.call('GET', path), many.stage.call('GET', path)]);
    expect(expected.status).toBe(200);
    expect(withoutPlaces(answer.text, many.world)).toBe(withoutPlaces(expected.text, one.world));
  });
});

it('the query service shows BI tools what its status says', async () => {
  const [, url] = /"url":"([^"]+)"[^\n]*answering ClickHouse/.exec(many.stage.process('query').said()) ?? [];
  const { data } = (await many.stage.call('GET', '/v1/status?kind=kpi')).json() as { data: Record<string, string>[] };
  // Periods that have closed are in the history there.
  const current = data.filter(({ subject = '' }) => !subject.includes('@'));
  const expected = current.map(({ subject, verdict }) => `${subject}\t${verdict}`).sort();
  const shown = async (): Promise<string[]> => {
    const answer = await fetch(`${url}/`, { method: 'POST', body: 'SELECT subject, verdict FROM bi.kpi_status' });
    return (await answer.text()).trim().split('\n').sort();
  };
  expect(expected.length).toBeGreaterThan(0);
  await expect.poll(shown, { timeout: 20_000 }).toEqual(expected);
});

describe('three processors and several workspaces', () => {
  const copies = ['copy-a', 'copy-b', 'copy-c'];
  let processors: ServiceProcess[];
  let store: Store;

  beforeAll(async () => {
    // Out of the story's group, so that the three share all there is.
    await many.stage.process('processor').stop();
    const start = (): Promise<ServiceProcess> =>
      startService('processor', {
        env: {
          ...servers.env,
          PACELINE_CLICKHOUSE_DATABASE: 'copies',
          PACELINE_TICKS: 'manual',
          PACELINE_KAFKA_RECORDED_AT: 'writer',
        },
      });
    processors = await Promise.all([start(), start(), start()]);
    const log = await openKafkaLog({ brokers: [servers.kafka.brokers], now: () => 0 });
    const records = await many.stage.records('facts');
    const copied = async (workspace: string): Promise<void> => {
      await log.ensureTopic(factsTopic(workspace));
      for (let from = 0; from < records.length; from += 25)
        await log.append(factsTopic(workspace), records.slice(from, from + 25));
    };
    await Promise.all(copies.map(copied));
    // One of them dies in the middle of its work.
    await processors[0]?.kill();
    store = storeAt(servers.clickhouse, 'copies');
    const at = position(records.length) - 1;
    await Promise.all(copies.map((workspace) => settled(store, workspace, at)));
    await log.close();
  }, PATIENCE_MS);
  afterAll(async () => {
    await store?.close();
    await Promise.all(processors.map((each) => each.stop()));
  });

  it.each(COMPARED)('of which one is killed have the same rows of %s', async (table) => {
    // An alert is named after its workspace.
    const names = table === 'alert' ? ['alert', 'transition', 'body'] : [];
    const expected = await rowsOf(many.stage.store, table, 'story', names);
    for (const workspace of copies) expect(await rowsOf(store, table, workspace, names), workspace).toEqual(expected);
  });

  it('share the work', async () => {
    const left = processors.slice(1);
    await Promise.all(left.map((each) => each.ready()));
    const shares = await Promise.all(left.map((each) => each.health()));
    for (const { ready, parts } of shares) {
      expect(ready).toBe(true);
      expect(parts.map(({ part }) => part)).toEqual(expect.arrayContaining(['processor', 'kafka', 'clickhouse']));
    }
  });
});
