import type { CheckIn, Document, Evaluation, Transition, WorkspaceDefaults } from '@paceline/domain';
import type { z } from 'zod';
import { transitionSchema } from './alert-records.ts';
import { workspaceDefaults } from './documents/parts.ts';
import { documentSchema } from './documents/schema.ts';
import { evaluationSchema } from './evaluation-schema.ts';
import { BODIES } from './fact-schema.ts';
import { faultsOf } from './wire.ts';

/** Reads the text of an evaluation as tables keep it (`evaluationToJson`). Throws `RangeError` on what is none. */
export function readStoredEvaluation(text: string): Evaluation {
  return read('evaluation', evaluationSchema, text);
}

/** Reads the text of a transition as table `alert` keeps it: the body of its record. Throws `RangeError` on what is none. */
export function readStoredTransition(text: string): Transition {
  return read('transition', transitionSchema, text);
}

/** Reads the text of a definition document as table `definition` keeps it. Throws `RangeError` on what is none. */
export function readStoredDocument(text: string): Document {
  return read('document', documentSchema, text);
}

/** Reads what table `definition` keeps under `DEFAULTS_ID`. Throws `RangeError` on what is none. */
export function readStoredDefaults(text: string): WorkspaceDefaults {
  return read('default of a workspace', workspaceDefaults, text);
}

const storedCheckIn = BODIES.check_in.omit({ subject: true, time: true });

/** Reads what was said in a check-in as table `check_in` keeps it: its subject and times are columns. Throws `RangeError` on what is none. */
export function readStoredCheckIn(text: string): Omit<CheckIn, 'time' | 'recordedAt'> {
  return read('check-in', storedCheckIn, text);
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
