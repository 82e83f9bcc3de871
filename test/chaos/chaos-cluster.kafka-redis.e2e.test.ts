import { expect, it } from 'vitest';
import { type ChaosResult, runChaos } from './rounds.ts';

/** `npm run chaos -- --form cluster` and `--form network` in small: the seed is fixed, so that a failure can be looked at again. */
async function play(form: 'cluster' | 'network', strikes: readonly string[]): Promise<ChaosResult> {
  const told: string[] = [];
  const say = (line: string): void => void told.push(line);
  const result = await runChaos({
    form,
    strikes,
    rounds: strikes.length,
    points: 3_000,
    seed: 1,
    say,
    comeAndGoMs: 10_000,
  });
  expect(result.faults, told.join('\n')).toEqual([]);
  expect(Object.keys(result.kills).sort()).toEqual([...strikes].sort());
  return result;
}

it('kill -9 of services and servers loses nothing, doubles nothing and leaves what the log explains', async () => {
  const result = await play('cluster', ['connectors', 'processor', 'clickhouse']);
  expect(result.judgements).toBeGreaterThan(100);
});

it('a network that does not keep its promises, and processors that come and go, change nothing either', async () => {
  const result = await play('network', ['a storm of cuts', 'processors coming and going']);
  expect(result.judgements).toBeGreaterThan(100);
});
