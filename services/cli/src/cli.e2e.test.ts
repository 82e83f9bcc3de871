import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectFiles } from './commands/init.ts';

const BINARY = resolve(import.meta.dirname, '../bin/paceline.js');

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

let folder: string;
let project: string;

function paceline(...argv: string[]): Promise<Ended> {
  return new Promise((done) => {
    execFile(
      process.execPath,
      [BINARY, ...argv],
      { cwd: folder, env: { ...process.env, NO_COLOR: '1' }, maxBuffer: 16 * 1024 * 1024 },
      (error, out, err) => {
        done({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, out, err });
      },
    );
  });
}

const inProject = (...argv: string[]): Promise<Ended> => paceline('--dir', project, ...argv);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'paceline-cli-'));
  project = join(folder, 'goals');
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('the first ten minutes', () => {
  it('writes a project, and never over one', async () => {
    const first = await paceline('init', 'goals');
    expect(first.code).toBe(0);
    const second = await paceline('init', 'goals', '--output', 'json');
    expect(second.code).toBe(1);
    expect(JSON.parse(second.out).error).toMatchObject({ code: 'folder_not_empty' });
  });

  it('previews rows as points without writing anything', async () => {
    const { code, out } = await inProject('preview', 'signups-csv', '--limit', '2', '--output', 'json');
    expect(code).toBe(0);
    expect(JSON.parse(out).rows).toHaveLength(2);
  });

  it('plans with exit code 2, applies, and then has nothing to plan', async () => {
    const plan = await inProject('plan');
    expect(plan.code).toBe(2);
    expect(plan.out).toContain('+ kpi/signups-per-day');
    expect((await inProject('apply')).code).toBe(0);
    expect((await inProject('plan')).code).toBe(0);
  });

  it('runs a source and judges what it brought', async () => {
    const run = await inProject('run', 'signups-csv', '--once', '--output', 'json');
    expect(run.code).toBe(0);
    expect(JSON.parse(run.out)).toMatchObject({ rows: 45, stated: 45, refused: 0 });
    const status = JSON.parse((await inProject('status', '--output', 'json')).out);
    const kpi = status.data.find(({ subject }: { subject: string }) => subject === 'kpi/signups-per-day');
    expect(kpi).toMatchObject({ verdict: 'on_track', target: '600', freshness: 'fresh' });
  });

  it('takes a check-in and a corrected line, and tells a refused one by its line', async () => {
    const checkIn = await inProject('check-in', 'key_result/grow/nps', '--value', '30', '--confidence', '0.5');
    expect(checkIn.code).toBe(0);
    const day = (await readFile(join(project, 'data/signups.csv'), 'utf8')).trim().split('\n').at(-1)?.split(',') ?? [];
    await writeFile(join(folder, 'more.csv'), `period,channel,value\n${day[0]},${day[1]},500\n2026-13-01,web,1\n`);
    const push = await inProject('push', 'signups', 'more.csv', '--output', 'json');
    expect(push.code).toBe(2);
    expect(JSON.parse(push.out)).toMatchObject({ accepted: 1, rejected: [{ index: 1, code: 'invalid_time' }] });
    const status = JSON.parse((await inProject('status', 'key_result/grow/nps', '--output', 'json')).out);
    expect(status.data).toMatchObject({ value: '30', progress: 1 / 3 });
  });

  it('explains, and prints CSV', async () => {
    const explained = await inProject('explain', 'kpi/signups-per-day', '--output', 'json');
    expect(JSON.parse(explained.out).evaluation.subject).toBe('kpi/signups-per-day');
    const csv = await inProject('status', '--output', 'csv');
    expect(csv.out.split('\n')[0]).toMatch(/^subject,title,owner,unit,value,target,/);
    const first = (await readFile(join(project, 'data/signups.csv'), 'utf8')).split('\n')[1]?.split(',')[0] ?? '';
    const trend = await inProject('trend', 'signups', '--window', 'week', '--from', first, '--output', 'json');
    expect(JSON.parse(trend.out).data.length).toBeGreaterThan(3);
  });
});

/** Ten documents that are wrong, and one that is not, in three files. */
const BROKEN: Readonly<Record<string, string>> = {
  'shapes.yaml': `apiVersion: paceline/v1
kind: Unit
metadata: {name: Sales Team}
spec: {type: team}
---
apiVersion: paceline/v1
kind: Metric
metadata: {name: revenue}
spec: {aggregation: sum, grain: day, tarjets: []}
---
apiVersion: paceline/v1
kind: Metric
metadata: {name: latency}
spec: {grain: hour}
---
apiVersion: paceline/v1
kind: Kpi
metadata: {name: fast}
spec:
  metric: revenue
  direction: up
  period: latest
  targets: [{effectiveFrom: 2026-01-01, value: many}]
`,
  'references.yaml': `apiVersion: paceline/v1
kind: Unit
metadata: {name: a}
spec: {type: team, parent: b}
---
apiVersion: paceline/v1
kind: Unit
metadata: {name: b}
spec: {type: team, parent: a}
---
apiVersion: paceline/v1
kind: Kpi
metadata: {name: lost}
spec:
  metric: revenues
  direction: higher
  period: {each: day}
  targets: [{effectiveFrom: 2026-01-01, value: 5}]
---
apiVersion: paceline/v1
kind: Metric
metadata: {name: stock}
spec: {aggregation: last, grain: day}
---
apiVersion: paceline/v1
kind: Kpi
metadata: {name: paced}
spec:
  metric: stock
  direction: higher
  period: latest
  pace: linear
  targets:
    - {effectiveFrom: 2026-01-01, value: 5}
    - {effectiveFrom: 2026-01-01, value: 6}
---
apiVersion: paceline/v1
kind: Metric
metadata: {name: stock}
spec: {aggregation: distinct, grain: day}
`,
  'no-yaml.yaml': `apiVersion: paceline/v1
kind: Cycle
metadata: {name: q4
spec: {firstDay: 2026-10-01}
`,
};

const FAULTS = `broken/no-yaml.yaml:4:1: invalid_yaml: Flow map in block collection must be sufficiently indented and end with a }
    correct it here
broken/shapes.yaml:3:18: invalid_name: "Sales Team" is no name
    use a-z, 0-9, _ and -, at most 63, beginning with a letter or digit
broken/shapes.yaml:9:38: unknown_key: unknown key "tarjets"
    use one of aggregation, derived, across, points, unit, grain, timezone, calendar, settle, cadence, dimensions, revisions, future, personal, push
broken/shapes.yaml:14:1: missing_key: a metric has an \`aggregation\`, or is \`derived\` from others
    add it
broken/shapes.yaml:21:14: invalid_value: expected one of higher, lower, within, found the text "up"
    use one of higher, lower, within
broken/shapes.yaml:23:48: not_a_number: "many" is no decimal number
    write it like "1234.5"
broken/references.yaml:4:28: loop: the unit is its own ancestor: a → b → a
    cut the chain at one place
broken/references.yaml:9:28: loop: the unit is its own ancestor: b → a → b
    cut the chain at one place
broken/references.yaml:15:11: unknown_reference: there is no metric "revenues"
    define it, or name what was meant
broken/references.yaml:32:9: pace_on_level: only a KPI to date on a sum, count, counter or distinct has a pace
    remove the pace, or use \`period: {toDate: …}\` with a sum, count, counter or distinct
broken/references.yaml:35:23: overlapping_dates: entries 0 and 1 both begin on 2026-01-01
    keep one of them
broken/references.yaml:39:18: duplicate_name: metric/stock is at broken/references.yaml:22 already
    rename or remove one of them
broken/references.yaml:40:21: distinct_on_periods: \`distinct\` counts different values and needs every one of them
    use \`points: time\`, so that every value is seen
`;

describe('mistakes', () => {
  it('of a whole folder are told at once, each with its place and what to do', async () => {
    await mkdir(join(folder, 'broken'));
    for (const [name, text] of Object.entries(BROKEN)) await writeFile(join(folder, 'broken', name), text);
    const { code, out, err } = await paceline('validate', 'broken');
    expect(code).toBe(1);
    expect(err).toBe(FAULTS);
    expect(out).toBe('13 faults in 3 files.\n');
    const told = JSON.parse((await paceline('validate', 'broken', '--output', 'json')).out);
    expect(told).toMatchObject({ valid: false });
    expect(told.faults).toHaveLength(13);
    expect(told.faults[0]).toMatchObject({ file: 'broken/no-yaml.yaml', line: 4, column: 1, code: 'invalid_yaml' });
  });

  it('are all told at once, with file, line and what was probably meant', async () => {
    const bad = join(folder, 'bad.yaml');
    await writeFile(
      bad,
      'apiVersion: paceline/v1\nkind: Kpi\nmetadata: {name: k}\nspec: {metric: nothing, direction: up, period: latest, tarjets: []}\n',
    );
    const { code, out } = await paceline('validate', 'bad.yaml', '--output', 'json');
    expect(code).toBe(1);
    const { faults } = JSON.parse(out) as { faults: { file: string; line: number; code: string }[] };
    expect(faults.map((fault) => fault.code).sort()).toEqual(expect.arrayContaining(['invalid_value', 'unknown_key']));
    expect(faults.every((fault) => fault.file === 'bad.yaml' && fault.line === 4)).toBe(true);
  });

  it.each([
    [['status', '--output', 'xml'], 'invalid_option'],
    [['--url', 'http://127.0.0.1:9', 'status'], 'server_unreachable'],
    [['preview', 'nothing'], 'unknown_source'],
    [['test', 'no-such-folder'], 'invalid_yaml'],
  ])('%j ends with 1 and %s', async (argv, code) => {
    const ended = await inProject(...argv);
    expect(ended.code).toBe(1);
    expect(ended.err).toContain(code);
  });
});

describe('the starter project', () => {
  it('ends its numbers yesterday', () => {
    const files = projectFiles(new Date('2026-03-01T10:00:00Z'));
    expect(files['data/signups.csv']?.trim().split('\n').at(-1)).toMatch(/^2026-02-28,/);
    expect(files['definitions/organisation.yaml']).toContain('firstDay: 2026-01-01, lastDay: 2026-03-31');
  });
});
