import type {
  AcknowledgementFact,
  CheckInFact,
  CoveredFact,
  DefinitionsFact,
  Fact,
  JsonValue,
  OverrideFact,
  SilenceFact,
  SnoozeFact,
  SourceStateFact,
  TickFact,
} from '@paceline/domain';
import { z } from 'zod';
import { workspaceDefaults } from './documents/parts.ts';
import { documentSchema } from './documents/schema.ts';
import { type Dropped, type Nothing, wireInstant, wirePosition } from './wire.ts';

/*
 * The bodies of records, version 1: codecs between the JSON a record holds and the domain's facts without `type`, which
 * stands in the header. `z.ZodType<Body<F>>` makes the compiler compare each with the domain's own interface.
 * Observations are not here: they are read by hand in `observations.ts`, because zod costs more than the parse itself.
 */
type Body<F extends Fact> = Omit<F, 'type'>;

const name = z.string().min(1).max(512);
const text = z.string().max(10_000);
const json: z.ZodType<JsonValue> = z.json();
/** A decimal as the domain prints it, at most 38 digits with 9 of them after the point. */
export const decimalText = z.string().regex(/^-?\d{1,29}(\.\d{1,9})?$/, 'is no decimal');

const covered = z.object({
  metric: name,
  feeder: name,
  from: wireInstant.exactOptional(),
  to: wireInstant,
  readAt: wireInstant.exactOptional(),
}) satisfies z.ZodType<Body<CoveredFact>>;

const sourceState = z.object({
  source: name,
  stateVersion: z.int().min(0),
  state: json,
  run: name.exactOptional(),
}) satisfies z.ZodType<Body<SourceStateFact>>;

const definitions = z.object({
  command: name,
  expects: wirePosition.nullable(),
  put: z.array(documentSchema),
  remove: z.array(name),
  defaults: workspaceDefaults.exactOptional(),
  actor: name.exactOptional(),
}) satisfies z.ZodType<Body<DefinitionsFact>>;

const checkIn = z.object({
  subject: name,
  time: wireInstant,
  value: decimalText.exactOptional(),
  done: z.boolean().exactOptional(),
  milestones: z.record(z.string(), z.boolean()).exactOptional(),
  confidence: z.number().min(0).max(1).exactOptional(),
  note: text.exactOptional(),
  actor: name.exactOptional(),
}) satisfies z.ZodType<Body<CheckInFact>>;

const override = z.object({
  command: name,
  source: name,
  allow: z.literal('mass_retraction'),
  until: wireInstant,
  actor: name.exactOptional(),
}) satisfies z.ZodType<Body<OverrideFact>>;

const acknowledgement = z.object({
  alert: name,
  actor: name.exactOptional(),
  note: text.exactOptional(),
}) satisfies z.ZodType<Body<AcknowledgementFact>>;

const snooze = z.object({
  alert: name,
  until: wireInstant,
  actor: name.exactOptional(),
  note: text.exactOptional(),
}) satisfies z.ZodType<Body<SnoozeFact>>;

const silence = z.object({
  id: name,
  matchers: z.record(z.string(), z.string()),
  until: wireInstant,
  reason: text,
  actor: name.exactOptional(),
}) satisfies z.ZodType<Body<SilenceFact>>;

const tick = z.object({ edition: z.int().min(1) }) satisfies z.ZodType<Body<TickFact>>;

/** All bodies but those of observations. */
export const BODIES = {
  covered,
  source_state: sourceState,
  definitions,
  check_in: checkIn,
  override,
  acknowledgement,
  snooze,
  silence,
  tick,
} as const satisfies Record<Exclude<Fact['type'], 'observations'>, z.ZodType>;

type Bodies = typeof BODIES;
/** A key that a fact gains in the domain must be written here too. */
export type NoKeyIsDropped = Nothing<
  { [T in keyof Bodies]: Dropped<Body<Extract<Fact, { type: T }>>, Bodies[T]> }[keyof Bodies]
>;
