import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { runningServer } from '../api.ts';
import type { CommandContext } from '../context.ts';
import { Failure } from '../failure.ts';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../../../..');

export function registerDemo(program: Command, context: () => CommandContext): void {
  program
    .command('demo')
    .description('play the US economy from 2000 to 2015 on a simulated clock')
    .option('--fast', 'at full speed')
    .option('--once', 'end after the last day instead of serving it')
    .option('--port <port>', 'port to listen on; 0 picks a free one', '8787')
    .addHelpText('after', '\nExamples:\n  npm start\n  npm start -- --fast --once')
    .action(async (options: { fast?: boolean; once?: boolean; port: string }) => {
      const at = context();
      const port = Number(options.port);
      if (!Number.isInteger(port) || port < 0 || port > 65_535)
        throw new Failure('invalid_option', `--port ${options.port} is no port`, { remedy: 'Use 0 to 65535.' });
      const dir = join(ROOT, '.paceline', 'demo');
      const owner = await runningServer(dir);
      if (owner !== null)
        throw new Failure('already_running', `the demo runs already, at ${owner.url}`, {
          remedy: 'Look at it there, or stop it first.',
        });
      const { playDemo } = await import('../demo/play.ts');
      await playDemo({
        example: join(ROOT, 'examples', 'us-economy'),
        dir,
        port,
        fast: options.fast === true,
        once: options.once === true,
        output: at.output,
      });
    });
}
