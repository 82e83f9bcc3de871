import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Api } from '../api.ts';
import { type CommandContext, withApi } from '../context.ts';
import { Failure } from '../failure.ts';
import { printDocument, printRows } from '../output.ts';
import { type Progress, startProgress } from '../progress.ts';

interface PushAnswer {
  readonly accepted: number;
  readonly rejected: readonly { index: number; code: string; message: string; pointer: string }[];
  readonly position: string | null;
  readonly meta?: { readonly warnings: readonly { readonly metric: string; readonly message: string }[] };
}

/** A request stays far below the server's limit of 16 MiB, and a failed one costs little to repeat. */
const CHUNK_BYTES = 2 * 1024 * 1024;

export function registerWrites(program: Command, context: () => CommandContext): void {
  program
    .command('push')
    .argument('<metric>')
    .argument('<file>', 'CSV with a header: period or time, value, dimensions by name')
    .description('send values from a file')
    .option('--allow-unknown', 'keep values of a metric that is not defined yet')
    .addHelpText(
      'after',
      '\nExample:\n  paceline push mrr ./mrr.csv\nwith mrr.csv:\n  period,region,value\n  2026-11-21,emea,912000',
    )
    .action(async (metric: string, file: string, options: { allowUnknown?: boolean }) => {
      const at = context();
      await withApi(at, async (api) => {
        const answer = await pushFile(
          api,
          metric,
          file,
          options.allowUnknown === true,
          startProgress(at.output, 'push'),
        );
        if (at.output.format === 'table')
          at.output.say(
            `${answer.accepted} accepted, ${answer.rejected.length} refused, position ${answer.position ?? 'none'}.`,
          );
        for (const { message } of answer.meta?.warnings ?? []) at.output.say(`warning: ${message}`);
        if (at.output.format === 'json') printDocument(at.output, { ...answer });
        else if (answer.rejected.length > 0)
          printRows(at.output, answer.rejected, [
            { title: 'line', cell: (row) => row.index + 2 },
            { title: 'code', cell: (row) => row.code },
            { title: 'message', cell: (row) => row.message },
          ]);
        if (answer.rejected.length > 0) process.exitCode = answer.accepted === 0 ? 1 : 2;
      });
    });

  program
    .command('check-in')
    .argument('<key-result>', 'key_result/OBJECTIVE/NAME')
    .description('say where a key result stands')
    .option('--value <decimal>', 'the value now')
    .option('--done', 'the key result is done')
    .option('--not-done', 'the key result is not done after all')
    .option('--milestone <name...>', 'milestones that are reached')
    .option('--not-milestone <name...>', 'milestones that are not reached after all')
    .option('--time <instant>', 'when it was so; now otherwise')
    .option('--confidence <0..1>', 'how sure you are that the target will be met')
    .option('--note <text>')
    .addHelpText(
      'after',
      '\nExamples:\n  paceline check-in key_result/grow-emea/nps --value 34 --confidence 0.7\n  paceline check-in key_result/grow-emea/launch --milestone beta --note "shipped"',
    )
    .action(async (subject: string, options: CheckInOptions) => {
      const at = context();
      const body = {
        subject,
        ...(options.time === undefined ? {} : { time: options.time }),
        ...(options.value === undefined ? {} : { value: options.value }),
        ...(options.done === true ? { done: true } : options.notDone === true ? { done: false } : {}),
        ...milestonesOf(options),
        ...(options.confidence === undefined ? {} : { confidence: Number(options.confidence) }),
        ...(options.note === undefined ? {} : { note: options.note }),
      };
      await withApi(at, async (api) => {
        const answer = await api.json<Record<string, unknown>>('POST', '/v1/check-ins', { body });
        printDocument(at.output, answer, `Recorded at position ${String(answer.position)}.`);
      });
    });
}

function milestonesOf({ milestone = [], notMilestone = [] }: CheckInOptions) {
  if (milestone.length + notMilestone.length === 0) return {};
  const said = [...milestone.map((name) => [name, true]), ...notMilestone.map((name) => [name, false])];
  return { milestones: Object.fromEntries(said) };
}

interface CheckInOptions {
  readonly value?: string;
  readonly done?: boolean;
  readonly notDone?: boolean;
  readonly milestone?: string[];
  readonly notMilestone?: string[];
  readonly time?: string;
  readonly confidence?: string;
  readonly note?: string;
}

async function pushFile(
  api: Api,
  metric: string,
  file: string,
  allowUnknown: boolean,
  progress: Progress,
): Promise<PushAnswer> {
  const size = await stat(file)
    .then((found) => found.size)
    .catch((error: NodeJS.ErrnoException) => {
      throw new Failure('file_unreadable', `${file}: ${error.message}`, {
        remedy: 'Give the path of a CSV file that exists.',
      });
    });
  let accepted = 0;
  let position: string | null = null;
  const rejected: PushAnswer['rejected'][number][] = [];
  let meta: PushAnswer['meta'];
  for await (const chunk of csvChunks(file)) {
    const answer = await sendPatiently(api, metric, chunk.text, allowUnknown);
    accepted += answer.accepted;
    position = answer.position ?? position;
    meta ??= answer.meta;
    for (const one of answer.rejected) rejected.push({ ...one, index: one.index + chunk.firstLine });
    progress.update(chunk.bytesSoFar, size, `${accepted} accepted`);
  }
  progress.stop();
  return { accepted, rejected, position, ...(meta === undefined ? {} : { meta }) };
}

/** What passes by itself: the processor catches up, the log has room again. */
const PATIENT: ReadonlySet<string> = new Set(['backlogged', 'log_busy', 'rate_limited']);

/** 429 and 503 say when to come back; anything else ends the push with what was sent so far already kept. */
async function sendPatiently(api: Api, metric: string, text: string, allowUnknown: boolean): Promise<PushAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await api.json<PushAnswer>('POST', '/v1/observations', {
        body: text,
        contentType: 'text/csv',
        query: { metric, ...(allowUnknown ? { allow_unknown: true } : {}) },
      });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.code === 'all_rejected')
        return {
          accepted: 0,
          rejected: error.faults.map((fault, at) => ({
            index: fault.index ?? at,
            code: fault.code,
            message: fault.message,
            pointer: fault.pointer ?? '',
          })),
          position: null,
        };
      if (!PATIENT.has(error.code) || attempt === 60) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.min(attempt, 5) * 1000));
    }
  }
}

/** The file in pieces of whole lines, each with the header. Quoted line breaks keep a record together. */
async function* csvChunks(file: string): AsyncIterable<{ text: string; firstLine: number; bytesSoFar: number }> {
  let header: string | null = null;
  let pending = '';
  let quoted = false;
  let scanned = 0;
  let lastBreak = -1;
  let bytesSoFar = 0;
  let firstLine = 0;
  for await (const part of createReadStream(file, { encoding: 'utf8', highWaterMark: 256 * 1024 })) {
    pending += part as string;
    bytesSoFar += Buffer.byteLength(part as string);
    for (; scanned < pending.length; scanned += 1) {
      const sign = pending.charCodeAt(scanned);
      if (sign === 34) quoted = !quoted;
      else if (sign === 10 && !quoted) {
        if (header === null) {
          header = pending.slice(0, scanned);
          pending = pending.slice(scanned + 1);
          scanned = -1;
          lastBreak = -1;
        } else lastBreak = scanned;
      }
    }
    if (header !== null && lastBreak >= 0 && pending.length >= CHUNK_BYTES) {
      const body = pending.slice(0, lastBreak);
      yield { text: `${header}\n${body}`, firstLine, bytesSoFar };
      firstLine += body.split('\n').length;
      pending = pending.slice(lastBreak + 1);
      scanned = pending.length;
      lastBreak = -1;
    }
  }
  if (header === null)
    throw new Failure('empty_file', `${file} has no lines after its header`, {
      remedy: 'The first line names the columns, each further line is one value.',
    });
  if (pending.trim() !== '') yield { text: `${header}\n${pending}`, firstLine, bytesSoFar };
}
