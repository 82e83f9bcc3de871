import cliProgress from 'cli-progress';
import type { Output } from './output.ts';

/** Progress of long work: a bar on a terminal, a plain line every so often elsewhere, nothing with `--quiet`. */
export interface Progress {
  update(done: number, total: number, note?: string): void;
  stop(note?: string): void;
}

const LINE_EVERY_MS = 5000;

export function startProgress(output: Output, label: string): Progress {
  if (output.quiet) return { update: () => undefined, stop: () => undefined };
  return process.stderr.isTTY === true ? bar(label) : lines(output, label);
}

function bar(label: string): Progress {
  const shown = new cliProgress.SingleBar(
    {
      format: `${label} {bar} {percentage}% {value}/{total} {note}`,
      hideCursor: true,
      stream: process.stderr,
      barsize: 24,
    },
    cliProgress.Presets.shades_classic,
  );
  let started = false;
  return {
    update(done, total, note = '') {
      if (!started) shown.start(Math.max(total, 1), done, { note });
      started = true;
      shown.setTotal(Math.max(total, 1));
      shown.update(done, { note });
    },
    stop(note) {
      if (started && note !== undefined) shown.update({ note });
      if (started) shown.stop();
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
    stop(note) {
      if (note !== undefined) output.say(`${label}: ${note}`);
    },
  };
}
