import cliProgress from 'cli-progress';
import type { Output } from './output.ts';

/** Progress of long work: a bar on a terminal, a plain line every so often elsewhere, nothing with `--quiet`. */
export interface Progress {
  update(done: number, total: number, note?: string): void;
  /** A line that stays above the bar. */
  note(line: string): void;
  stop(note?: string): void;
}

const LINE_EVERY_MS = 5000;

export function startProgress(output: Output, label: string): Progress {
  if (output.quiet) return { update: () => undefined, note: () => undefined, stop: () => undefined };
  return process.stderr.isTTY === true ? bar(label) : lines(output, label);
}

function bar(label: string): Progress {
  const bars = new cliProgress.MultiBar(
    {
      format: `${label} {bar} {percentage}% {value}/{total} {note}`,
      hideCursor: true,
      stream: process.stderr,
      barsize: 24,
    },
    cliProgress.Presets.shades_classic,
  );
  let shown: cliProgress.SingleBar | null = null;
  let stopped = false;
  return {
    update(done, total, note = '') {
      shown ??= bars.create(Math.max(total, 1), done, { note });
      shown.setTotal(Math.max(total, 1));
      shown.update(done, { note });
    },
    note(line) {
      if (shown === null || stopped) process.stderr.write(`${line}\n`);
      else bars.log(`${line}\n`);
    },
    stop(note) {
      if (stopped) return;
      stopped = true;
      if (note !== undefined) shown?.update({ note });
      bars.stop();
    },
  };
}

function lines(output: Output, label: string): Progress {
  let shownAt = 0;
  let last = '';
  return {
    update(done, total, note = '') {
      last = `${label}: ${done} of ${total}${note === '' ? '' : ` (${note})`}`;
      const now = performance.now();
      if (now - shownAt < LINE_EVERY_MS && done < total) return;
      shownAt = now;
      output.say(last);
    },
    note: (line) => output.say(line),
    stop(note) {
      if (note !== undefined) output.say(`${label}: ${note}`);
    },
  };
}
