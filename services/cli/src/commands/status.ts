import type { Command } from 'commander';
import { type CommandContext, withApi } from '../context.ts';
import { freshnessNow, percent, readable, VERDICT_LOOK } from '../look.ts';
import { type Column, type Output, paint, printRows } from '../output.ts';
import type { EvaluationView, StatusAnswer } from '../wire.ts';

/** A roll-up has no value of its own: where others show value and expected value, it shows how much of the way it is. */
export function statusColumns(output: Output, answer: StatusAnswer): Column<EvaluationView>[] {
  if (output.format === 'csv') return csvColumns(answer);
  const now = Date.parse(answer.meta.now);
  return [
    { title: 'subject', cell: (row) => row.subject },
    { title: 'owner', cell: (row) => answer.meta.subjects[row.subject]?.owner },
    { title: 'value', align: 'right', cell: (row) => (isRollup(row) ? percent(row.progress) : readable(row.value)) },
    { title: 'target', align: 'right', cell: targetText },
    {
      title: 'expected',
      align: 'right',
      cell: (row) => (isRollup(row) ? percent(row.expected) : readable(row.expectedValue)),
    },
    { title: 'pace', align: 'right', cell: (row) => percent(row.pace) },
    {
      title: 'verdict',
      cell: (row) => {
        const look = VERDICT_LOOK[row.verdict];
        return paint(output, look.tone, `${look.symbol} ${look.text}${row.provisional ? ' (provisional)' : ''}`);
      },
    },
    { title: 'measured', cell: (row) => row.measuredAt?.slice(0, 10) },
    { title: 'freshness', cell: (row) => freshnessNow(row.lateAt, row.staleAt, now) },
  ];
}

function csvColumns(answer: StatusAnswer): Column<EvaluationView>[] {
  const now = Date.parse(answer.meta.now);
  const about = (row: EvaluationView) => answer.meta.subjects[row.subject];
  return [
    { title: 'subject', cell: (row) => row.subject },
    { title: 'title', cell: (row) => about(row)?.title },
    { title: 'owner', cell: (row) => about(row)?.owner },
    { title: 'unit', cell: (row) => about(row)?.unit },
    { title: 'value', cell: (row) => row.value },
    { title: 'target', cell: (row) => row.target },
    { title: 'target_low', cell: (row) => row.targetLow },
    { title: 'target_high', cell: (row) => row.targetHigh },
    { title: 'expected_value', cell: (row) => row.expectedValue },
    { title: 'progress', cell: (row) => row.progress },
    { title: 'expected', cell: (row) => row.expected },
    { title: 'pace', cell: (row) => row.pace },
    { title: 'verdict', cell: (row) => row.verdict },
    { title: 'reason', cell: (row) => row.reason },
    { title: 'measured_at', cell: (row) => row.measuredAt },
    { title: 'freshness', cell: (row) => freshnessNow(row.lateAt, row.staleAt, now) },
    { title: 'provisional', cell: (row) => String(row.provisional) },
  ];
}

function isRollup(row: EvaluationView): boolean {
  return row.value === null && /^(objective|unit)\//.test(row.subject);
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
