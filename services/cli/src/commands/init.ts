import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { Failure } from '../failure.ts';
import { printDocument } from '../output.ts';

const DAY_MS = 86_400_000;
const SAMPLE_DAYS = 45;

export function registerInit(program: Command, context: () => CommandContext): void {
  program
    .command('init')
    .argument('<dir>', 'a new or empty folder')
    .description('write a small project that works, to be changed into your own')
    .addHelpText('after', '\nExample:\n  paceline init goals && cd goals && paceline plan')
    .action(async (dir: string) => {
      const at = context();
      const target = resolve(dir);
      const present = await readdir(target).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw new Failure('folder_unusable', `${target}: ${error.message}`, {
          remedy: 'Name a folder that you may write to.',
        });
      });
      if (present.length > 0) {
        throw new Failure(
          'folder_not_empty',
          `${target} already holds ${present.slice(0, 3).join(', ')}${present.length > 3 ? ', …' : ''}`,
          {
            remedy: 'Name a new folder: nothing is ever overwritten.',
          },
        );
      }
      const files = projectFiles(new Date());
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(target, name)), { recursive: true });
        await writeFile(join(target, name), text, { flag: 'wx' });
      }
      printDocument(
        at.output,
        { dir: target, files: Object.keys(files) },
        [
          `Wrote ${Object.keys(files).length} files to ${target}.`,
          'Next:',
          `  cd ${dir}`,
          '  paceline preview signups-csv --limit 5   see rows become points; nothing is written',
          '  paceline plan                            what an apply would change',
          '  paceline apply',
          '  paceline run signups-csv --once          read the file into the log',
          '  paceline status                          are we on track?',
          '  paceline serve                           keep it running, with the dashboard',
        ].join('\n'),
      );
    });
}

/** The starter project; its sample numbers end yesterday, so that something is on track or not at once. */
export function projectFiles(now: Date): Record<string, string> {
  const yesterday = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()) - DAY_MS;
  const first = yesterday - (SAMPLE_DAYS - 1) * DAY_MS;
  const year = now.getUTCFullYear();
  const quarter = Math.floor(now.getUTCMonth() / 3);
  const cycle = `${year}-q${quarter + 1}`;
  const firstDay = isoDay(Date.UTC(year, quarter * 3, 1));
  const lastDay = isoDay(Date.UTC(year, quarter * 3 + 3, 1) - DAY_MS);
  const rows = Array.from(
    { length: SAMPLE_DAYS },
    (_, at) => `${isoDay(first + at * DAY_MS)},${at % 3 === 0 ? 'mobile' : 'web'},${70 + ((at * 37) % 23)}`,
  );
  return {
    'paceline.yaml': `# Settings of this project; every key can be overridden, as by PACELINE_WORKSPACE.\nworkspace: main\n`,
    '.gitignore': '.paceline/\nsecrets/\n',
    'data/signups.csv': `day,channel,signups\n${rows.join('\n')}\n`,
    'definitions/organisation.yaml': ORGANISATION.replaceAll('CYCLE', cycle)
      .replaceAll('FIRST_DAY', firstDay)
      .replaceAll('LAST_DAY', lastDay),
    'definitions/signups.yaml': SIGNUPS.replaceAll('FIRST_DAY', isoDay(first)),
    'definitions/goals.yaml': GOALS.replaceAll('CYCLE', cycle).replaceAll('FIRST_DAY', isoDay(first)),
    'definitions/alerts.yaml': ALERTS,
  };
}

function isoDay(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

const ORGANISATION = `# Who owns goals, and for how long.
apiVersion: paceline/v1
kind: Unit
metadata: {name: company, title: Our company}
spec: {type: company}
---
apiVersion: paceline/v1
kind: Unit
metadata: {name: growth, title: Growth team, owner: you}
spec: {type: team, parent: company}
---
apiVersion: paceline/v1
kind: Cycle
metadata: {name: CYCLE}
spec: {firstDay: FIRST_DAY, lastDay: LAST_DAY, timezone: UTC}
`;

const SIGNUPS = `# A number and where it comes from.
apiVersion: paceline/v1
kind: Metric
metadata: {name: signups, title: Sign-ups, owner: you}
spec:
  aggregation: sum
  unit: sign-ups
  grain: day
  timezone: UTC
  dimensions: [channel]
---
apiVersion: paceline/v1
kind: Source
metadata: {name: signups-csv}
spec:
  connector: csv
  config: {path: data/signups.csv}
  schedule: {every: PT1H}
  window: {period: P1D, lookback: P7D, start: FIRST_DAY}
  map: {metric: signups, time: day, value: signups, dimensions: [channel]}
`;

const GOALS = `# What the number should be.
apiVersion: paceline/v1
kind: Kpi
metadata: {name: signups-per-day, title: Sign-ups per day over a week, owner: you}
spec:
  unit: growth
  metric: signups
  direction: higher
  period: {rolling: {bucket: day, count: 7}}
  targets: [{effectiveFrom: FIRST_DAY, value: "600"}]
---
apiVersion: paceline/v1
kind: Objective
metadata: {name: grow, title: Be found by more people, owner: you}
spec:
  unit: growth
  cycle: CYCLE
  keyResults:
    - {name: signups, title: Seven thousand sign-ups, metric: signups, type: reach, baseline: 0, target: "7000"}
    - {name: nps, title: Be recommended, type: reach, baseline: 20, target: 50}   # fed by check-ins
`;

const ALERTS = `# A message when a number leaves its target. Set your address, then \`paceline apply\`.
# The secret signs the message (Standard Webhooks): put it into the file secrets/ops/whsec.
#
# apiVersion: paceline/v1
# kind: Channel
# metadata: {name: ops-hook}
# spec: {type: webhook, url: "https://hooks.example.com/x", secret: "\${secret:ops#whsec}"}
# ---
# apiVersion: paceline/v1
# kind: AlertRule
# metadata: {name: off-track}
# spec: {watch: ["kpi/*"], when: off_track, for: 1, recover: 1, severity: page, channels: [ops-hook]}
`;
