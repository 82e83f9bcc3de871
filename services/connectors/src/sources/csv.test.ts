import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectFiles, runLive } from '@paceline/connector-sdk';
import { describeConnector } from '@paceline/connector-sdk/conformance';
import { at, inputOf, MemorySink, metric, metricsOf, source, TestClock } from '@paceline/connector-sdk/run.fixture';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { csv } from './csv.ts';

let dir = '';
const open = async (): Promise<void> => {
  dir = await mkdtemp(path.join(tmpdir(), 'paceline-csv-'));
  await mkdir(path.join(dir, 'data'));
};
const close = (): Promise<void> => rm(dir, { recursive: true, force: true });
const write = (name: string, text: string | Buffer): Promise<void> => writeFile(path.join(dir, 'data', name), text);

describeConnector({
  connector: csv,
  start: open,
  stop: close,
  put: (rows) =>
    write(
      'kit.csv',
      `day,region,amount\n${rows.map(({ day, region, amount }) => `${day},${region},${amount ?? ''}\n`).join('')}`,
    ),
  config: () => ({ path: 'data/kit.csv' }),
  window: {},
  projectDir: () => dir,
  allow: () => null,
  bad: () => [
    { why: 'no such file', config: { path: 'data/none.csv' }, stage: 'permission' },
    { why: 'a way out', config: { path: '../../etc/passwd' }, stage: 'permission' },
    { why: 'an absolute path', config: { path: '/etc/passwd' }, stage: 'permission' },
    { why: 'a wrong key', config: { file: 'data/kit.csv' }, stage: 'config' },
  ],
});

describe('csv', () => {
  beforeEach(open);
  afterEach(close);
  const metrics = metricsOf(metric('kit', { aggregation: 'sum', grain: 'month', dimensions: ['region'] }));
  const run = (config: object, map: object = {}) => {
    const sink = new MemorySink();
    const document = source('s', {
      connector: 'csv',
      config: { path: 'data/a.csv', ...config },
      map: { metric: 'kit', time: 'month', value: 'amount', dimensions: ['region'], ...map },
    });
    const input = inputOf({
      source: document,
      connector: csv,
      metrics,
      sink,
      clock: new TestClock(at('2026-11-05T12:00:00Z')),
    });
    return runLive({ ...input, files: projectFiles(dir) }).then((report) => ({
      report,
      standing: sink.standing('kit'),
      sink,
    }));
  };

  it('reads comma, semicolon, tab and bar without being told', async () => {
    for (const delimiter of [',', ';', '\t', '|']) {
      await write('a.csv', `month,region,amount\n2026-01,emea,5\n`.replaceAll(',', delimiter));
      expect((await run({})).standing).toEqual({ '2026-01 emea': '5' });
    }
  });
  it('reads quotes, delimiters and line breaks inside quotes, Windows line ends, and a byte order mark', async () => {
    await write('a.csv', '\uFEFFmonth,region,amount\r\n2026-01,"em,ea ""north""\r\nand south",5\r\n');
    expect((await run({})).standing).toEqual({ '2026-01 em,ea "north"\r\nand south': '5' });
  });
  it('reads UTF-16 by its mark and other encodings when told, and refuses bytes that the encoding lacks', async () => {
    await write('a.csv', Buffer.from('\uFEFFmonth,region,amount\n2026-01,Zürich,5\n', 'utf16le'));
    expect((await run({})).standing).toEqual({ '2026-01 Zürich': '5' });
    await write('a.csv', Buffer.from('month,region,amount\n2026-01,Zürich,5\n', 'latin1'));
    expect((await run({ encoding: 'windows-1252' })).standing).toEqual({ '2026-01 Zürich': '5' });
    await expect(run({})).rejects.toMatchObject({
      code: 'invalid_encoding',
      message: expect.stringContaining('data/a.csv'),
    });
  });
  it('reads decimal commas when told', async () => {
    await write('a.csv', 'month;region;amount\n2026-01;emea;1.234.567,50\n2026-02;emea;-0,25\n2026-03;emea;7\n');
    expect((await run({ decimal: 'comma' })).standing).toEqual({
      '2026-01 emea': '1234567.5',
      '2026-02 emea': '-0.25',
      '2026-03 emea': '7',
    });
    expect((await run({})).report).toMatchObject({ refused: 2 });
  });
  it('reads files without a header, with lines above it, and with comments', async () => {
    await write('a.csv', '2026-01,emea,5\n');
    expect((await run({ header: ['month', 'region', 'amount'] })).standing).toEqual({ '2026-01 emea': '5' });
    await write('a.csv', 'Report of sales\nmade today\nmonth,region,amount\n# a remark\n2026-01,emea,5\n');
    expect((await run({ skipLines: 2, comment: '#' })).standing).toEqual({ '2026-01 emea': '5' });
  });
  it('turns columns into rows for wide files', async () => {
    await write('a.csv', 'month,emea,apac\n2026-01,1,2\n2026-02,3,\n');
    const { standing, report } = await run({ unpivot: { keep: ['month'], name: 'region', value: 'amount' } });
    expect(standing).toEqual({ '2026-01 apac': '2', '2026-01 emea': '1', '2026-02 emea': '3' });
    expect(report.absent).toBe(1);
  });
  it('reads many files as one, in order of name', async () => {
    await write('a-1.csv', 'month,region,amount\n2026-01,emea,1\n');
    await write('a-2.csv', 'month,region,amount\n2026-02,emea,2\n');
    expect((await run({ path: 'data/a-*.csv' })).standing).toEqual({ '2026-01 emea': '1', '2026-02 emea': '2' });
  });
  it('names file and line of what it refuses', async () => {
    await write('a.csv', 'month,region,amount\n2026-01,emea,1\n2026-02,emea,x\n');
    expect((await run({})).report.refusedRows).toEqual([
      expect.objectContaining({ at: 'data/a.csv:3', code: 'not_a_number' }),
    ]);
    await write('a.csv', 'month,region,amount\n2026-01,emea,1\n2026-02,emea\n');
    await expect(run({})).rejects.toMatchObject({
      code: 'invalid_csv',
      message: expect.stringContaining('data/a.csv:3'),
    });
    await write('a.csv', 'month,region,amount\n2026-01,"emea,1\n');
    await expect(run({})).rejects.toMatchObject({ code: 'invalid_csv' });
    await write('a.csv', 'month,month,amount\n2026-01,emea,1\n');
    await expect(run({})).rejects.toMatchObject({ code: 'invalid_header' });
  });
  it('suggests the column that was meant', async () => {
    await write('a.csv', 'Month,Region,Amount\n2026-01,emea,1\n');
    await expect(run({})).rejects.toMatchObject({
      code: 'unknown_column',
      message: expect.stringContaining('did you mean "Month"'),
    });
  });
  it('says that a file is empty of rows by reading none', async () => {
    await write('a.csv', 'month,region,amount\n');
    expect((await run({})).report).toMatchObject({ rows: 0, stated: 0 });
    await write('a.csv', '');
    expect((await run({})).report).toMatchObject({ rows: 0 });
  });
  it('follows no link out of the project folder and opens neither its data nor its secrets', async () => {
    const outside = await mkdtemp(path.join(tmpdir(), 'paceline-outside-'));
    try {
      await writeFile(path.join(outside, 'x.csv'), 'month,region,amount\n2026-01,emea,1\n');
      await symlink(path.join(outside, 'x.csv'), path.join(dir, 'data', 'a.csv'));
      await expect(run({})).rejects.toMatchObject({ code: 'file_refused' });
      await expect(run({ path: 'data/*.csv' })).rejects.toMatchObject({ code: 'file_refused' });
    } finally {
      await rm(outside, { recursive: true, force: true });
    }
    await mkdir(path.join(dir, 'secrets'));
    await writeFile(path.join(dir, 'secrets', 'x.csv'), 'month,region,amount\n2026-01,emea,1\n');
    for (const file of ['secrets/x.csv', './secrets/x.csv', 'data/../secrets/x.csv', '.paceline/x.csv']) {
      await expect(run({ path: file })).rejects.toMatchObject({ code: 'file_refused' });
    }
    await expect(run({ path: '**/x.csv' })).rejects.toMatchObject({ code: 'file_missing' });
  });
});
