import { resolve } from 'node:path';
import { type Api, remoteApi, runningServer } from './api.ts';
import { Failure } from './failure.ts';
import { type Output, type OutputFormat, processOutput } from './output.ts';

export interface GlobalOptions {
  readonly dir: string;
  readonly url?: string;
  readonly workspace?: string;
  readonly output: string;
  readonly quiet?: boolean;
  /** `--output` was given. */
  readonly outputAsked?: boolean;
}

export interface CommandContext {
  readonly dir: string;
  readonly output: Output;
  readonly workspace: string | undefined;
  /** Of `--url`. */
  readonly url: string | undefined;
  /** The server of `--url`, else the one that owns the folder, else the folder opened in this process. */
  connect(): Promise<Api>;
  /** Only a server: what runs for long would keep the folder from everybody else. */
  connectServer(): Promise<Api>;
}

const FORMATS: readonly string[] = ['table', 'json', 'csv'];

/** `also`: formats that only this command has. */
export function commandContext(options: GlobalOptions, also: readonly OutputFormat[] = []): CommandContext {
  const formats = [...FORMATS, ...also];
  if (!formats.includes(options.output)) {
    throw new Failure('invalid_option', `--output ${options.output} is not one of ${formats.join(', ')}`);
  }
  const dir = resolve(options.dir);
  const output = processOutput(options.output as OutputFormat, {
    quiet: options.quiet === true,
    asked: options.outputAsked === true,
  });
  const server = async (): Promise<Api | null> => {
    const key = process.env.PACELINE_API_KEY;
    const { workspace } = options;
    if (options.url !== undefined) return remoteApi({ url: options.url, key, workspace });
    const running = await runningServer(dir);
    return running === null ? null : remoteApi({ url: running.url, key: key ?? running.key, workspace });
  };
  return {
    dir,
    output,
    workspace: options.workspace,
    url: options.url,
    async connect() {
      const api = await server();
      if (api !== null) return api;
      const { localApi } = await import('./local-api.ts');
      return localApi({ dir, output, workspace: options.workspace });
    },
    async connectServer() {
      const api = await server();
      if (api !== null) return api;
      throw new Failure('server_unreachable', `No server runs for ${dir}`, {
        remedy: 'Start it with `paceline serve`, or name one with --url.',
      });
    },
  };
}

/** Runs a command against the API and closes it whatever happens. */
export async function withApi<T>(context: CommandContext, work: (api: Api) => Promise<T>): Promise<T> {
  const api = await context.connect();
  try {
    return await work(api);
  } finally {
    await api.close();
  }
}
