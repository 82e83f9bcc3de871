import type { Document, Instant } from '@paceline/domain';
import type { RawObservation } from '@paceline/domain/metric/accept';
import type {
  Scenario,
  ScenarioCheckIn,
  ScenarioCovered,
  ScenarioExpectation,
  ScenarioInstant,
  ScenarioObservation,
} from '@paceline/domain/scenario/scenario';
import { readInstant } from '@paceline/domain/time/instant-text';
import { z } from 'zod';
import { type DocumentFault, type Path, pointerOf } from './documents/fault.ts';
import { inOrder, loadDocuments, readDocument, type SourceText, substituting } from './documents/load.ts';
import { decimal, strict, text } from './documents/parts.ts';
import { API_VERSION } from './documents/schema.ts';
import type { Environment } from './documents/substitute.ts';
import { type ParsedYaml, parseYaml } from './documents/yaml.ts';
import { shapeFaults } from './documents/zod-faults.ts';
import { readObservation } from './observation-input.ts';

/** A case in text as the domain runs it, with the places where its parts were written. */
export interface WrittenScenario extends Scenario {
  readonly file: string;
  readonly definitions: readonly WrittenDocument[];
  readonly observations: readonly (ScenarioObservation & Line)[];
  readonly checkIns: readonly (ScenarioCheckIn & Line)[];
  readonly covered: readonly (ScenarioCovered & Line)[];
  readonly expect: readonly (ScenarioExpectation & Line)[];
  /** Documents and observations refused for their shape. Faults of the scenario, unless it expects their codes. */
  readonly refused: readonly DocumentFault[];
}
export interface WrittenDocument {
  readonly document: Document;
  readonly recordedAt?: Instant;
  /** Where it was written: faults of meaning found later are told there. */
  placeOf(path: Path): { readonly file: string; readonly line: number; readonly column: number };
}
export interface Line {
  readonly line: number;
}

export interface ReadScenarios {
  readonly scenarios: readonly WrittenScenario[];
  readonly faults: readonly DocumentFault[];
}

/** Reads the texts that a path in `definitions` names. */
export type ReadPath = (path: string) => Promise<{
  readonly texts: readonly SourceText[];
  readonly faults: readonly DocumentFault[];
}>;

const instant = z.codec(z.string(), z.number(), {
  decode: (written, context) => {
    const at = readInstant(written);
    if (at !== undefined) return at;
    const message = `"${written.slice(0, 40)}" is no instant\twrite it with its offset, like 2026-11-22T06:00:00Z`;
    context.issues.push({ code: 'custom', input: written, message, params: { code: 'invalid_time' } });
    return z.NEVER;
  },
  encode: (at) => new Date(at).toISOString(),
});

const checkIn = strict({
  subject: text,
  time: instant.exactOptional(),
  recordedAt: instant.exactOptional(),
  value: decimal.exactOptional(),
  done: z.boolean().exactOptional(),
  milestones: z.record(z.string(), z.boolean()).exactOptional(),
  confidence: z.number().min(0, 'is below 0').max(1, 'is above 1').exactOptional(),
  note: text.exactOptional(),
});
const covered = strict({
  metric: text,
  from: instant.exactOptional(),
  to: instant,
  recordedAt: instant.exactOptional(),
});
const moment = z.union([instant, strict({ asOf: instant, knownAt: instant.exactOptional() })]);
const refusal = strict({ error: text });
const evaluation = z.looseObject({ at: instant, knownAt: instant.exactOptional(), subject: text });
const list = <S extends z.ZodType>(schema: S) => z.array(schema).exactOptional();
const raw = z.record(z.string(), z.unknown());

const shape = strict({
  name: text,
  description: text.exactOptional(),
  definitions: z.union([text, z.array(z.union([text, raw]))]).exactOptional(),
  observations: list(z.unknown()),
  checkins: list(checkIn),
  covered: list(covered),
  at: list(moment),
  expect: list(z.union([refusal, evaluation])),
});

/** All scenarios of one YAML text (usually one), or every fault at its line. Paths among definitions are read by `readPath`. */
export async function readScenarios(source: SourceText, env: Environment, readPath: ReadPath): Promise<ReadScenarios> {
  const parsed = parseYaml(source.text, substituting(env));
  const faults: DocumentFault[] = parsed.faults.map((fault) => ({ file: source.file, document: '', ...fault }));
  const scenarios: WrittenScenario[] = [];
  for (const yaml of parsed.documents) {
    const read = shape.safeParse(yaml.value);
    if (!read.success) {
      for (const fault of shapeFaults(read.error, yaml.value)) {
        const { path, atKey, ...said } = fault;
        const place = atKey ? yaml.keyPlaceOf(path) : yaml.placeOf(path);
        faults.push({ file: source.file, ...place, document: '', pointer: pointerOf(path), ...said });
      }
      continue;
    }
    scenarios.push(await scenarioOf(read.data, { source, yaml, env, readPath }, faults));
  }
  return { scenarios, faults: inOrder(faults) };
}

interface Context {
  readonly source: SourceText;
  readonly yaml: ParsedYaml;
  readonly env: Environment;
  readonly readPath: ReadPath;
}

async function scenarioOf(
  written: z.output<typeof shape>,
  context: Context,
  faults: DocumentFault[],
): Promise<WrittenScenario> {
  const { source, yaml } = context;
  const lineOf = (...path: Path): number => yaml.placeOf(path).line;
  const refused: DocumentFault[] = [];
  const definitions = await definitionsOf(written.definitions ?? [], context, refused, faults);
  const observations = (written.observations ?? []).flatMap((line, index) =>
    observationOf(line, ['observations', index], context, refused, faults),
  );
  return {
    name: written.name,
    file: source.file,
    definitions,
    observations,
    checkIns: (written.checkins ?? []).map((said, index) => ({ ...said, line: lineOf('checkins', index) })),
    covered: (written.covered ?? []).map((said, index) => ({ ...said, line: lineOf('covered', index) })),
    at: (written.at ?? []).map((at) => (typeof at === 'number' ? momentOf(at) : momentOf(at.asOf, at.knownAt))),
    expect: (written.expect ?? []).map((said, index): ScenarioExpectation & Line => {
      const line = lineOf('expect', index);
      if (isRefusal(said)) return { error: said.error, line };
      const { at, knownAt, subject, ...values } = said;
      return { ...momentOf(at, knownAt), subject, values, line };
    }),
    refused: inOrder(refused),
  };
}

function isRefusal(said: z.output<typeof refusal> | z.output<typeof evaluation>): said is z.output<typeof refusal> {
  return !('at' in said);
}

function momentOf(asOf: Instant, knownAt: Instant = asOf): ScenarioInstant {
  return { asOf, knownAt };
}

async function definitionsOf(
  written: string | readonly (string | Readonly<Record<string, unknown>>)[],
  context: Context,
  refused: DocumentFault[],
  faults: DocumentFault[],
): Promise<WrittenDocument[]> {
  const { source, yaml, env, readPath } = context;
  const made: WrittenDocument[] = [];
  for (const [index, item] of (typeof written === 'string' ? [written] : written).entries()) {
    if (typeof item === 'string') {
      const found = await readPath(item);
      const loaded = loadDocuments(found.texts, env);
      faults.push(...found.faults);
      refused.push(...loaded.faults);
      made.push(
        ...loaded.documents.map(({ document, file, placeOf }) => ({
          document,
          placeOf: (path: Path) => ({ file, ...placeOf(path) }),
        })),
      );
      continue;
    }
    const base: Path = ['definitions', index];
    const { recordedAt: said, ...document } = item;
    const recordedAt = instantAt(said, [...base, 'recordedAt'], context, faults);
    // Scenarios are short: what is the same in every document may be left out.
    const read = readDocument({ apiVersion: API_VERSION, ...document }, { file: source.file, yaml, base });
    if (!read.ok) refused.push(...read.faults);
    else {
      const placeOf = (path: Path) => ({ file: source.file, ...yaml.placeOf([...base, ...path]) });
      made.push({ document: read.document, placeOf, ...(recordedAt === undefined ? {} : { recordedAt }) });
    }
  }
  return made;
}

function observationOf(
  line: unknown,
  path: Path,
  context: Context,
  refused: DocumentFault[],
  faults: DocumentFault[],
): (ScenarioObservation & Line)[] {
  const { source, yaml } = context;
  const read = readObservation(line, ['recordedAt', 'readAt']);
  if (!read.ok) {
    const { code, message, pointer } = read;
    const place = yaml.placeOf(path);
    refused.push({
      file: source.file,
      ...place,
      document: '',
      pointer: pointerOf(path) + pointer,
      code,
      message,
      remedy: '',
    });
    return [];
  }
  const { recordedAt: recorded, readAt: began, ...raw } = read.raw as RawObservation & Record<string, unknown>;
  const recordedAt = instantAt(recorded, [...path, 'recordedAt'], context, faults);
  const readAt = instantAt(began, [...path, 'readAt'], context, faults);
  return [
    {
      metric: read.metric,
      raw,
      ...(recordedAt === undefined ? {} : { recordedAt }),
      ...(readAt === undefined ? {} : { readAt }),
      line: yaml.placeOf(path).line,
    },
  ];
}

function instantAt(said: unknown, path: Path, context: Context, faults: DocumentFault[]): Instant | undefined {
  if (said === undefined) return undefined;
  const at = typeof said === 'string' ? readInstant(said) : undefined;
  if (at === undefined) {
    faults.push({
      file: context.source.file,
      ...context.yaml.placeOf(path),
      document: '',
      pointer: pointerOf(path),
      code: 'invalid_time',
      message: `${JSON.stringify(said).slice(0, 40)} is no instant`,
      remedy: 'write it with its offset, like 2026-11-22T06:00:00Z',
    });
  }
  return at;
}
