import type { Command } from 'commander';
import { type CommandContext, withApi } from '../context.ts';
import { freshnessNow, percent, readable, VERDICT_LOOK } from '../look.ts';
import { type Column, type Output, paint, printRows } from '../output.ts';
import type { EvaluationView, StatusAnswer } from '../wire.ts';

export function statusColumns(output: Output, answer: StatusAnswer): Column<EvaluationView>[] {
  const now = Date.parse(answer.meta.now);
  const about = (row: EvaluationView) => answer.meta.subjects[row.subject];
  return [
    { title: 'subject', cell: (row) => row.subject },
    { title: 'owner', cell: (row) => about(row)?.owner },
    { title: 'value', align: 'right', cell: (row) => (output.format === 'csv' ? row.value : readable(row.value)) },
    { title: 'target', align: 'right', cell: (row) => (output.format === 'csv' ? row.target : targetText(row)) },
    {
      title: 'expected',
      align: 'right',
      field: 'expected_value',
      cell: (row) => (output.format === 'csv' ? row.expectedValue : readable(row.expectedValue)),
    },
    {
      title: 'progress',
      align: 'right',
      cell: (row) => (output.format === 'csv' ? row.progress : percent(row.progress)),
    },
    { title: 'pace', align: 'right', cell: (row) => (output.format === 'csv' ? row.pace : percent(row.pace)) },
    {
      title: 'verdict',
      cell: (row) => {
        if (output.format === 'csv') return row.verdict;
        const look = VERDICT_LOOK[row.verdict];
        return paint(output, look.tone, `${look.symbol} ${look.text}${row.provisional ? ' (provisional)' : ''}`);
      },
    },
    {
      title: 'measured',
      field: 'measured_at',
      cell: (row) => (output.format === 'csv' ? row.measuredAt : (row.measuredAt?.slice(0, 10) ?? '')),
    },
    { title: 'freshness', cell: (row) => freshnessNow(row.lateAt, row.staleAt, now) },
  ];
}

function targetText(row: EvaluationView): string {
  return row.targetLow === null ? readable(row.target) : `${readable(row.targetLow)} to ${readable(row.targetHigh)}`;
}

export function registerStatus(program: Command, context: () => CommandContext): void {
  program
    .command('status')
    .argument('[subject]', 'KIND/ID such as kpi/revenue, or a kind alone such as kpi')
    .description('what is on track, for every subject or one')
    .option('--as-of <instant>', 'as of this instant instead of the latest')
    .option('--known-at <instant>', 'with what was known then')
    .option('--unit <name>', 'only this unit')
    .option('--owner <name>', 'only this owner')
    .option('--cycle <name>', 'only this cycle')
    .option('--verdict <verdict>', 'only this verdict')
    .addHelpText(
      'after',
      '\nExamples:\n  paceline status\n  paceline status kpi/revenue --as-of 2026-06-30\n  paceline status --verdict off_track --output csv',
    )
    .action(async (subject: string | undefined, options: Record<string, string | undefined>) => {
      const at = context();
      await withApi(at, async (api) => {
        const query = {
          as_of: options.asOf,
          known_at: options.knownAt,
          unit: options.unit,
          owner: options.owner,
          cycle: options.cycle,
          verdict: options.verdict,
          ...(subject !== undefined && !subject.includes('/') ? { kind: subject } : {}),
        };
        const one = subject?.includes('/') === true;
        const path = one ? `/v1/status/${encodeSubject(subject)}` : '/v1/status';
        const answer = await api.json<StatusAnswer | { data: EvaluationView; meta: StatusAnswer['meta'] }>(
          'GET',
          path,
          { query },
        );
        const rows = Array.isArray(answer.data) ? answer.data : [answer.data];
        const whole: StatusAnswer = { data: rows, meta: answer.meta };
        if (rows.length === 0 && at.output.format === 'table') {
          at.output.say(
            'Nothing to judge yet: apply definitions with a Kpi or an Objective (`paceline apply`), then bring in values.',
          );
          return;
        }
        printRows(at.output, rows, statusColumns(at.output, whole), answer);
        if (one && at.output.format === 'table') at.output.write(`\n${rows[0]?.sentence ?? ''}`);
      });
    });
}

export function encodeSubject(subject: string): string {
  return subject.split('/').map(encodeURIComponent).join('/');
}
