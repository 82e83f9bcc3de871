import { existsSync, readFileSync } from 'node:fs';
import { PRESETS, REASONS } from '@paceline/domain';
import { describe, expect, it } from 'vitest';

const docs = readFileSync(new URL('../docs/evaluation.md', import.meta.url), 'utf8');

describe('docs/evaluation.md', () => {
  it('has every reason with its meaning and remedy', () => {
    for (const [code, [meaning, remedy]] of Object.entries(REASONS)) {
      expect(docs).toContain(`| \`${code}\` | ${meaning} | ${remedy} |`);
    }
  });

  it('has every preset with its bars', () => {
    for (const { name, kind, onTrack, atRisk } of PRESETS.values()) {
      const row = docs.split('\n').find((line) => line.startsWith(`| \`${name}\``));
      expect(row, name).toContain(`| ${kind} |`);
      for (const bar of [...Object.values(onTrack), ...Object.values(atRisk)]) {
        expect(
          row
            ?.replaceAll(' .', ' 0.')
            .match(/\d+(\.\d+)?/g)
            ?.map(Number),
          name,
        ).toContain(bar);
      }
    }
  });

  it('tells what each preset says of one key result, as the scenario does', () => {
    const scenario = readFileSync(
      new URL('../libs/domain/scenarios/one-key-result-many-verdicts.yaml', import.meta.url),
      'utf8',
    );
    const said = [...scenario.matchAll(/subject: key_result\/o\/(\w+), verdict: (\w+)/g)];
    expect(said.map(([, name]) => name).sort()).toEqual([...PRESETS.keys()].sort());
    for (const [, name = '', verdict = ''] of said) {
      expect(docs).toContain(`| \`${name}\` | ${verdict.replace('_', ' ')} | `);
    }
  });

  it('has a scenario with the bars of every preset', () => {
    for (const name of PRESETS.keys()) {
      expect(existsSync(new URL(`../libs/domain/scenarios/threshold-${name}.yaml`, import.meta.url)), name).toBe(true);
    }
  });

  it('names scenarios that exist', () => {
    const named = docs.match(/`([a-z]+(?:-[a-z]+){2,})(?:\.yaml)?`/g) ?? [];
    expect(named.length).toBeGreaterThan(10);
    for (const name of named.map((text) => text.replaceAll('`', '').replace('.yaml', ''))) {
      expect(existsSync(new URL(`../libs/domain/scenarios/${name}.yaml`, import.meta.url)), name).toBe(true);
    }
  });
});
