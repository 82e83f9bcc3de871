import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatPosition, instantText, offsetOf, type Position, position } from '@paceline/domain';
import { DEADLETTER_TOPIC, encodeDeadLetter, encodeFact, factsTopic, type WireMessage } from '@paceline/events';
import { changeKeys, mintKey, requireConfig, SCOPES, type Scope, silentLogger, systemClock } from '@paceline/runtime';
import { openPaceline, type Paceline } from '../open.ts';

const DAY_MS = 86_400_000;

/** What only one workspace has: its name, the prefix of all its ids, and values and texts that nobody sends in a request. */
export interface Side {
  readonly workspace: string;
  readonly prefix: string;
  readonly canary: string;
  readonly value: string;
}

/** Ids of things in a workspace that a request can name. */
export interface Ids {
  readonly alert: string;
  readonly command: string;
  readonly deadLetter: string;
  /** One that can be read by now. */
  readonly readable: string;
  readonly cursor: string;
  readonly position: string;
}

export const OWN: Side = { workspace: 'own-ws', prefix: 'own', canary: 'owntext', value: '111222' };
export const HIDDEN: Side = { workspace: 'hidden-ws', prefix: 'hidden', canary: 'topsecret', value: '777123' };

export interface World {
  readonly paceline: Paceline;
  /** Of the hidden workspace. */
  readonly hidden: Ids;
  /** A key of the own workspace, or of all. */
  key(workspace: string, scopes?: readonly Scope[]): string;
  hiddenEnd(): Promise<number>;
  stop(): Promise<void>;
}

/** The whole application with two workspaces that have everything there is: definitions, values, alerts, dead letters, sources. */
export async function openWorld(): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), 'paceline-isolation-'));
  const config = requireConfig({ dir, env: {}, overrides: { workspace: OWN.workspace } });
  await mkdir(join(dir, 'data'));
  for (const side of [OWN, HIDDEN]) {
    await writeFile(join(dir, 'data', `${side.prefix}.csv`), `day,value\n${today(-3)},${side.value}\n`);
  }
  const key = (workspace: string, scopes: readonly Scope[] = SCOPES): string => {
    const { text, stored } = mintKey({ name: 'k', scopes, workspace, expiresAt: null }, systemClock.now());
    changeKeys(config.keysFile, (keys) => [...keys, stored]);
    return text;
  };
  const every = key('*');
  const paceline = await openPaceline({
    config,
    logger: silentLogger,
    env: {},
    background: false,
    tickAtStop: false,
    ticks: 'manual',
    statusIdleMs: 1,
  });
  await paceline.start();
  const filled = new Map<Side, Ids>();
  for (const side of [OWN, HIDDEN]) filled.set(side, await fill(paceline, side, every));
  const hidden = filled.get(HIDDEN);
  if (hidden === undefined) throw new Error('the hidden workspace was not filled');
  return {
    paceline,
    hidden,
    key,
    hiddenEnd: () => paceline.log.end(factsTopic(HIDDEN.workspace)),
    async stop() {
      await paceline.stop('the test is over');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export function today(days = 0): string {
  return new Date(systemClock.now() + days * DAY_MS).toISOString().slice(0, 10);
}

async function fill(paceline: Paceline, side: Side, key: string): Promise<Ids> {
  const { workspace, prefix, canary, value } = side;
  const post = async (path: string, body: unknown): Promise<void> => {
    // A workspace made a moment ago is still being read by the parts that did not make it.
    for (let attempt = 1; ; attempt++) {
      const answer = await paceline.app.inject({
        method: 'POST',
        url: `${path}?workspace=${workspace}`,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        payload: JSON.stringify(body),
      });
      if (answer.statusCode < 300) return;
      if (answer.statusCode !== 503 || attempt === 100) throw new Error(`${path}: ${answer.body}`);
      await systemClock.sleep(50);
    }
  };
  await post('/v1/definitions/apply', { documents: documentsOf(side), command: `${prefix}-command` });
  const observations = [-5, -4, -3, -2, -1].map((days) => ({ metric: `${prefix}-metric`, period: today(days), value }));
  await post('/v1/observations', observations);
  await post('/v1/covered', { metric: `${prefix}-metric`, from: today(-40), to: today() });
  await post('/v1/check-ins', { subject: `key_result/${prefix}-goal/${prefix}-nps`, value: '21', note: canary });
  const topic = factsTopic(workspace);
  const bytes = new TextEncoder();
  const headers = { ce_type: 'paceline.covered.v1' };
  const broken = { key: bytes.encode('k'), value: bytes.encode(`{"${canary}": `), headers };
  const { baseOffset } = await paceline.log.append(topic, [broken]);
  const readable = position(baseOffset + 1_000);
  await paceline.log.append(DEADLETTER_TOPIC, [letterOf(side, readable)]);
  await settle(paceline, workspace);
  await paceline.processor.tick(workspace);
  await settle(paceline, workspace);
  await post(`/v1/sources/${prefix}-source/run`, {});
  await settle(paceline, workspace);
  const read = async (path: string): Promise<{ data: { id?: string }[]; links?: { next?: string } }> => {
    const url = `${path}workspace=${workspace}`;
    return (await paceline.app.inject({ url, headers: { authorization: `Bearer ${key}` } })).json();
  };
  const alert = (await read('/v1/alerts?state=all&')).data[0]?.id;
  const { links } = await read(`/v1/observations?metric=${prefix}-metric&limit=2&`);
  const cursor = new URLSearchParams(links?.next?.split('?')[1]).get('cursor');
  if (alert === undefined || cursor === null) throw new Error(`${workspace} has no alert or no second page`);
  const end: Position = position(await paceline.log.end(topic)) - 1;
  return {
    alert,
    command: `${prefix}-command`,
    deadLetter: formatPosition(position(baseOffset)),
    readable: formatPosition(readable),
    cursor,
    position: formatPosition(end),
  };
}

/** As if an earlier version could not have read it. */
function letterOf({ workspace, prefix, value }: Side, at: Position): WireMessage {
  const points = [{ period: today(-6), value }];
  const fact = { type: 'observations', metric: `${prefix}-metric`, feeder: 'push', points } as const;
  return encodeDeadLetter({
    ...encodeFact(workspace, fact, { id: `${prefix}-letter`, source: 'push' }),
    topic: factsTopic(workspace),
    offset: offsetOf(at),
    appendedAt: systemClock.now(),
    code: 'unknown_version',
    message: 'version 9 of observations is not known here',
  });
}

async function settle(paceline: Paceline, workspace: string): Promise<void> {
  await paceline.processor.settle(workspace, position(await paceline.log.end(factsTopic(workspace))) - 1);
}

function documentsOf({ prefix, canary, value }: Side): object[] {
  const document = (kind: string, name: string, spec: object) => ({
    apiVersion: 'paceline/v1',
    kind,
    metadata: { name: `${prefix}-${name}`, title: `${canary} ${name}`, description: canary, owner: `${canary}-owner` },
    spec,
  });
  const since = today(-30);
  return [
    document('Unit', 'unit', { type: 'team' }),
    document('Cycle', 'cycle', { firstDay: since, lastDay: today(60), timezone: 'UTC' }),
    document('Metric', 'metric', { aggregation: 'sum', grain: 'day', unit: canary }),
    document('Metric', 'fed', { aggregation: 'sum', grain: 'day', unit: canary }),
    document('Kpi', 'kpi', {
      unit: `${prefix}-unit`,
      metric: `${prefix}-metric`,
      direction: 'higher',
      period: { each: 'day' },
      targets: [{ effectiveFrom: since, value: `${value}9` }],
    }),
    document('Objective', 'goal', {
      unit: `${prefix}-unit`,
      cycle: `${prefix}-cycle`,
      keyResults: [
        { name: `${prefix}-kr`, metric: `${prefix}-metric`, type: 'reach', baseline: 0, target: `${value}99` },
        { name: `${prefix}-nps`, type: 'reach', baseline: 20, target: 50 },
      ],
    }),
    document('Source', 'source', {
      connector: 'csv',
      config: { path: `data/${prefix}.csv` },
      schedule: { every: 'P1D' },
      window: { period: 'P1D', lookback: 'P7D', start: since },
      map: { metric: `${prefix}-fed`, time: 'day', value: 'value' },
    }),
    document('Channel', 'hook', { type: 'webhook', url: `http://127.0.0.1:9/${canary}` }),
    document('AlertRule', 'rule', {
      watch: [`key_result/${prefix}-goal/*`],
      when: 'off_track',
      for: 1,
      recover: 1,
      severity: 'page',
      channels: [`${prefix}-hook`],
    }),
  ];
}

/** An instant an hour from now. */
export function soon(): string {
  return instantText(systemClock.now() + 3_600_000);
}
