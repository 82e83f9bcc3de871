import { constants } from 'node:fs';
import { access, mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeError, loadConfig } from '@paceline/runtime';
import type { Command } from 'commander';
import { remoteApi, runningServer } from '../api.ts';
import type { CommandContext } from '../context.ts';
import { paint, printRows } from '../output.ts';

interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly remedy: string;
}

const FREE_BYTES_MIN = 512 * 1024 * 1024;

export function registerDoctor(program: Command, context: () => CommandContext): void {
  program
    .command('doctor')
    .description('what stands in the way: Node, engine, folder, configuration, server')
    .action(async () => {
      const at = context();
      const findings = [
        nodeVersion(),
        threads(),
        await engine(),
        await folder(at.dir),
        await space(at.dir),
        configuration(at.dir),
        await server(at.dir),
      ];
      printRows(at.output, findings, [
        { title: 'check', cell: (row) => row.check },
        {
          title: 'outcome',
          cell: (row) =>
            at.output.format === 'table'
              ? paint(at.output, row.ok ? 'green' : 'red', row.ok ? 'ok' : 'failed')
              : row.ok
                ? 'ok'
                : 'failed',
        },
        { title: 'detail', cell: (row) => row.detail },
        { title: 'remedy', cell: (row) => (row.ok ? '' : row.remedy) },
      ]);
      if (findings.some(({ ok }) => !ok)) process.exitCode = 1;
    });
}

function nodeVersion(): Finding {
  return {
    check: 'node',
    ok: Number(process.versions.node.split('.')[0]) >= 24,
    detail: process.version,
    remedy: 'Start through `npx paceline`: it uses the Node that comes with the project.',
  };
}

function threads(): Finding {
  const size = Number(process.env.UV_THREADPOOL_SIZE ?? 4);
  return {
    check: 'threads',
    ok: size >= 16,
    detail: `${size} threads for the engine`,
    remedy: 'Start through `npx paceline`, or set UV_THREADPOOL_SIZE=16 before Node starts.',
  };
}

/** Opens the engine on a folder of its own: the library loads, writes and answers, or says why not. */
async function engine(): Promise<Finding> {
  const scratch = await mkdtemp(join(tmpdir(), 'paceline-doctor-'));
  try {
    const { openStore } = await import('@paceline/store');
    const store = openStore({ path: join(scratch, 'engine') });
    try {
      await store.migrate();
      await store.ping();
    } finally {
      await store.close();
    }
    return { check: 'engine', ok: true, detail: "ClickHouse's engine answers", remedy: '' };
  } catch (error) {
    return {
      check: 'engine',
      ok: false,
      detail: describeError(error),
      remedy: 'Run `npm install`; the embedded engine runs on Linux and macOS.',
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function folder(dir: string): Promise<Finding> {
  try {
    await access(dir, constants.W_OK);
    return { check: 'folder', ok: true, detail: `${dir} can be written`, remedy: '' };
  } catch (error) {
    return {
      check: 'folder',
      ok: false,
      detail: `${dir}: ${(error as Error).message}`,
      remedy: 'Name a folder that exists and that you may write to with --dir.',
    };
  }
}

async function space(dir: string): Promise<Finding> {
  try {
    const { bavail, bsize } = await statfs(dir);
    const free = bavail * bsize;
    return {
      check: 'disk',
      ok: free >= FREE_BYTES_MIN,
      detail: `${Math.floor(free / 1024 ** 2)} MiB free`,
      remedy: 'Make room: the log refuses appends on a full disk and loses nothing.',
    };
  } catch (error) {
    return {
      check: 'disk',
      ok: false,
      detail: (error as Error).message,
      remedy: 'Name a folder that exists with --dir.',
    };
  }
}

function configuration(dir: string): Finding {
  const loaded = loadConfig({ dir, env: process.env });
  if (loaded.ok)
    return {
      check: 'configuration',
      ok: true,
      detail: `workspace ${loaded.config.workspace}, ${loaded.config.mode}`,
      remedy: '',
    };
  return {
    check: 'configuration',
    ok: false,
    detail: loaded.faults.map((fault) => fault.message).join('; '),
    remedy: 'Correct paceline.yaml or the variables named.',
  };
}

async function server(dir: string): Promise<Finding> {
  const running = await runningServer(dir);
  if (running === null) return { check: 'server', ok: true, detail: 'none runs for this folder', remedy: '' };
  const { url, key } = running;
  try {
    const { parts = [] } = await remoteApi({
      url,
      key: process.env.PACELINE_API_KEY ?? key,
      workspace: undefined,
    }).json<{
      parts?: { part: string; ready: boolean; detail?: string }[];
    }>('GET', '/health/live');
    const behind = parts.filter(({ ready }) => !ready);
    return {
      check: 'server',
      ok: behind.length === 0,
      detail:
        behind.length === 0
          ? `${url} is ready`
          : behind.map(({ part, detail }) => `${part}: ${detail ?? 'not ready'}`).join('; '),
      remedy: 'Look at its log; each part says what it waits for.',
    };
  } catch (error) {
    return { check: 'server', ok: false, detail: (error as Error).message, remedy: 'Stop it and start it again.' };
  }
}
