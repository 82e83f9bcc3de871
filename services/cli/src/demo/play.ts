import { readDefinitions, readTexts, refuses } from '@paceline/events/documents';
import { createLogger, PacelineError, requireConfig, systemClock } from '@paceline/runtime';
import { type Paceline, serve } from '@paceline/standalone';
import { statusColumns } from '../commands/status-columns.ts';
import { Failure } from '../failure.ts';
import { onInterrupt } from '../interrupt.ts';
import { type Output, printRows } from '../output.ts';
import { startProgress } from '../progress.ts';
import type { StatusAnswer } from '../wire.ts';
import { PlayedClock } from './clock.ts';
import { startOutside } from './outside.ts';
import { prepareProject } from './project.ts';

export interface DemoOptions {
  /** The example project, read only. */
  readonly example: string;
  /** Where the demo plays; emptied first. */
  readonly dir: string;
  readonly port: number;
  readonly fast: boolean;
  readonly once: boolean;
  readonly output: Output;
}

const FIRST_YEAR = 2000;
const MONTHS = 16 * 12;
/** On the seventh the month before is complete: its metrics settle for five days. */
const DAY_OF_MONTH = 7;
/** At the usual pace a month takes this long, so that the years take under a minute. */
const MONTH_MS = 200;
const ALERTS_MS = 5_000;
/** The table was published no longer: nobody asks any more, and what it told turns stale. */
const UNEMPLOYMENT_ENDS = '2010-04-01';

/** Plays the example's years: each month its values are published, read by the connectors, judged, and alerts go out. */
export async function playDemo(options: DemoOptions): Promise<void> {
  const { output } = options;
  const project = await prepareProject(options.example, options.dir);
  const progress = startProgress(output, 'playing');
  const news: string[] = [];
  const outside = await startOutside(project.unemploymentFile, project.secret, (alert) => {
    const line = `${alert.timestamp.slice(0, 10)}  ${alert.type.padEnd(15)}  ${alert.summary}`;
    news.push(line);
    progress.note(line);
  });
  const env = {
    ...process.env,
    DEMO_FEED_URL: outside.feedUrl,
    DEMO_WEBHOOK_URL: outside.hookUrl,
    PACELINE_SECRET_NEWSROOM_WHSEC: project.secret,
  };
  const clock = new PlayedClock(Date.UTC(FIRST_YEAR, 0, 1, 6));
  const config = requireConfig({ dir: project.dir, env, overrides: { http: { port: options.port } } });
  const logger = createLogger({
    level: process.env.PACELINE_LOG_LEVEL === undefined ? 'error' : config.log.level,
    format: 'text',
  });
  const { url, paceline } = await serve({
    config,
    logger,
    env,
    clock,
    background: false,
    ticks: 'manual',
    tickAtStop: false,
    statusIdleMs: 10,
  });
  const interrupted = stopOnInterrupt(paceline);
  try {
    output.say(`Paceline runs at ${url}; the years ${FIRST_YEAR} to ${FIRST_YEAR + MONTHS / 12 - 1} are played now.`);
    await applyDefinitions(paceline, project.dir, env, config.workspace);
    for (let month = 1; month <= MONTHS && !interrupted.aborted; month += 1) {
      const startedAt = systemClock.monotonic();
      const now = Date.UTC(FIRST_YEAR, month, DAY_OF_MONTH, 6);
      const day = new Date(now).toISOString().slice(0, 10);
      clock.jump(now);
      await project.publish(day);
      outside.publish(`${day.slice(0, 7)}-01`);
      await playMonth(paceline, config.workspace, day);
      progress.update(month, MONTHS, `${day.slice(0, 7)}, ${outside.verified.size} alerts`);
      const leftMs = MONTH_MS - (systemClock.monotonic() - startedAt);
      if (!options.fast && leftMs > 0) await systemClock.sleep(leftMs);
    }
    progress.stop();
    if (interrupted.aborted) return;
    await printEnd(paceline, output, { url, news, refused: outside.refused });
    if (options.once) return;
    output.say('It stays up until you press Ctrl+C.');
    await paceline.stopped;
  } finally {
    progress.stop();
    await paceline.stop('the demo has ended');
    await outside.stop();
  }
}

async function applyDefinitions(
  paceline: Paceline,
  dir: string,
  env: NodeJS.ProcessEnv,
  workspace: string,
): Promise<void> {
  const { texts } = await readTexts(`${dir}/definitions`, process.cwd());
  const { documents, faults } = readDefinitions(texts, env);
  if (refuses(faults)) {
    throw new Failure('invalid_definitions', 'the definitions of the example have faults', {
      faults,
      remedy: 'Correct the lines above in examples/us-economy and start again.',
    });
  }
  const answer = await paceline.app.inject({
    method: 'POST',
    url: '/v1/definitions/apply',
    headers: { host: '127.0.0.1' },
    payload: { documents: documents.map(({ document }) => document), command: `demo-${workspace}` },
  });
  if (answer.statusCode >= 400)
    throw new Failure('invalid_definitions', `the definitions were refused: ${answer.body}`);
}

async function playMonth(paceline: Paceline, workspace: string, day: string): Promise<void> {
  const sources =
    day < UNEMPLOYMENT_ENDS ? ['bls-unemployment', 'bls-employment', 'eia-iowa'] : ['bls-employment', 'eia-iowa'];
  for (const source of sources) {
    try {
      await paceline.connectors.runOnce(source);
    } catch (error) {
      throw new PacelineError('unexpected', `source ${source} failed`, { cause: error });
    }
  }
  await paceline.processor.tick(workspace);
  await paceline.settle();
  await paceline.alerts.deliveries.settled(ALERTS_MS);
}

async function printEnd(
  paceline: Paceline,
  output: Output,
  end: { url: string; news: readonly string[]; refused: number },
): Promise<void> {
  const answer = await paceline.app.inject({ method: 'GET', url: '/v1/status', headers: { host: '127.0.0.1' } });
  const status = JSON.parse(answer.body) as StatusAnswer;
  const rows = status.data.filter(({ subject }) => !subject.includes('@'));
  printRows(output, rows, statusColumns(output, status), status);
  const opened = end.news.filter((line) => line.includes('alert.opened')).length;
  output.say(`\n${end.news.length} signed messages verified (${opened} alerts opened), ${end.refused} refused.`);
  output.say(`Look at ${end.url}, or ask: npx paceline --url ${end.url} trend kpi/jobs-this-year --window month`);
}

/** The first Ctrl+C ends the play in good order, the second at once. */
function stopOnInterrupt(paceline: Paceline): AbortSignal {
  const interrupted = new AbortController();
  onInterrupt((signal) => {
    interrupted.abort();
    void paceline.stop(signal);
  });
  return interrupted.signal;
}
