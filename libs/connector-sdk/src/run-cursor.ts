import type { Fact, Instant, PointStatement } from '@paceline/domain';
import { readInstant } from '@paceline/domain/time/instant-text';
import { observationFacts } from '@paceline/events';
import { z } from 'zod';
import { abortReason } from './fault.ts';
import { mapRow } from './mapping.ts';
import { add, LIVE_BEHIND_MAX, type LiveInput, openReport, prepare, type RunReport } from './run.ts';
import type { Session } from './session.ts';
import { cursorOf, decodeState, encodeState, RUN_STATE_VERSION } from './state.ts';
import { edgeOf } from './window.ts';
import { noCounts, REFUSED_SHOWN_MAX, type RefusedRow } from './window-read.ts';

const json = z.json();

/** Rows after a cursor. Written at checkpoints only, values before the cursor that stands for them. */
export async function runCursor(input: LiveInput, session: Session): Promise<RunReport> {
  const { source, connector, clock, sink, signal } = input;
  const began = clock.now();
  const { mappings, shape, stream } = prepare(source, input.metrics, false);
  const decoded = decodeState(input.state, connector.spec);
  let { state } = decoded;
  const to = began - shape.settleMs;
  const report = openReport(
    input,
    'cursor',
    { from: state.coveredTo ?? shape.start ?? to, to },
    decoded.note === null ? [] : [decoded.note],
  );
  const bounds = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY, now: began };
  let counts = noCounts();
  let refused: RefusedRow[] = [];
  let refusedEver = false;
  let points = new Map<string, PointStatement[]>();

  const cursor = cursorOf(connector.spec, state.cursor);
  const request = {
    stream,
    to: edgeOf(shape.zone, to),
    ...(shape.start === null ? {} : { from: edgeOf(shape.zone, shape.start) }),
    ...(cursor === undefined ? {} : { state: cursor }),
  };
  const readAt = clock.now();
  for await (const item of connector.read(session.ctx, session.config, request)) {
    if (signal.aborted) throw abortReason(signal);
    if ('row' in item) {
      counts.rows++;
      for (const mapping of mappings) {
        const mapped = mapRow(mapping, item.row, bounds);
        if (mapped.kind === 'point') {
          counts.stated++;
          const list = points.get(mapping.metric.name) ?? [];
          list.push(mapped.point);
          points.set(mapping.metric.name, list);
        } else if (mapped.kind === 'absent') counts.absent++;
        else if (mapped.kind === 'refused') {
          counts.refused++;
          refusedEver = true;
          if (refused.length < REFUSED_SHOWN_MAX) {
            refused.push({
              metric: mapping.metric.name,
              at: item.at ?? null,
              code: mapped.code,
              message: mapped.message,
            });
          }
        }
      }
      continue;
    }
    const watermark: Instant | undefined = item.watermark === undefined ? undefined : readInstant(item.watermark);
    const feeder = `source/${source.metadata.name}`;
    const facts: Fact[] = [...points].flatMap(([metric, list]) =>
      observationFacts({ metric, feeder, readAt, run: input.run }, list),
    );
    if (watermark !== undefined && !refusedEver) {
      // Where an earlier run refused rows, its stretch stays uncovered: coverage goes on from where this run began.
      const from = state.coveredTo === null ? {} : { from: state.coveredTo };
      for (const metric of new Set(mappings.map((mapping) => mapping.metric.name))) {
        facts.push({ type: 'covered', metric, feeder, to: watermark, readAt, ...from });
      }
    }
    state = { ...state, cursor: json.parse(item.checkpoint), coveredTo: watermark ?? state.coveredTo };
    facts.push({
      type: 'source_state',
      source: source.metadata.name,
      stateVersion: RUN_STATE_VERSION,
      state: encodeState(state).json,
      run: input.run,
    });
    report.position = await sink.append(facts);
    report.windows++;
    add(report, counts, refused);
    counts = noCounts();
    refused = [];
    points = new Map();
    await sink.room(LIVE_BEHIND_MAX, signal);
  }
  if (signal.aborted) throw abortReason(signal);
  return { ...report, elapsedMs: clock.now() - began };
}
