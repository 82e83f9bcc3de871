import { createLogger, requireConfig } from '@paceline/runtime';
import type { Command } from 'commander';
import { runningServer } from '../api.ts';
import type { CommandContext } from '../context.ts';
import { Failure } from '../failure.ts';
import { onInterrupt } from '../interrupt.ts';

export function registerServe(program: Command, context: () => CommandContext): void {
  program
    .command('serve')
    .description('run everything in one process on embedded parts')
    .option('--port <port>', 'port to listen on; 0 picks a free one')
    .option('--host <host>', 'address to listen on; anything but this machine needs a key')
    .addHelpText('after', '\nExample:\n  paceline serve --port 0')
    .action(async (options: { port?: string; host?: string }) => {
      const at = context();
      const owner = await runningServer(at.dir);
      if (owner !== null)
        throw new Failure('already_running', `a server for this folder already answers at ${owner.url}`, {
          remedy: 'Use it, or stop it first: a data folder has one owner.',
        });
      const port = options.port === undefined ? undefined : Number(options.port);
      if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
        throw new Failure('invalid_option', `--port ${options.port} is no port`, { remedy: 'Use 0 to 65535.' });
      }
      const http = {
        ...(port === undefined ? {} : { port }),
        ...(options.host === undefined ? {} : { host: options.host }),
      };
      const config = requireConfig({
        dir: at.dir,
        env: process.env,
        overrides: { http, ...(at.workspace === undefined ? {} : { workspace: at.workspace }) },
      });
      const logger = createLogger({
        level: at.output.quiet ? 'error' : config.log.level,
        format: config.log.format ?? (process.stderr.isTTY === true ? 'text' : 'json'),
      });
      const { serve } = await import('@paceline/standalone');
      const { url, paceline } = await serve({ config, logger, env: process.env });
      onInterrupt((signal) => void paceline.stop(signal));
      if (at.output.format === 'json')
        at.output.write(JSON.stringify({ url, workspace: config.workspace, dir: config.dir }));
      else at.output.write(`Paceline serves ${config.workspace} at ${url}`);
      await paceline.stopped;
    });
}
