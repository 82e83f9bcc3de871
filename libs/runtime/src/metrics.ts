import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/**
 * Everything Paceline counts, in one place, so that names, units and labels are decided once. Labels are bounded sets;
 * metric names, sources and subjects of users are never labels, workspaces are.
 */
export function createMetrics(options: { readonly defaults?: boolean } = {}) {
  const registry = new Registry();
  if (options.defaults ?? true) collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter<Label>({ name: `paceline_${name}`, help, labelNames: [...labelNames], registers });
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Gauge<Label>({ name: `paceline_${name}`, help, labelNames: [...labelNames], registers });
  const seconds = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Histogram<Label>({ name: `paceline_${name}`, help, labelNames: [...labelNames], buckets: SECONDS, registers });

  return {
    registry,
    counter,
    gauge,
    seconds,
    http: seconds('http_request_seconds', 'Time to answer a request.', ['method', 'route', 'status']),
    pushedPoints: counter('pushed_points_total', 'Points pushed, by outcome.', ['outcome']),
    logLag: gauge('log_lag_records', 'Records of the facts topic not yet committed by the processor.', ['workspace']),
    processedPoints: counter('processor_points_total', 'Points written to the raw table.', ['workspace']),
    batchPoints: gauge('processor_batch_points', 'Points in the last batch.', ['workspace']),
    batchSeconds: seconds('processor_batch_seconds', 'Time from a batch read to its commit.', ['workspace']),
    restoreSeconds: seconds(
      'processor_restore_seconds',
      'Time to rebuild the state of a workspace at its assignment.',
      ['workspace'],
    ),
    ticks: counter('processor_ticks_total', 'Ticks judged.', ['workspace']),
    tickSeconds: seconds('processor_tick_seconds', 'Time to judge a tick and to bring every status up to it.', [
      'workspace',
    ]),
    judgements: counter('processor_judgements_total', 'Judgements written.', ['workspace']),
    restatements: counter('processor_restatements_total', 'Closed judgements that changed.', ['workspace']),
    deadLetters: counter('dead_letters_total', 'Records put aside, by error code.', ['code']),
    sourceRuns: counter('source_runs_total', 'Runs of sources, by outcome.', ['connector', 'outcome']),
    sourcePoints: counter('source_points_total', 'Points stated by sources.', ['connector']),
    deliveries: counter('deliveries_total', 'Attempts to deliver an alert.', ['channel', 'outcome']),
    transitions: counter('alert_transitions_total', 'Alert transitions announced.', ['kind']),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;

/** From a cache hit to a long backfill batch. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
