import type { Dated } from '../document.ts';
import { suggest } from '../metric/suggest.ts';
import { PRESETS } from '../policy/policy.ts';
import { datedEntries } from './check-dates.ts';
import type { Path, Reporter } from './fault.ts';
import type { KnownNames } from './known.ts';

export function checkReference(
  noun: string,
  name: string | undefined,
  known: ReadonlyMap<string, unknown>,
  path: Path,
  report: Reporter,
): void {
  if (name === undefined || known.has(name)) return;
  report('unknown_reference', path, `there is no ${noun} "${name}"`, {
    suggestion: suggest(String(name), known.keys()),
  });
}

export function checkPolicyReference(
  policy: Dated<string> | undefined,
  path: Path,
  known: KnownNames,
  report: Reporter,
): void {
  for (const [at, name] of datedEntries(policy, path)) {
    if (PRESETS.has(name) || known.policies.has(name)) continue;
    report('unknown_reference', at, `there is no policy "${name}"`, {
      suggestion: suggest(String(name), [...PRESETS.keys(), ...known.policies.keys()]),
    });
  }
}
