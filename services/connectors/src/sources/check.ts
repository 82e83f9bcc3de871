import { type CheckStage, type ConnectorContext, faultFrom } from '@paceline/connector-sdk';

/** Runs one stage of a check; a failure becomes its result, with code and remedy, instead of an error. */
export async function stage(
  name: CheckStage['stage'],
  ctx: ConnectorContext,
  run: () => Promise<string>,
): Promise<CheckStage> {
  const started = ctx.clock.now();
  try {
    const message = await run();
    return { stage: name, ok: true, message, elapsedMs: ctx.clock.now() - started };
  } catch (error) {
    if (ctx.signal.aborted) throw error;
    const fault = faultFrom(error, name);
    return {
      stage: name,
      ok: false,
      message: fault.message,
      code: fault.code,
      ...(fault.remedy === null ? {} : { remedy: fault.remedy }),
      elapsedMs: ctx.clock.now() - started,
    };
  }
}
