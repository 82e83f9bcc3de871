import type { Command } from 'commander';
import { type CommandContext, withApi } from '../context.ts';
import { printDocument, printRows } from '../output.ts';
import type { AlertView } from '../wire.ts';
import { encodeSubject } from './status.ts';

/** `explain`, `alerts` and `deadletter`: what the query service answers, printed. */
export function registerReads(program: Command, context: () => CommandContext): void {
  registerExplain(program, context);
  registerAlerts(program, context);
  registerDeadLetters(program, context);
}

function registerExplain(program: Command, context: () => CommandContext): void {
  program
    .command('explain')
    .argument('<subject>', 'KIND/ID')
    .description('why a subject has its verdict: inputs, formulas, thresholds')
    .option('--as-of <instant>')
    .option('--known-at <instant>')
    .action(async (subject: string, options: { asOf?: string; knownAt?: string }) => {
      const at = context();
      await withApi(at, async (api) => {
        const answer = await api.json<{ data: Record<string, unknown> & { lines?: string[] } }>(
          'GET',
          `/v1/explain/${encodeSubject(subject)}`,
          {
            query: { as_of: options.asOf, known_at: options.knownAt },
          },
        );
        printDocument(at.output, answer.data, answer.data.lines?.join('\n'));
      });
    });
}

function registerAlerts(program: Command, context: () => CommandContext): void {
  program
    .command('alerts')
    .description('alerts that are open, or every one')
    .option('--all', 'closed ones too')
    .option('--subject <subject>', 'only of this subject')
    .option('--ack <id>', 'acknowledge this alert: reminders stop')
    .option('--snooze <id>', 'send nothing of this alert until --until')
    .option('--until <instant>', 'end of the snooze')
    .option('--note <text>', 'kept with the acknowledgement or snooze')
    .addHelpText(
      'after',
      '\nExamples:\n  paceline alerts\n  paceline alerts --ack 3f2a… --note "known, fixed tomorrow"\n  paceline alerts --all --output json',
    )
    .action(
      async (options: {
        all?: boolean;
        subject?: string;
        ack?: string;
        snooze?: string;
        until?: string;
        note?: string;
      }) => {
        const at = context();
        await withApi(at, async (api) => {
          if (options.ack !== undefined || options.snooze !== undefined) {
            const id = options.ack ?? options.snooze ?? '';
            const verb = options.ack !== undefined ? 'ack' : 'snooze';
            const answer = await api.json<Record<string, unknown>>(
              'POST',
              `/v1/alerts/${encodeURIComponent(id)}/${verb}`,
              {
                body: {
                  ...(options.note === undefined ? {} : { note: options.note }),
                  ...(options.until === undefined ? {} : { until: options.until }),
                },
              },
            );
            printDocument(at.output, answer, `${verb === 'ack' ? 'Acknowledged' : 'Snoozed'} ${id}.`);
            return;
          }
          const answer = await api.json<{ data: AlertView[] }>('GET', '/v1/alerts', {
            query: { state: options.all === true ? 'all' : 'open', subject: options.subject },
          });
          if (answer.data.length === 0 && at.output.format === 'table') {
            at.output.say(options.all === true ? 'No alert was ever raised.' : 'No alert is open.');
            return;
          }
          printRows(
            at.output,
            answer.data,
            [
              { title: 'state', cell: (row) => row.state },
              { title: 'severity', cell: (row) => row.severity },
              { title: 'rule', cell: (row) => row.rule },
              { title: 'subject', cell: (row) => row.subject },
              { title: 'period', cell: (row) => row.period },
              { title: 'opened', field: 'opened_at', cell: (row) => row.openedAt },
              { title: 'suppression', cell: (row) => row.suppression },
              { title: 'what', field: 'sentence', cell: (row) => row.sentence },
              { title: 'id', cell: (row) => (at.output.format === 'table' ? row.id.slice(0, 12) : row.id) },
            ],
            answer,
          );
        });
      },
    );
}

interface DeadLetter {
  readonly position: string;
  readonly recordedAt: string;
  readonly code: string;
  readonly message: string;
  readonly payload?: string;
}

function registerDeadLetters(program: Command, context: () => CommandContext): void {
  const letters = program
    .command('deadletter')
    .description('what could not be read or applied, with its cause and place');
  letters
    .command('list')
    .description('the newest first')
    .option('--limit <n>', 'how many', '50')
    .action(async (options: { limit: string }) => {
      const at = context();
      await withApi(at, async (api) => {
        const answer = await api.json<{ data: DeadLetter[] }>('GET', '/v1/dead-letters', {
          query: { limit: options.limit },
        });
        if (answer.data.length === 0 && at.output.format === 'table') at.output.say('No dead letters.');
        else
          printRows(
            at.output,
            answer.data,
            [
              { title: 'position', cell: (row) => row.position },
              { title: 'recorded', field: 'recorded_at', cell: (row) => row.recordedAt },
              { title: 'code', cell: (row) => row.code },
              { title: 'message', cell: (row) => row.message },
            ],
            answer,
          );
      });
    });
  letters
    .command('show')
    .argument('<position>')
    .description('one dead letter with its payload')
    .action(async (position: string) => {
      const at = context();
      await withApi(at, async (api) => {
        const answer = await api.json<{ data: DeadLetter }>('GET', `/v1/dead-letters/${encodeURIComponent(position)}`);
        printDocument(at.output, { ...answer.data });
      });
    });
  letters
    .command('retry')
    .argument('<position>')
    .description('read one again and append what is right with it now, as after an upgrade')
    .addHelpText('after', '\nExample:\n  paceline deadletter retry 1841:0')
    .action(async (position: string) => {
      const at = context();
      await withApi(at, async (api) => {
        const path = `/v1/dead-letters/${encodeURIComponent(position)}/retry`;
        const answer = await api.json<RetryAnswer>('POST', path);
        const said = `${answer.accepted} accepted, ${answer.rejected.length} refused, position ${answer.position}.`;
        printDocument(at.output, { ...answer }, said);
        for (const { index, code, message } of answer.rejected) at.output.say(`point ${index}: ${code}: ${message}`);
        if (answer.rejected.length > 0) process.exitCode = 2;
      });
    });
}

interface RetryAnswer {
  readonly accepted: number;
  readonly rejected: readonly { readonly index: number; readonly code: string; readonly message: string }[];
  readonly position: string;
}
