/**
 * `npm run simulate -- --seeds 1000 [--from SEED] [--mutant NAME | --mutants]`: stops at the first seed that goes wrong, and prints it with the commit and the shortest
 * schedule that does the same. Exit code 0 when all seeds are clean (of mutants: when each is noticed), 2 when not, 1 when it was not asked rightly.
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { MUTANTS, type Mutant } from './mutants.ts';
import { type Played, Pool } from './pool.ts';
import { Progress } from './progress.ts';
import { describeSchedule, scheduleOf } from './schedule.ts';
import { shrink } from './shrink.ts';

const FAULT_CHARACTERS_MAX = 900;
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    mutant: { type: 'string' },
    mutants: { type: 'boolean', default: false },
  },
});
const [count, first] = [Number(values.seeds), Number(values.from)];
const say = (line: string): void => console.error(line);

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown: this is no clone';
  }
}

async function explain({ seed, faults }: Played, mutant: Mutant | null): Promise<void> {
  say(`\nWRONG: seed ${seed} at commit ${commit()}; looking for the shortest schedule that does the same`);
  for (const fault of faults) say(`  ${fault.slice(0, FAULT_CHARACTERS_MAX)}`);
  const shrunk = await shrink(scheduleOf(seed), faults, mutant);
  say(`\n${describeSchedule(shrunk.schedule)}`);
  for (const fault of shrunk.faults) say(`  ${fault.slice(0, FAULT_CHARACTERS_MAX)}`);
}

async function clean(pool: Pool): Promise<boolean> {
  const progress = new Progress(first, count, () => performance.now());
  const { played, wrong, counts } = await pool.play({
    first,
    count,
    mutant: null,
    untilWrong: true,
    played: ({ seed }) => {
      const line = progress.played(seed);
      if (line !== null) say(line);
    },
  });
  const [shown] = wrong;
  if (shown !== undefined) await explain(shown, null);
  const seconds = Math.round(progress.elapsedMs / 1000);
  console.log(JSON.stringify({ seeds: played, first, wrong: wrong.map(({ seed }) => seed), seconds, ...counts }));
  if (shown !== undefined && progress.next < first + count)
    say(`to go on behind it: npm run simulate -- --from ${progress.next} --seeds ${first + count - progress.next}`);
  return wrong.length === 0;
}

async function dies(pool: Pool, mutant: Mutant): Promise<boolean> {
  const { name } = mutant;
  const { played, wrong } = await pool.play({ first, count, mutant: name, untilWrong: true });
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
  if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(first) || first < 0) {
    say('--seeds is how many, from 1 on; --from is the first of them');
    return 1;
  }
  const pool = new Pool();
  if (values.mutant === undefined && !values.mutants) return (await clean(pool)) ? 0 : 2;
  const chosen = MUTANTS.filter(({ name }) => values.mutants || name === values.mutant);
  if (chosen.length === 0) {
    say(`there is no mutant ${values.mutant}; there are ${MUTANTS.map(({ name }) => name).join(', ')}`);
    return 1;
  }
  let alive = 0;
  for (const mutant of chosen) if (!(await dies(pool, mutant))) alive++;
  return alive === 0 ? 0 : 2;
}

process.exit(await main());
