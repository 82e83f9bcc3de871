import type { PolicyDocument, Threshold } from '../document.ts';
import { PRESETS } from '../policy/policy.ts';
import type { Path, Reporter } from './fault.ts';

export function checkPolicy(policy: PolicyDocument, report: Reporter): void {
  const { name } = policy.metadata;
  if (PRESETS.has(name)) {
    report('duplicate_name', ['metadata', 'name'], `"${name}" is the name of a preset, which cannot be redefined`);
  }
  const { kind, onTrack, atRisk } = policy.spec;
  const good = checkThreshold(onTrack, kind, ['spec', 'onTrack'], report);
  const poor = checkThreshold(atRisk, kind, ['spec', 'atRisk'], report);
  if (good === undefined || poor === undefined) return;
  if (kind === 'gap' ? poor < good : poor > good) {
    report('invalid_bounds', ['spec', 'atRisk'], `at risk until ${poor} is better than on track until ${good}`);
  }
}

/** The bar's number. A gap is better when smaller, everything else when greater, so the bar must face that way. */
function checkThreshold(
  threshold: Threshold | undefined,
  kind: string,
  path: Path,
  report: Reporter,
): number | undefined {
  const bars = Object.entries(threshold ?? {});
  const [side, bar] = bars[0] ?? [];
  if (side === undefined || bars.length !== 1) {
    report(
      side === undefined ? 'missing_key' : 'conflicting_keys',
      path,
      'exactly one of atLeast, above, atMost, below is needed',
    );
    return undefined;
  }
  const downwards = side === 'atMost' || side === 'below';
  if (downwards !== (kind === 'gap')) {
    report(
      'invalid_bounds',
      path,
      kind === 'gap'
        ? 'a gap is good when it is small: use atMost or below'
        : `a ${kind} is good when it is great: use atLeast or above`,
    );
  }
  return Number(bar);
}
