import { workspaceDefaults } from '@paceline/events';
import { z } from 'zod';

export const workspaceQuery = z.object({ workspace: z.string().optional().describe('Default: the server’s own') });
export const position = z.string().describe('offset:index').nullable();

const documents = z.array(z.unknown()).max(100_000).describe('Definition documents as in files');
const prune = z.boolean().default(false).describe('Remove what is not given');
export const text = z.string().describe('application/yaml: definition documents, many to a text');

const defaults = workspaceDefaults
  .optional()
  .describe(
    'Policy and pace of subjects that name none; default: those of the server’s configuration, in its own workspace',
  );

export const planBody = z.union([z.strictObject({ documents, prune, defaults }), text]);
export const planQuery = workspaceQuery.extend({
  prune: z.stringbool().optional().describe('For YAML bodies: remove what is not given'),
});
const command = z.string().regex(/^[\w.:-]{1,128}$/, 'is no id: use 1 to 128 of a-z, A-Z, 0-9, _ . : -');
const expects = z
  .union([z.string(), z.null()])
  .describe('Position of the last accepted definitions, null before the first; default: as they are now');
export const applyBody = z.union([
  z.strictObject({
    documents,
    prune,
    defaults,
    command: command.optional().describe('Id of the command; default: Idempotency-Key, or a new one'),
    expects: expects.optional(),
    actor: z.string().min(1).max(200).optional(),
  }),
  text,
]);
export const applyQuery = planQuery.extend({
  command: command.optional(),
  expects: z.string().optional().describe('For YAML bodies; the word none before the first apply'),
});
export const applyHeaders = z.object({ 'idempotency-key': command.optional() });

const fieldChange = z.object({ field: z.string(), before: z.unknown(), after: z.unknown() });
const change = z.object({
  id: z.string(),
  change: z.enum(['added', 'changed', 'removed']),
  fields: z.array(fieldChange),
});
const consequence = z.object({ document: z.string(), code: z.string(), message: z.string() });
const warning = z.object({
  document: z.string(),
  pointer: z.string(),
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
});
export const planData = z.object({
  expects: position,
  changes: z.array(change),
  unchanged: z.int(),
  consequences: z.array(consequence),
  warnings: z.array(warning),
});
export const planAnswer = z.object({ data: planData, meta: z.object({ workspace: z.string() }) });

const outcome = z.enum(['accepted', 'conflict', 'pending', 'unchanged']);
export const applyAnswer = z.object({
  position,
  data: z.object({ command: z.string(), outcome, plan: planData.nullable() }),
  meta: z.object({ workspace: z.string() }),
  links: z.object({ outcome: z.string() }),
});
export const outcomeAnswer = z.object({
  position,
  data: z.object({ command: z.string(), outcome }),
  meta: z.object({ workspace: z.string() }),
});
export const definitionsAnswer = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      document: z.unknown(),
      position: z.string(),
      recordedAt: z.string(),
      shape: z.string().optional(),
    }),
  ),
  meta: z.object({
    workspace: z.string(),
    position,
    defaults: z
      .object({ policy: z.string(), pace: z.unknown() })
      .describe('Policy and pace of subjects that name none'),
  }),
});

export const checkInBody = z.strictObject({
  subject: z.string().max(200).describe('key_result/OBJECTIVE/NAME'),
  time: z.string().max(64).describe('ISO instant; default: now').exactOptional(),
  value: z.union([z.string().max(400), z.number()]).exactOptional(),
  done: z.boolean().exactOptional(),
  milestones: z.record(z.string().max(63), z.boolean()).exactOptional(),
  confidence: z.number().min(0).max(1).exactOptional(),
  note: z.string().max(10_000).exactOptional(),
  actor: z.string().min(1).max(200).exactOptional(),
});
export const checkInAnswer = z.object({
  position: z.string(),
  data: z.object({
    subject: z.string(),
    time: z.string(),
    value: z.string().optional(),
    done: z.boolean().optional(),
    milestones: z.record(z.string(), z.boolean()).optional(),
    confidence: z.number().optional(),
    note: z.string().optional(),
    actor: z.string().optional(),
  }),
  meta: z.object({ workspace: z.string() }),
});

export const overrideBody = z.strictObject({
  source: z.string().max(200),
  allow: z.literal('mass_retraction'),
  until: z.string().max(64).optional().describe('ISO instant, at most 30 days ahead; default: a day from now'),
  command: command.optional(),
  actor: z.string().min(1).max(200).optional(),
});
