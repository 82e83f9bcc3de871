import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type CommandContext, withApi } from '../context.ts';
import { type Output, printRows } from '../output.ts';
import type { EvaluationView } from '../wire.ts';
import { validDocuments } from './definitions.ts';
import { lookText } from './status-columns.ts';

interface BacktestAnswer {
  readonly data: {
    readonly rule: string;
    readonly subjects: number;
    readonly judged: number;
    readonly perYear: number;
    readonly right: number;
    readonly wrong: number;
    readonly silent: number;
    readonly leadDaysMedian: number | null;
    readonly alerts: readonly {
      readonly subject: string;
      readonly period: string;
      readonly opened: string;
      readonly ended: string | null;
      readonly end: string | null;
      readonly worst: EvaluationView['verdict'];
      readonly outcome: string | null;
      readonly leadDays: number | null;
    }[];
  };
  readonly meta: { readonly from: string };
}

/** `backtest`: a rule of the files, or one that is applied, over the history that is there. */
export function registerBacktest(program: Command, context: () => CommandContext): void {
  program
    .command('backtest')
    .argument('<rule>', 'name of an AlertRule in the project’s files, or of one that is applied')
    .argument('[path]', 'file or folder of the rule; else the project’s definitions folder')
    .description('what an alert rule would have raised: alerts a year, right and wrong ones, how early')
    .option('--from <instant>', 'look back to here; a year otherwise')
    .addHelpText(
      'after',
      '\nExamples:\n  paceline backtest mrr-off-track\n  paceline backtest mrr-off-track --from 2024-01-01 --output csv',
    )
    .action(async (name: string, path: string | undefined, options: { from?: string }) => {
      const at = context();
      const hasFiles = path !== undefined || existsSync(join(at.dir, 'definitions'));
      const documents = hasFiles ? await validDocuments(at, path) : [];
      const own = documents.find(({ kind, metadata }) => kind === 'AlertRule' && metadata.name === name);
      await withApi(at, async (api) => {
        const answer = await api.json<BacktestAnswer>('POST', '/v1/backtest', {
          query: { from: options.from },
          body: { rule: own ?? name },
        });
        print(at.output, answer);
      });
    });
}

function print(output: Output, answer: BacktestAnswer): void {
  const { alerts, ...found } = answer.data;
  if (alerts.length > 0 || output.format !== 'table') {
    printRows(
      output,
      alerts,
      [
        { title: 'opened', cell: (row) => row.opened },
        { title: 'subject', cell: (row) => row.subject },
        { title: 'period', cell: (row) => row.period },
        {
          title: 'worst',
          cell: (row) => (output.format === 'csv' ? row.worst : lookText(output, row.worst)),
        },
        { title: 'ended', cell: (row) => row.ended },
        { title: 'how', field: 'end', cell: (row) => row.end },
        { title: 'outcome', cell: (row) => row.outcome },
        {
          title: 'days before',
          align: 'right',
          field: 'lead_days',
          cell: (row) => (row.leadDays === null ? null : daysText(row.leadDays)),
        },
      ],
      answer,
    );
  }
  if (output.format !== 'table') return;
  const lead =
    found.leadDaysMedian === null
      ? ''
      : `, half of the right ones ${daysText(found.leadDaysMedian)} days or more before the end`;
  output.write(
    `${alerts.length === 0 ? '' : '\n'}${found.rule} since ${answer.meta.from.slice(0, 10)}: ${found.judged} judgements of ${found.subjects === 1 ? '1 subject' : `${found.subjects} subjects`}, ${daysText(found.perYear)} alerts a year; ${found.right} in periods that were missed, ${found.wrong} in periods that were achieved, ${found.silent} periods missed in silence${lead}.`,
  );
}

function daysText(days: number): string {
  return String(Math.round(days * 10) / 10);
}
