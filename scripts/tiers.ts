/**
 * A test file says by its name what it needs: `x.test.ts` nothing, `x.int.test.ts` the embedded engine and the file system,
 * `x.e2e.test.ts` the whole path; each name of a server among the words before that, as in `kafka-traps.int.test.ts` or
 * `parity.kafka.redis.e2e.test.ts`, asks for the real thing.
 */
export const NEEDS = ['kafka', 'postgres', 'redis', 'chromium', 'clients', 'nginx', 'compose'] as const;
export type Need = (typeof NEEDS)[number];
export type Project = 'pure' | 'int' | 'e2e';

export interface Tier {
  /** `pure`, `int`, `int with kafka and redis`, … */
  readonly name: string;
  readonly project: Project;
  readonly needs: readonly Need[];
  readonly files: readonly string[];
}

/** BullMQ's tests are named after what they test, and need its server. */
const ALIASES: Readonly<Record<string, Need>> = { bullmq: 'redis' };

export function placeOf(file: string): { readonly project: Project; readonly needs: readonly Need[] } {
  const parts = (file.split('/').pop() ?? '').replace(/\.test\.ts$/, '').split('.');
  const project = parts.includes('e2e') ? 'e2e' : parts.includes('int') ? 'int' : 'pure';
  if (project === 'pure') return { project, needs: [] };
  const named = parts.flatMap((part) => part.split('-')).map((word) => ALIASES[word] ?? word);
  return { project, needs: NEEDS.filter((need) => named.includes(need)) };
}

const ORDER: readonly Project[] = ['pure', 'int', 'e2e'];

/** Files grouped by what they need, cheapest first, each tier's files in order of name. */
export function tiersOf(files: readonly string[]): Tier[] {
  const tiers = new Map<string, { project: Project; needs: readonly Need[]; files: string[] }>();
  for (const file of [...files].sort()) {
    const { project, needs } = placeOf(file);
    const name = needs.length === 0 ? project : `${project} with ${needs.join(' and ')}`;
    const tier = tiers.get(name) ?? { project, needs, files: [] };
    tier.files.push(file);
    tiers.set(name, tier);
  }
  return [...tiers]
    .map(([name, tier]) => ({ name, ...tier }))
    .sort(
      (a, b) =>
        ORDER.indexOf(a.project) - ORDER.indexOf(b.project) ||
        a.needs.length - b.needs.length ||
        (a.name < b.name ? -1 : 1),
    );
}

/** Those that wait the most first: for Kafka, and for many servers; then the others, dearest first. */
export function byWaiting(tiers: readonly Tier[]): Tier[] {
  const waits = ({ needs, files }: Tier): number => (needs.includes('kafka') ? files.length : 0);
  return tiers.toReversed().sort((a, b) => waits(b) - waits(a));
}
