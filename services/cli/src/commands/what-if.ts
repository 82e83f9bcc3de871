import type { Command } from 'commander';
import { type CommandContext, withApi } from '../context.ts';
import { type Output, printRows } from '../output.ts';
import type { EvaluationView } from '../wire.ts';
import { validDocuments } from './definitions.ts';
import { lookText } from './status-columns.ts';

type Verdict = EvaluationView['worstChild'];

interface Flip {
  readonly asOf: string;
  readonly before: Verdict;
  readonly after: Verdict;
}

interface WhatIfAnswer {
  readonly data: readonly {
    readonly subject: string;
    readonly now: Flip;
    readonly judged: number;
    readonly changed: number;
    readonly flips: readonly Flip[];
  }[];
  readonly meta: { readonly from: string };
}

/** `what-if`: the files' definitions over the history that is there. */
export function registerWhatIf(program: Command, context: () => CommandContext): void {
  program
    .command('what-if')
    .argument('[path]', 'file or folder; else the project’s definitions folder')
    .description(
      'which verdicts would be others under these definitions, now and in the past; exit code 2 when some would',
    )
    .option('--prune', 'as if what is not in the files were removed')
    .option('--from <instant>', 'look back to here; 90 days otherwise')
    .option('--all', 'subjects whose verdicts stay, too')
    .addHelpText(
      'after',
      '\nExamples:\n  paceline what-if\n  paceline what-if stricter.yaml --from 2026-01-01 --output json',
    )
    .action(async (path: string | undefined, options: { prune?: boolean; from?: string; all?: boolean }) => {
      const at = context();
      const documents = await validDocuments(at, path);
      await withApi(at, async (api) => {
        const answer = await api.json<WhatIfAnswer>('POST', '/v1/what-if', {
          query: { from: options.from, all: options.all },
          body: { documents, prune: options.prune === true },
        });
        print(at.output, answer);
        if (answer.data.some(({ now, changed }) => changed > 0 || now.before !== now.after)) process.exitCode = 2;
      });
    });
}

function print(output: Output, answer: WhatIfAnswer): void {
  if (answer.data.length === 0 && output.format === 'table') {
    output.say(`No verdict would be another, now or since ${answer.meta.from.slice(0, 10)}.`);
    return;
  }
  const verdict = (value: Verdict): string | null =>
    output.format === 'csv' ? value : value === null ? 'not judged' : lookText(output, value);
  printRows(
    output,
    answer.data,
    [
      { title: 'subject', cell: (row) => row.subject },
      { title: 'now', field: 'now_before', cell: (row) => verdict(row.now.before) },
      { title: 'would be', field: 'now_after', cell: (row) => verdict(row.now.after) },
      { title: 'changed', align: 'right', cell: (row) => row.changed },
      { title: 'of', align: 'right', field: 'judged', cell: (row) => row.judged },
      { title: 'last at', field: 'last_at', cell: (row) => row.flips.at(-1)?.asOf },
      { title: 'was', field: 'last_before', cell: (row) => lastOf(row.flips, 'before', verdict) },
      { title: 'would have been', field: 'last_after', cell: (row) => lastOf(row.flips, 'after', verdict) },
    ],
    answer,
  );
}

function lastOf(flips: readonly Flip[], side: 'before' | 'after', text: (value: Verdict) => string | null) {
  const last = flips.at(-1);
  return last === undefined ? null : text(last[side]);
}
