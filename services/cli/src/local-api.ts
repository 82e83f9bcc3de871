import { createLogger, requireConfig } from '@paceline/runtime';
import { openPaceline } from '@paceline/standalone';
import { type Api, apiOver, type Transport } from './api.ts';
import type { Output } from './output.ts';

const SETTLE_ALERTS_MS = 10_000;
/** Posts that append nothing: there is nothing to judge after them. */
const WITHOUT_FACTS = ['/v1/definitions/plan', '/v1/what-if', '/v1/backtest', '/v1/replay'];

/**
 * The project folder opened in this process, answering the same requests as a server would, without a port. When it closes,
 * what was written has been judged and its alerts have been tried once.
 */
export async function localApi(options: {
  readonly dir: string;
  readonly output: Output;
  readonly workspace: string | undefined;
}): Promise<Api> {
  const overrides = options.workspace === undefined ? {} : { workspace: options.workspace };
  const config = requireConfig({ dir: options.dir, env: process.env, overrides });
  const level = process.env.PACELINE_LOG_LEVEL === undefined ? 'error' : config.log.level;
  const logger = createLogger({ level, format: 'text' });
  const paceline = await openPaceline({
    config,
    logger,
    env: process.env,
    background: false,
    tickAtStop: false,
    inProcess: true,
  });
  await paceline.start();
  let wrote = false;
  const transport: Transport = async (method, target, headers, body) => {
    if (method === 'POST' && !WITHOUT_FACTS.some((path) => target.startsWith(path))) wrote = true;
    // A one-shot command asks a process that has only just opened: everything in the log counts before it answers.
    else await paceline.settle();
    const answer = await paceline.app.inject({
      method: method as 'GET' | 'POST',
      url: target,
      headers: { host: '127.0.0.1', ...headers },
      payloadAsStream: true,
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : Buffer.from(body) }),
    });
    return {
      status: answer.statusCode,
      contentType: String(answer.headers['content-type'] ?? ''),
      body: answer.stream(),
    };
  };
  return apiOver(null, transport, async () => {
    if (wrote) {
      await paceline.processor.tick(config.workspace);
      await paceline.settle();
      await paceline.alerts.deliveries.settled(SETTLE_ALERTS_MS);
      for (const owed of paceline.alerts.deliveries.book.pending()) {
        options.output.say(
          `alert of ${owed.transition.subject} not delivered to ${owed.channel} yet: ${owed.trouble ?? 'not tried'} It is tried again at the next command, and by \`paceline serve\`.`,
        );
      }
    }
    await paceline.stop('the command has ended');
  });
}
