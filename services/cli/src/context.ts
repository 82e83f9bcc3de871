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
}

export interface CommandContext {
  readonly dir: string;
  readonly output: Output;
  readonly workspace: string | undefined;
  /** Of `--url`. */
  readonly url: string | undefined;
  /** The server of `--url`, else the one that owns the folder, else the folder opened in this process. */
  connect(): Promise<Api>;
}

const FORMATS: readonly string[] = ['table', 'json', 'csv'];

export function commandContext(options: GlobalOptions): CommandContext {
  if (!FORMATS.includes(options.output)) {
    throw new Failure('invalid_option', `--output ${options.output} is not one of table, json, csv`);
  }
  const dir = resolve(options.dir);
  const output = processOutput(options.output as OutputFormat, options.quiet === true);
  return {
    dir,
    output,
    workspace: options.workspace,
    url: options.url,
    async connect() {
      const key = process.env.PACELINE_API_KEY;
      if (options.url !== undefined) return remoteApi(options.url, key);
      const running = await runningServer(dir);
      if (running !== null) return remoteApi(running.url, key ?? running.key);
      const { localApi } = await import('./local-api.ts');
      return localApi({ dir, output, workspace: options.workspace });
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
