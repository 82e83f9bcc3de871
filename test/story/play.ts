import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadDocuments } from '@paceline/events';
import type { Answer, Call, Stage } from '../support/stage.ts';
import type { Act, Step } from './story.ts';
import type { World } from './world.ts';

/** Plays one step on a stage; throws where the stage answers otherwise than the story says. */
export async function playStep({ at, acts }: Step, stage: Stage, world: World): Promise<void> {
  stage.go(at);
  for (const act of acts) await play(act, stage, world);
}

async function play(act: Act, stage: Stage, world: World): Promise<void> {
  switch (act.act) {
    case 'billing':
      return world.billing(act.rows);
    case 'samples':
      return world.samples(act.samples);
    case 'monitor':
      return world.monitor(act.up);
    case 'crm':
      return world.crm(act.rows);
    case 'run':
      return run(act.source, act.fails, stage);
    case 'push':
      return push(act.lines, act.key, act.rejects ?? [], stage);
    case 'covered':
      await post(stage, '/v1/covered', { body: { metric: act.metric, to: act.to } }, 202);
      return;
    case 'check-in':
      await post(stage, '/v1/check-ins', { body: act.checkIn }, 202);
      return;
    case 'apply':
      return apply(act.file, stage, world);
    case 'poison':
      return stage.appendRaw(
        POISON.map(({ payload, headers }) => ({ key: null, value: Buffer.from(payload), headers })),
      );
    case 'tick':
      return stage.tick();
  }
}

/** What is no fact, and the code under which it must be put aside. */
export const POISON = [
  {
    payload: '{"points": [{"value": "1"',
    headers: { ce_specversion: '1.0', ce_id: 'poison', ce_type: 'paceline.observations.v1', ce_source: 'elsewhere' },
    code: 'invalid_json',
  },
  { payload: 'nobody knows', headers: {}, code: 'unknown_type' },
] as const;

async function run(source: string, fails: string | undefined, stage: Stage): Promise<void> {
  const answer = await post(stage, `/v1/sources/${source}/run`, { body: {} }, 200);
  const last: { type: string; code?: string } = JSON.parse(answer.text.trim().split('\n').at(-1) ?? '');
  const got = last.type === 'report' ? undefined : last.code;
  if (got !== fails || (fails === undefined && last.type !== 'report')) {
    throw new Error(`source ${source} was to ${fails === undefined ? 'run' : `fail with ${fails}`}: ${answer.text}`);
  }
}

async function push(
  lines: readonly unknown[],
  key: string | undefined,
  rejects: readonly string[],
  stage: Stage,
): Promise<void> {
  const body = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  const call = { body, type: 'application/x-ndjson', ...(key === undefined ? {} : { key }) };
  const { accepted, rejected } = (await post(stage, '/v1/observations', call, 202)).json<{
    accepted: number;
    rejected: { code: string }[];
  }>();
  const codes = rejected.map(({ code }) => code);
  if (accepted !== lines.length - rejects.length || codes.join() !== rejects.join()) {
    throw new Error(`of ${lines.length} lines ${accepted} were taken, refused were: ${codes.join()}`);
  }
}

async function apply(file: string, stage: Stage, world: World): Promise<void> {
  const text = readFileSync(join(import.meta.dirname, file), 'utf8');
  const { documents, faults } = loadDocuments([{ file, text }], world.env);
  if (faults.length > 0) throw new Error(JSON.stringify(faults));
  const body = { documents: documents.map(({ document }) => document), command: `apply-${file}` };
  const answer = await post(stage, '/v1/definitions/apply', { body }, 200);
  const { data } = answer.json<{ data: { outcome: string } }>();
  if (data.outcome !== 'accepted') throw new Error(`${file}: ${answer.text}`);
}

async function post(stage: Stage, path: string, call: Call, status: number): Promise<Answer> {
  const answer = await stage.call('POST', path, call);
  if (answer.status !== status) throw new Error(`POST ${path} answered ${answer.status}: ${answer.text}`);
  return answer;
}
