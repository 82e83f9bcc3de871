/**
 * `npm run bench [-- --only batched --rounds 3 --replay 10000000 --smoke --json FILE]`: what Paceline costs, beside the bare engine, in one run. A table
 * on standard error; JSON in a file, whose name is the only line on standard output.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type BenchOptions, MEASURES, runBench } from './bench.ts';
import { machine, table } from './report.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    smoke: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    replay: { type: 'string', default: '1000000' },
    json: { type: 'string', default: join(import.meta.dirname, '..', 'tmp', 'bench.json') },
  },
});
const unknown = (values.only ?? []).filter((name) => !MEASURES.has(name));
if (unknown.length > 0) {
  console.error(`no measure is named ${unknown.join(', ')}; there are ${[...MEASURES.keys()].join(', ')}`);
  process.exit(1);
}
const options: BenchOptions = {
  only: values.only ?? [...MEASURES.keys()],
  smoke: values.smoke,
  rounds: Number(values.rounds),
  replayPoints: Number(values.replay),
  say: (line) => console.error(line),
};
const before = machine();
const measures = await runBench(options);
console.error(`\n${table(measures)}`);
mkdirSync(dirname(values.json), { recursive: true });
writeFileSync(values.json, `${JSON.stringify({ machine: before, smoke: values.smoke, measures }, null, 2)}\n`);
console.log(values.json);
