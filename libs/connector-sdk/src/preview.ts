import type { Instant, PointStatement } from '@paceline/domain';
import type { CheckStage, StreamInfo } from './connector.ts';
import { abortReason, faultFrom } from './fault.ts';
import { mapRow } from './mapping.ts';
import { extentOf, prepare, type RunInput } from './run.ts';
import { openSession, streamOf, withSession } from './session.ts';
import { alignDown, edgeOf, planLive } from './window.ts';

export type PreviewedPoint =
  | { readonly metric: string; readonly point: PointStatement; readonly key: string }
  | { readonly metric: string; readonly skipped: 'absent' | 'outside' }
  | { readonly metric: string; readonly code: string; readonly message: string };

export interface PreviewRow {
  readonly at: string | null;
  readonly row: unknown;
  readonly points: readonly PreviewedPoint[];
}

export interface Preview {
  readonly source: string;
  readonly from: Instant | null;
  readonly to: Instant;
  readonly rows: readonly PreviewRow[];
}

export const PREVIEW_ROWS_MAX = 1_000;

type ReadOnly = Omit<RunInput, 'sink' | 'run'>;

/** Raw rows, the points they become and the points' names. Writes nothing. */
export async function preview(input: ReadOnly, options: { readonly limit: number }): Promise<Preview> {
  return withSession(input, input.source, input.connector, input.signal, async (session) => {
    const { source, connector, clock, signal } = input;
    const now = clock.now();
    const stream = streamOf(source);
    const extent = extentOf(connector, session.config, stream);
    const { mappings, shape } = prepare(source, input.metrics, extent === 'whole');
    const plan = planLive(shape, now, null, extent);
    const to = extent === 'whole' ? now - shape.settleMs : plan.to;
    const bounds = { from: plan.from, to: Math.max(to, alignDown(shape, to)), now };
    const limit = Math.min(Math.max(1, options.limit), PREVIEW_ROWS_MAX);
    const request = { stream, from: edgeOf(shape.zone, bounds.from), to: edgeOf(shape.zone, bounds.to), limit };
    const rows: PreviewRow[] = [];
    for await (const item of connector.read(session.ctx, session.config, request)) {
      if (signal.aborted) throw abortReason(signal);
      if (!('row' in item)) continue;
      const points = mappings.map((mapping): PreviewedPoint => {
        const mapped = mapRow(mapping, item.row, bounds);
        const metric = mapping.metric.name;
        if (mapped.kind === 'point') return { metric, point: mapped.point, key: mapped.key };
        if (mapped.kind === 'refused')
          return { metric, code: mapped.code, message: session.redactor.text(mapped.message) };
        return { metric, skipped: mapped.kind };
      });
      rows.push({ at: item.at ?? null, row: session.redactor.value(item.row), points });
      if (rows.length >= limit) break;
    }
    return {
      source: source.metadata.name,
      from: Number.isFinite(bounds.from) ? bounds.from : null,
      to: bounds.to,
      rows,
    };
  });
}

/** The stages of a connector's check, redacted. A configuration that cannot be used is the first and only stage. */
export async function* check(input: ReadOnly): AsyncIterable<CheckStage> {
  const { source, connector, signal } = input;
  const opened = openSession(input, source, connector, signal);
  try {
    const { ctx, config, redactor } = await opened.start();
    prepare(source, input.metrics, false);
    for await (const stage of connector.check(ctx, config, streamOf(source))) {
      yield {
        ...stage,
        message: redactor.text(stage.message),
        ...(stage.remedy === undefined ? {} : { remedy: redactor.text(stage.remedy) }),
      };
    }
  } catch (error) {
    const failure = opened.failure(error);
    if (signal.aborted) throw failure;
    yield configStage(failure);
  } finally {
    await opened.close();
  }
}

function configStage(error: Error): CheckStage {
  const fault = faultFrom(error, 'check');
  return {
    stage: 'config',
    ok: false,
    message: fault.message,
    code: fault.code,
    ...(fault.remedy === null ? {} : { remedy: fault.remedy }),
  };
}

/** What the source could read besides what it reads. */
export async function discover(input: ReadOnly): Promise<readonly StreamInfo[]> {
  return withSession(input, input.source, input.connector, input.signal, async ({ ctx, config }) => {
    return (await input.connector.discover?.(ctx, config)) ?? [];
  });
}
