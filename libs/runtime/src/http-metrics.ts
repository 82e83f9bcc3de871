import type { FastifyInstance } from 'fastify';
import { workspaceOf } from './keys/guard.ts';
import { EVERY_WORKSPACE } from './keys/key.ts';
import type { Metrics } from './metrics.ts';

/** `GET /metrics`. A key of one workspace sees the series of that one; what a process counts of all needs a key for all. */
export function answerMetrics(app: FastifyInstance, { registry }: Metrics): void {
  const options = { schema: { hide: true }, config: { rateLimit: false, scope: 'read', workspace: 'own' } } as const;
  app.get('/metrics', options, async (request, reply) => {
    const workspace = workspaceOf(request, EVERY_WORKSPACE);
    const text = await registry.metrics();
    return reply.type(registry.contentType).send(workspace === EVERY_WORKSPACE ? text : seriesOf(workspace, text));
  });
}

/** The lines whose label `workspace` is the given one, each group with what is said about it. Label values escape their quotes. */
function seriesOf(workspace: string, text: string): string {
  const label = new RegExp(`^[a-z0-9_]+\\{([^"]*"(?:[^"\\\\]|\\\\.)*",)*workspace="${workspace}"[,}]`);
  const kept: string[] = [];
  let about: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('# HELP')) about = [];
    if (line.startsWith('#')) about.push(line);
    else if (label.test(line)) kept.push(...about.splice(0), line);
  }
  return kept.length === 0 ? '' : `${kept.join('\n')}\n`;
}
