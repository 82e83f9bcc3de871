/**
 * `npm run simulate -- --seeds 1000 [--seed S] [--mutant NAME | --mutants]`; exit code 0 when all seeds are clean (of a mutant: when
 * one is not), 2 otherwise. A seed that goes wrong is printed with the commit and the shortest schedule that does the same.
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { MUTANTS, type Mutant } from './mutants.ts';
import { type Played, playSeeds } from './pool.ts';
import { describeSchedule, scheduleOf } from './schedule.ts';
import { shrink } from './shrink.ts';

const FAULT_CHARACTERS_MAX = 900;
const PROGRESS_SEEDS = 500;
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    mutant: { type: 'string' },
    mutants: { type: 'boolean', default: false },
  },
});
const [count, first] = [Number(values.seeds), Number(values.seed)];
const say = (line: string): void => console.error(line);

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown: this is no clone';
  }
}

async function explain({ seed, faults }: Played, mutant: Mutant | null): Promise<void> {
  const shrunk = await shrink(scheduleOf(seed), faults, mutant);
  say(`\nWRONG at commit ${commit()}: ${describeSchedule(shrunk.schedule)}`);
  for (const fault of shrunk.faults) say(`  ${fault.slice(0, FAULT_CHARACTERS_MAX)}`);
}

async function clean(): Promise<boolean> {
  const began = performance.now();
  let done = 0;
  const { played, wrong, counts } = await playSeeds({
    first,
    count,
    mutant: null,
    untilWrong: false,
    played: ({ seed, faults }) => {
      if (faults.length > 0) say(`seed ${seed}: ${faults[0]?.slice(0, FAULT_CHARACTERS_MAX)}`);
      if (++done % PROGRESS_SEEDS === 0) say(`${done} seeds, ${Math.round((performance.now() - began) / 1000)} s`);
    },
  });
  const [shown] = wrong;
  if (shown !== undefined) await explain(shown, null);
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(JSON.stringify({ seeds: played, first, wrong: wrong.map(({ seed }) => seed), seconds, ...counts }));
  return wrong.length === 0;
}

async function dies(mutant: Mutant): Promise<boolean> {
  const { name } = mutant;
  const { played, wrong } = await playSeeds({ first, count, mutant: name, untilWrong: true });
  const [shown] = wrong;
  if (shown === undefined) {
    say(`${name} lives after ${played} seeds: ${mutant.says}`);
    return false;
  }
  if (values.mutant !== undefined) await explain(shown, mutant);
  console.log(JSON.stringify({ mutant: name, diedAtSeed: shown.seed, fault: shown.faults[0]?.slice(0, 200) }));
  return true;
}

async function main(): Promise<number> {
  if (values.mutant === undefined && !values.mutants) return (await clean()) ? 0 : 2;
  const chosen = MUTANTS.filter(({ name }) => values.mutants || name === values.mutant);
  if (chosen.length === 0) {
    say(`there is no mutant ${values.mutant}; there are ${MUTANTS.map(({ name }) => name).join(', ')}`);
    return 1;
  }
  let alive = 0;
  for (const mutant of chosen) if (!(await dies(mutant))) alive++;
  return alive === 0 ? 0 : 2;
}

process.exit(await main());
