import { type Catalog, mappedFeeders } from '@paceline/domain';

export interface PushWarning {
  readonly code: 'push_feeds_with_sources';
  readonly metric: string;
  readonly message: string;
}

const known = new WeakMap<Catalog, ReturnType<typeof mappedFeeders>>();

/**
 * Metrics that a push now feeds beside sources. From then on a bucket is complete only when the push covers it too, so that one
 * value sent by hand keeps every later day provisional.
 */
export function feederWarnings(catalog: Catalog, metrics: Iterable<string>): PushWarning[] {
  const feeders = known.get(catalog) ?? mappedFeeders(catalog.documents);
  known.set(catalog, feeders);
  return [...metrics].flatMap((metric) => {
    const sources = feeders.get(metric);
    if (sources === undefined) return [];
    const message = `${metric} is fed by ${sources.join(', ')}, and by pushes from now on: its buckets are complete only where pushes cover them too. Go on pushing, state POST /v1/covered, or correct the source instead; push: false in the metric refuses pushes.`;
    return [{ code: 'push_feeds_with_sources', metric, message }];
  });
}
