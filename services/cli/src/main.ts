import { Command, CommanderError } from 'commander';
import { registerBacktest } from './commands/backtest.ts';
import { registerCompletion } from './commands/completion.ts';
import { registerDefinitions } from './commands/definitions.ts';
import { registerDemo } from './commands/demo.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerInit } from './commands/init.ts';
import { registerKeys } from './commands/keys.ts';
import { registerReads } from './commands/read.ts';
import { registerReplay } from './commands/replay.ts';
import { registerScenarios } from './commands/scenarios.ts';
import { registerServe } from './commands/serve.ts';
import { registerSources } from './commands/sources.ts';
import { registerStatus } from './commands/status.ts';
import { registerTrend } from './commands/trend.ts';
import { registerWhatIf } from './commands/what-if.ts';
import { registerWrites } from './commands/write.ts';
import { commandContext, type GlobalOptions } from './context.ts';
import { type Failure, faultText } from './failure.ts';
import { describeFailure } from './failure-of.ts';

/** Builds the whole command line; a fresh one per run, because commander keeps state. */
export function buildProgram(): Command {
  const program = new Command('paceline')
    .description('Are we on track? Metrics from their sources to KPIs and key results, with reasons.')
    .version('0.1.0')
    .option('--dir <dir>', 'project folder', '.')
    .option('--url <url>', 'talk to this server instead')
    .option('--workspace <name>', 'workspace, else the project’s')
    .option('--output <format>', 'table, json or csv', 'table')
    .option('--quiet', 'no messages and no progress')
    .showHelpAfterError('(paceline --help lists every command)')
    .exitOverride();
  const context = () =>
    commandContext({
      ...program.opts<GlobalOptions>(),
      outputAsked: program.getOptionValueSource('output') !== 'default',
    });
  registerInit(program, context);
  registerDefinitions(program, context);
  registerWhatIf(program, context);
  registerBacktest(program, context);
  registerServe(program, context);
  registerSources(program, context);
  registerWrites(program, context);
  registerStatus(program, context);
  registerTrend(program, context);
  registerReads(program, context);
  registerScenarios(program, (also) => commandContext(program.opts<GlobalOptions>(), also));
  registerReplay(program, context);
  registerKeys(program, context);
  registerDoctor(program, context);
  registerDemo(program, context);
  registerCompletion(program, (text) => process.stdout.write(`${text}\n`));
  return inherit(program);
}

/** Global options may stand before or after the command's name, as people write them. */
function inherit(program: Command): Command {
  for (const command of program.commands) {
    command.exitOverride();
    for (const option of program.options) {
      if (option.long === '--version' || command.options.some((own) => own.long === option.long)) continue;
      command.addOption(option);
      command.on(`option:${option.attributeName()}`, (value: unknown) =>
        program.setOptionValue(option.attributeName(), value ?? true),
      );
    }
    for (const sub of command.commands) sub.exitOverride();
  }
  return program;
}

async function run(argv: readonly string[]): Promise<void> {
  const program = buildProgram();
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 1;
      return;
    }
    report(describeFailure(error), program.opts<GlobalOptions>().output === 'json');
    process.exitCode = 1;
  }
}

function report(failure: Failure, asJson: boolean): void {
  if (asJson) {
    process.stdout.write(
      `${JSON.stringify({ error: { code: failure.code, message: failure.message, remedy: failure.remedy, faults: failure.faults } }, null, 2)}\n`,
    );
  }
  for (const fault of failure.faults) process.stderr.write(`${faultText(fault)}\n`);
  process.stderr.write(`paceline: ${failure.message} (${failure.code})\n`);
  if (failure.remedy !== null) process.stderr.write(`  ${failure.remedy}\n`);
}

if (import.meta.main) await run(process.argv.slice(2));
