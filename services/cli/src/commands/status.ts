import { isReason, REASONS } from '@paceline/domain/reasons';
import type { Command } from 'commander';
import type { Api, Query } from '../api.ts';
import { type CommandContext, withApi } from '../context.ts';
import { Failure } from '../failure.ts';
import { onInterrupt } from '../interrupt.ts';
import { percent, readable } from '../look.ts';
import { type Output, printRows, table } from '../output.ts';
import type { EvaluationView, MembersAnswer, StatusAnswer } from '../wire.ts';
import { isRollup, lookText, statusColumns } from './status-columns.ts';
import { watchStatus } from './status-watch.ts';

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
    .option('--watch', 'go on showing what changes, until Ctrl-C')
    .addHelpText(
      'after',
      '\nExamples:\n  paceline status\n  paceline status kpi/revenue --as-of 2026-06-30\n  paceline status --verdict off_track --output csv\n  paceline status --unit sales --watch',
    )
    .action(async (subject: string | undefined, options: StatusOptions) => {
      const at = context();
      if (options.watch === true) await watch(at, subject, options);
      else await withApi(at, (api) => show(at.output, api, subject, options));
    });
}

interface StatusOptions {
  readonly asOf?: string;
  readonly knownAt?: string;
  readonly unit?: string;
  readonly owner?: string;
  readonly cycle?: string;
  readonly verdict?: string;
  readonly watch?: boolean;
}

async function show(output: Output, api: Api, subject: string | undefined, options: StatusOptions): Promise<void> {
  const { answer, whole } = await readStatus(api, subject, options);
  if (whole.data.length === 0 && output.format === 'table') {
    output.say(
      'Nothing to judge yet: apply definitions with a Kpi or an Objective (`paceline apply`), then bring in values.',
    );
    return;
  }
  printRows(output, whole.data, statusColumns(output, whole), answer);
  const [row] = whole.data;
  if (!isOne(subject) || row === undefined || output.format !== 'table') return;
  output.write(`\n${row.sentence}`);
  output.write(reasonWords(row.reason));
  if (isRollup(row)) await showMembers(output, api, row, options);
}

/** The code, for looking up; its meaning, and what to do where something can be done. */
function reasonWords(code: string): string {
  if (!isReason(code)) return code;
  const [meaning, remedy] = REASONS[code];
  return `${code}: ${meaning}${remedy === 'None.' ? '' : ` ${remedy}`}`;
}

function isOne(subject: string | undefined): subject is string {
  return subject?.includes('/') === true;
}

/** As the API answers, and the same as a list whatever was asked for. */
async function readStatus(
  api: Api,
  subject: string | undefined,
  options: StatusOptions,
  signal?: AbortSignal,
): Promise<{ readonly answer: unknown; readonly whole: StatusAnswer }> {
  const query: Query = {
    as_of: options.asOf,
    known_at: options.knownAt,
    unit: options.unit,
    owner: options.owner,
    cycle: options.cycle,
    verdict: options.verdict,
    ...(subject === undefined || isOne(subject) ? {} : { kind: subject }),
  };
  const path = isOne(subject) ? `/v1/status/${encodeSubject(subject)}` : '/v1/status';
  const answer = await api.json<StatusAnswer | { data: EvaluationView; meta: StatusAnswer['meta'] }>('GET', path, {
    query,
    ...(signal === undefined ? {} : { signal }),
  });
  const data: readonly EvaluationView[] = 'length' in answer.data ? answer.data : [answer.data];
  return { answer, whole: { data, meta: answer.meta } };
}

/** By which rule and weights a goal is made of what. */
async function showMembers(
  output: Output,
  api: Api,
  { subject }: EvaluationView,
  { asOf, knownAt }: StatusOptions,
): Promise<void> {
  const path = `/v1/explain/${encodeSubject(subject)}`;
  const { data } = await api.json<MembersAnswer>('GET', path, { query: { as_of: asOf, known_at: knownAt } });
  if (data.members.length === 0) return;
  const total = data.members.reduce((sum, { weight }) => sum + weight, 0);
  const rule = data.formulas.find(({ name }) => name === 'P')?.formula;
  output.write(`\n${rule === undefined ? 'Made of' : `Rolls up by P = ${rule}, of`}`);
  output.write(
    table(
      data.members,
      [
        { title: 'member', cell: (row) => row.subject },
        { title: 'weight', align: 'right', cell: (row) => readable(String(row.weight)) },
        { title: 'counts', align: 'right', cell: (row) => (total > 0 ? percent(row.weight / total) : '') },
        { title: 'progress', align: 'right', cell: (row) => percent(row.progress) },
        { title: 'expected', align: 'right', cell: (row) => percent(row.expected) },
        { title: 'covered', align: 'right', cell: (row) => percent(row.coverage) },
        { title: 'verdict', cell: (row) => lookText(output, row.verdict) },
      ],
      output,
    ),
  );
}

async function watch(at: CommandContext, subject: string | undefined, options: StatusOptions): Promise<void> {
  if (options.asOf !== undefined || options.knownAt !== undefined) {
    throw new Failure('invalid_option', '--watch shows what changes, and an earlier moment does not', {
      remedy: 'Leave out --as-of and --known-at, or --watch.',
    });
  }
  const api = await at.connectServer();
  const stop = new AbortController();
  onInterrupt(() => stop.abort());
  try {
    const read = async (signal: AbortSignal) => (await readStatus(api, subject, options, signal)).whole;
    await watchStatus(at.output, api, read, stop.signal);
  } finally {
    await api.close();
  }
}

export function encodeSubject(subject: string): string {
  return subject.split('/').map(encodeURIComponent).join('/');
}
