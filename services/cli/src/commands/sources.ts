import { compileCatalog, documentId, type SourceDocument } from '@paceline/domain';
import { createLogger, requireConfig, systemClock } from '@paceline/runtime';
import type { Command } from 'commander';
import { type CommandContext, withApi } from '../context.ts';
import { Failure } from '../failure.ts';
import { paint, printDocument, printRows } from '../output.ts';
import { startProgress } from '../progress.ts';
import { validDocuments } from './definitions.ts';

export function registerSources(program: Command, context: () => CommandContext): void {
  registerCheck(program, context);
  registerDiscover(program, context);
  registerPreview(program, context);
  registerRun(program, context);
  registerBackfill(program, context);
}

/** Sources as the files say, before anything is applied: nothing here needs a server or writes anywhere. */
async function openWorkbench(at: CommandContext) {
  const [{ createEgress }, { createWorkbench }] = await Promise.all([
    import('@paceline/connector-sdk'),
    import('@paceline/connectors'),
  ]);
  const documents = await validDocuments(at, undefined);
  const config = requireConfig({ dir: at.dir, env: process.env });
  const known = documents.map((document) => ({ document, position: 0, recordedAt: 0 }));
  const catalog = compileCatalog(known);
  const workbench = createWorkbench({
    projectDir: at.dir,
    egress: createEgress({ allow: config.egress.allow }),
    env: process.env,
    clock: systemClock,
    logger: createLogger({ level: 'warn', format: 'text' }),
  });
  const sources = documents.filter((document): document is SourceDocument => document.kind === 'Source');
  const find = (name: string): SourceDocument => {
    const found = sources.find((source) => source.metadata.name === name || documentId(source) === name);
    if (found !== undefined) return found;
    throw new Failure('unknown_source', `there is no source ${name} in the files of ${at.dir}`, {
      remedy:
        sources.length === 0
          ? 'Write a Source document first.'
          : `Known are ${sources.map((source) => source.metadata.name).join(', ')}.`,
    });
  };
  return { workbench, metrics: catalog.metrics, sources, find };
}

function registerCheck(program: Command, context: () => CommandContext): void {
  program
    .command('check')
    .argument('[source]', 'one source; all otherwise')
    .description('whether sources can be read: name, connection, access, a sample')
    .action(async (name: string | undefined) => {
      const at = context();
      const { workbench, metrics, sources, find } = await openWorkbench(at);
      const chosen = name === undefined ? sources : [find(name)];
      const rows: { source: string; stage: string; outcome: string; detail: string; remedy: string }[] = [];
      for (const source of chosen) {
        for (const fault of await workbench.validate(source)) {
          rows.push({
            source: source.metadata.name,
            stage: 'config',
            outcome: 'failed',
            detail: `${fault.pointer}: ${fault.message}`,
            remedy: '',
          });
        }
        for await (const stage of workbench.check(source, metrics, AbortSignal.timeout(60_000))) {
          rows.push({
            source: source.metadata.name,
            stage: stage.stage,
            outcome: stage.ok ? 'ok' : 'failed',
            detail: stage.message,
            remedy: stage.remedy ?? '',
          });
        }
      }
      printRows(at.output, rows, [
        { title: 'source', cell: (row) => row.source },
        { title: 'stage', cell: (row) => row.stage },
        {
          title: 'outcome',
          cell: (row) =>
            at.output.format === 'table'
              ? paint(at.output, row.outcome === 'ok' ? 'green' : 'red', row.outcome)
              : row.outcome,
        },
        { title: 'detail', cell: (row) => row.detail },
        { title: 'remedy', cell: (row) => row.remedy },
      ]);
      if (rows.some((row) => row.outcome !== 'ok')) process.exitCode = 1;
    });
}

function registerDiscover(program: Command, context: () => CommandContext): void {
  program
    .command('discover')
    .argument('<source>')
    .description('what a source offers: tables, files, fields')
    .action(async (name: string) => {
      const at = context();
      const { workbench, metrics, find } = await openWorkbench(at);
      const streams = await workbench.discover(find(name), metrics, AbortSignal.timeout(60_000));
      printRows(at.output, streams, [
        { title: 'stream', cell: (row) => row.name },
        {
          title: 'fields',
          cell: (row) => row.columns.map((column) => `${column.name} ${column.type}`.trim()).join(', '),
        },
      ]);
    });
}

function registerPreview(program: Command, context: () => CommandContext): void {
  program
    .command('preview')
    .argument('<source>')
    .description('rows of a source and the points they would become; writes nothing')
    .option('--limit <n>', 'rows', '20')
    .action(async (name: string, options: { limit: string }) => {
      const at = context();
      const limit = Number(options.limit);
      if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
        throw new Failure('invalid_option', `--limit ${options.limit} is no whole number from 1 to 10000`);
      const { workbench, metrics, find } = await openWorkbench(at);
      const preview = await workbench.preview(find(name), metrics, { limit, signal: AbortSignal.timeout(120_000) });
      const lines = preview.rows.flatMap((row, index) =>
        row.points.map((point, at) => ({ row: index + 1, point, raw: at === 0 ? JSON.stringify(row.row) : '' })),
      );
      printRows(
        at.output,
        lines,
        [
          { title: 'row', align: 'right', cell: (line) => line.row },
          {
            title: 'raw',
            cell: (line) =>
              at.output.format === 'table' && line.raw.length > 60 ? `${line.raw.slice(0, 59)}…` : line.raw,
          },
          { title: 'metric', cell: (line) => line.point.metric },
          {
            title: 'period or time',
            field: 'at',
            cell: (line) => ('point' in line.point ? (line.point.point.period ?? line.point.point.time) : ''),
          },
          {
            title: 'value',
            align: 'right',
            cell: (line) => ('point' in line.point ? (line.point.point.value ?? '') : ''),
          },
          {
            title: 'dimensions',
            cell: (line) => ('point' in line.point ? JSON.stringify(line.point.point.dimensions ?? {}) : ''),
          },
          {
            title: 'refused',
            cell: (line) =>
              'code' in line.point
                ? `${line.point.code}: ${line.point.message}`
                : 'skipped' in line.point
                  ? line.point.skipped
                  : '',
          },
        ],
        preview,
      );
    });
}

interface RunEvent {
  readonly type: 'progress' | 'paused' | 'report' | 'error';
  readonly done?: number;
  readonly total?: number;
  readonly note?: string;
  readonly report?: Readonly<Record<string, unknown>>;
  readonly position?: string | null;
  readonly code?: string;
  readonly message?: string;
  readonly remedy?: string | null;
}

function registerRun(program: Command, context: () => CommandContext): void {
  program
    .command('run')
    .argument('<source>')
    .description('read a source now and judge what it brings')
    .requiredOption('--once', 'one run; `paceline serve` runs sources by their schedule')
    .option('--whole', 'state the whole window again, whatever is known')
    .option('--confirm-retraction', 'let this run retract more than half of its points')
    .action(async (source: string, options: { whole?: boolean; confirmRetraction?: boolean }) => {
      const at = context();
      await stream(
        at,
        `/v1/sources/${encodeURIComponent(source)}/run`,
        { whole: options.whole === true, confirmRetraction: options.confirmRetraction === true },
        `run ${source}`,
      );
    });
}

function registerBackfill(program: Command, context: () => CommandContext): void {
  program
    .command('backfill')
    .argument('<source>')
    .description('read a span of the past, window by window; resumes where it was interrupted')
    .requiredOption('--from <date>', 'first day or instant')
    .requiredOption('--to <date>', 'day or instant before which it ends')
    .action(async (source: string, options: { from: string; to: string }) => {
      const at = context();
      await stream(at, `/v1/sources/${encodeURIComponent(source)}/backfill`, options, `backfill ${source}`);
    });
}

async function stream(
  at: CommandContext,
  path: string,
  body: Readonly<Record<string, unknown>>,
  label: string,
): Promise<void> {
  const progress = startProgress(at.output, label);
  await withApi(at, async (api) => {
    for await (const event of api.lines<RunEvent>('POST', path, { body })) {
      if (event.type === 'progress') progress.update(event.done ?? 0, event.total ?? 0, event.note);
      else if (event.type === 'paused') progress.update(event.done ?? 0, event.total ?? 1, 'waits for the processor');
      else if (event.type === 'error') {
        progress.stop();
        throw new Failure(
          event.code ?? 'source_failed',
          event.message ?? 'the run failed',
          event.remedy === undefined || event.remedy === null ? {} : { remedy: event.remedy },
        );
      } else {
        progress.stop();
        const report = event.report ?? {};
        printDocument(at.output, { ...report, position: event.position ?? null }, reportText(report));
        if (Number(report.refused ?? 0) > 0) process.exitCode = 2;
      }
    }
  });
}

function reportText(report: Readonly<Record<string, unknown>>): string {
  const refusedRows = Array.isArray(report.refusedRows)
    ? (report.refusedRows as { code?: string; message?: string; row?: unknown }[])
    : [];
  const notes = Array.isArray(report.notes) ? (report.notes as unknown[]).map(String) : [];
  return [
    `${String(report.rows ?? 0)} rows read, ${String(report.stated ?? 0)} values stated, ${String(report.unchanged ?? 0)} unchanged, ${String(report.retracted ?? 0)} retracted, ${String(report.refused ?? 0)} refused.`,
    ...refusedRows.slice(0, 10).map((row) => `  refused: ${row.code ?? ''} ${row.message ?? ''}`),
    ...notes.map((note) => `  note: ${note}`),
  ].join('\n');
}
