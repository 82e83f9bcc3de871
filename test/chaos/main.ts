/** `npm run chaos -- --rounds 20 --points 100000 [--seed N] [--keep]`; exit code 0 when all is exact, 2 when it is not. */
import { parseArgs } from 'node:util';
import { runChaos } from './rounds.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    points: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
    keep: { type: 'boolean', default: false },
  },
});
const [rounds, points, seed] = [Number(values.rounds), Number(values.points), Number(values.seed)];
const say = (line: string): void => console.error(line);

say(`${rounds} rounds of ${points.toLocaleString('en')} points; again with --seed ${seed}`);
const began = performance.now();
const result = await runChaos({ rounds, points, seed, say, keep: values.keep });
const { faults, ...counted } = result;
for (const fault of faults) say(`WRONG ${fault}`);
console.log(
  JSON.stringify({
    seed,
    rounds,
    points,
    ...counted,
    faults: faults.length,
    seconds: Math.round((performance.now() - began) / 1000),
  }),
);
process.exitCode = faults.length === 0 ? 0 : 2;
