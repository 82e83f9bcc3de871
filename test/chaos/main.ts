/**
 * `npm run chaos -- --rounds 300 [--form both|one|cluster|network] [--points N] [--seed N] [--game 20] [--away SECONDS] [--strike NAME]... [--keep]`: a game is so many rounds on
 * fresh ground, checked at its end; with `both` one process and the cluster take turns. The last line is the verdict; exit code 0 when all is exact, 2
 * when it is not.
 */
import { parseArgs } from 'node:util';
import { FORMS, type FormName } from './form.ts';
import { type ChaosResult, runChaos } from './rounds.ts';

const { values } = parseArgs({
  options: {
    form: { type: 'string', default: 'both' },
    rounds: { type: 'string', default: '40' },
    points: { type: 'string', default: '20000' },
    game: { type: 'string', default: '20' },
    away: { type: 'string', default: '60' },
    strike: { type: 'string', multiple: true },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
    keep: { type: 'boolean', default: false },
  },
});
const [rounds, points, game, seed] = [values.rounds, values.points, values.game, values.seed].map(Number);
const forms: readonly FormName[] = FORMS.filter((name) =>
  values.form === 'both' ? name !== 'network' : values.form === name,
);
if (!rounds || !points || !game || seed === undefined || forms.length === 0)
  throw new RangeError('--rounds, --points, --game and --seed are numbers, --form is both, one, cluster or network');
const say = (line: string): void => console.error(line);

say(`${rounds} rounds of ${points.toLocaleString('en')} points; again with --seed ${seed}`);
const began = performance.now();
const seconds = (): string => `${Math.round((performance.now() - began) / 1000).toLocaleString('en')} s`;
const faults: string[] = [];
const sums = new Map<string, number>();

function add(result: ChaosResult): void {
  const { faults: _, kills, ...counted } = result;
  for (const [what, count] of Object.entries({ ...counted, ...prefixed(kills) }))
    sums.set(what, (sums.get(what) ?? 0) + count);
}

function prefixed(kills: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(kills).map(([what, count]) => [`struck ${what}`, count]));
}

let played = 0;
for (let number = 0; played < rounds; number++) {
  const form = forms[number % forms.length] ?? 'one';
  const inThis = Math.min(game, rounds - played);
  say(`\ngame ${number + 1} (${form}): rounds ${played + 1} to ${played + inThis} of ${rounds}, after ${seconds()}`);
  try {
    const result = await runChaos({
      form,
      rounds: inThis,
      points,
      seed: seed + number,
      say,
      keep: values.keep,
      comeAndGoMs: Number(values.away) * 1_000,
      ...(values.strike === undefined ? {} : { strikes: values.strike }),
    });
    add(result);
    for (const fault of result.faults) say(`WRONG ${fault}`);
    faults.push(...result.faults);
    say(`game ${number + 1} (${form}): ${result.faults.length === 0 ? 'all exact' : `${result.faults.length} faults`}`);
  } catch (error) {
    say(`BROKEN ${error instanceof Error ? error.stack : String(error)}`);
    faults.push(`game ${number + 1} (${form}) broke off: ${String(error)}`);
  }
  played += inThis;
}

const counted = Object.fromEntries(sums);
console.log(JSON.stringify({ seed, rounds: played, points, ...counted, faults: faults.length }));
const killed = [...sums]
  .flatMap(([what, count]) => (what.startsWith('struck ') ? count : []))
  .reduce((a, b) => a + b, 0);
console.log(
  faults.length === 0
    ? `CLEAN: ${played} rounds, ${killed} strikes, ${(sums.get('pointsTaken') ?? 0).toLocaleString('en')} points acknowledged: 0 lost, 0 double; ` +
        `${sums.get('judgements')} judgements, ${sums.get('transitions')} transitions and ${sums.get('messages')} messages as the replayed log has them; ${seconds()}`
    : `NOT CLEAN: ${faults.length} faults in ${played} rounds; again with --seed ${seed}; ${seconds()}`,
);
process.exitCode = faults.length === 0 ? 0 : 2;
