import type { Command } from 'commander';
import { type CommandContext, withApi } from '../context.ts';
import { Failure } from '../failure.ts';
import { type Output, paint, printDocument, printRows } from '../output.ts';
import { startProgress } from '../progress.ts';

type Values = Readonly<Record<string, string>>;

interface Difference {
  readonly workspace: string;
  readonly table: string;
  readonly key: Values;
  readonly running: Values | null;
  readonly rebuilt: Values | null;
}

interface AlertName {
  readonly workspace: string;
  readonly rule: string;
  readonly subject: string;
  readonly period: string;
}

interface Report {
  readonly tables: readonly {
    readonly workspace: string;
    readonly table: string;
    readonly rows: number;
    readonly different: number;
  }[];
  readonly same: boolean;
  readonly first: Difference | null;
  readonly swapped: boolean;
  readonly alerts: { readonly retracted: readonly AlertName[]; readonly opened: readonly AlertName[] };
}

type Event =
  | { readonly type: 'progress'; readonly workspace: string; readonly done: number; readonly total: number }
  | { readonly type: 'stage'; readonly note: string }
  | { readonly type: 'report'; readonly report: Report }
  | { readonly type: 'error'; readonly code: string; readonly message: string; readonly remedy: string | null };

export function registerReplay(program: Command, context: () => CommandContext): void {
  program
    .command('replay')
    .description('build all tables again from the log beside those in use, and say whether they are the same')
    .option('--verify', 'only compare (the default); exit code 2 when something differs')
    .option('--swap', 'then go on with the tables built again')
    .addHelpText('after', '\nExamples:\n  paceline replay --verify\n  paceline replay --swap')
    .action(async (options: { verify?: boolean; swap?: boolean }) => {
      const at = context();
      const swap = options.swap === true;
      if (swap && options.verify === true) {
        throw new Failure('invalid_option', '--verify changes nothing, and --swap does', {
          remedy: '--swap compares too: leave --verify out.',
        });
      }
      const report = await replay(at, swap);
      print(at.output, report);
      if (!report.same && !report.swapped) process.exitCode = 2;
    });
}

async function replay(at: CommandContext, swap: boolean): Promise<Report> {
  const progress = startProgress(at.output, 'replay');
  try {
    return await withApi(at, async (api) => {
      for await (const event of api.lines<Event>('POST', '/v1/replay', { body: { swap } })) {
        if (event.type === 'progress') progress.update(event.done, event.total, event.workspace);
        else if (event.type === 'stage') progress.note(event.note);
        else if (event.type === 'report') return event.report;
        else throw new Failure(event.code, event.message, event.remedy === null ? {} : { remedy: event.remedy });
      }
      throw new Failure('replay_failed', 'the server ended its answer before the report', {
        remedy: 'Look at its log, and ask again.',
      });
    });
  } finally {
    progress.stop();
  }
}

function print(output: Output, report: Report): void {
  if (output.format === 'json') {
    printDocument(output, { ...report });
    return;
  }
  printRows(output, report.tables, [
    { title: 'workspace', cell: (row) => row.workspace },
    { title: 'table', cell: (row) => row.table },
    { title: 'rows', align: 'right', cell: (row) => row.rows },
    {
      title: 'outcome',
      cell: ({ different }) =>
        different === 0 ? paint(output, 'green', 'same') : paint(output, 'red', `${different} groups differ`),
    },
  ]);
  if (report.first !== null) for (const line of differenceLines(report.first)) output.say(line);
  for (const { rule, subject, period } of report.alerts.retracted)
    output.say(`${report.swapped ? 'retracted' : 'would be retracted'}: ${rule} ${subject} ${period}`.trimEnd());
  for (const { rule, subject, period } of report.alerts.opened)
    output.say(`open in the tables built again, not sent: ${rule} ${subject} ${period}`.trimEnd());
  output.say(outcome(report));
}

function outcome({ same, swapped }: Report): string {
  if (swapped)
    return same ? 'The tables were the same; those built again are in use.' : 'The tables built again are in use.';
  return same
    ? 'The tables are what the log says.'
    : 'The tables are not what the log says; `paceline replay --swap` goes on with those built again.';
}

function differenceLines({ workspace, table, key, running, rebuilt }: Difference): string[] {
  const name = Object.entries(key).map(([column, value]) => `${column} ${value}`);
  const title = `first difference: ${table} of ${workspace}, ${name.join(', ')}`;
  if (running === null) return [title, '  missing in the tables in use'];
  if (rebuilt === null) return [title, '  not in the tables built again'];
  const columns = Object.keys(running).map(
    (column) => `  ${column}: ${running[column]} in use, ${rebuilt[column]} built again`,
  );
  return [title, ...columns];
}
