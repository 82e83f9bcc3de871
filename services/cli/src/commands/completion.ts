import type { Command } from 'commander';
import { Failure } from '../failure.ts';

/** Scripts that complete command names and options; made from the program itself, so they cannot fall behind. */
export function registerCompletion(program: Command, write: (text: string) => void): void {
  program
    .command('completion')
    .argument('<shell>', 'bash, zsh or fish')
    .description('print a completion script')
    .addHelpText(
      'after',
      '\nExamples:\n  source <(paceline completion bash)\n  paceline completion fish > ~/.config/fish/completions/paceline.fish',
    )
    .action((shell: string) => {
      const commands = program.commands.map((command) => ({
        name: command.name(),
        description: command.description(),
        words: [
          ...command.commands.map((sub) => sub.name()),
          ...command.options.map((option) => option.long ?? ''),
        ].filter((word) => word !== ''),
      }));
      const global = program.options.map((option) => option.long ?? '').filter((word) => word !== '');
      if (shell === 'bash') write(bash(commands, global));
      else if (shell === 'zsh') write(`autoload -U +X bashcompinit && bashcompinit\n${bash(commands, global)}`);
      else if (shell === 'fish') write(fish(commands, global));
      else
        throw new Failure('invalid_option', `${shell} is not a shell known here`, {
          remedy: 'Choose bash, zsh or fish.',
        });
    });
}

interface Entry {
  readonly name: string;
  readonly description: string;
  readonly words: readonly string[];
}

function bash(commands: readonly Entry[], global: readonly string[]): string {
  const cases = commands
    .map((entry) => `    ${entry.name}) words="${[...entry.words, ...global].join(' ')}" ;;`)
    .join('\n');
  return `_paceline() {
  local words="${[...commands.map((entry) => entry.name), ...global].join(' ')}"
  local at
  for at in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$at" in
${cases}
    esac
  done
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [ \${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _paceline paceline`;
}

function fish(commands: readonly Entry[], global: readonly string[]): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", "\\'")}'`;
  return [
    ...commands.map(
      (entry) => `complete -c paceline -n __fish_use_subcommand -a ${entry.name} -d ${quoted(entry.description)}`,
    ),
    ...commands.flatMap((entry) =>
      entry.words.map((word) =>
        word.startsWith('--')
          ? `complete -c paceline -n '__fish_seen_subcommand_from ${entry.name}' -l ${word.slice(2)}`
          : `complete -c paceline -n '__fish_seen_subcommand_from ${entry.name}' -a ${word}`,
      ),
    ),
    ...global.map((word) => `complete -c paceline -l ${word.slice(2)}`),
  ].join('\n');
}
