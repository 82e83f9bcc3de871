import type { Evaluation, Transition } from '@paceline/domain';
import type { z } from 'zod';
import { transitionSchema } from './alert-records.ts';
import { evaluationSchema } from './evaluation-schema.ts';
import { faultsOf } from './wire.ts';

/** Reads the text of an evaluation as tables keep it (`evaluationToJson`). Throws `RangeError` on what is none. */
export function readStoredEvaluation(text: string): Evaluation {
  return read('evaluation', evaluationSchema, text);
}

/** Reads the text of a transition as table `alert` keeps it: the body of its record. Throws `RangeError` on what is none. */
export function readStoredTransition(text: string): Transition {
  return read('transition', transitionSchema, text);
}

function read<Value>(what: string, schema: z.ZodType<Value>, text: string): Value {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    throw new RangeError(`a stored ${what} is no JSON`, { cause });
  }
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new RangeError(`this is no ${what}: ${faultsOf(parsed.error)}`);
  return parsed.data;
}
