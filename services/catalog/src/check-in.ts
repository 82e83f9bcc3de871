import {
  bucketAt,
  type Catalog,
  type CheckInFact,
  type CompiledKeyResult,
  canonicalDecimal,
  type Instant,
  instantText,
  nextBucket,
} from '@paceline/domain';
import { suggest } from '@paceline/domain/metric/suggest';
import { parseSubject } from '@paceline/domain/subject-id';

/** What a person says of a key result. */
export interface CheckInRequest {
  readonly subject: string;
  /** Default: now. */
  readonly time?: Instant;
  readonly value?: string | number;
  readonly done?: boolean;
  readonly milestones?: Readonly<Record<string, boolean>>;
  readonly confidence?: number;
  readonly note?: string;
  readonly actor?: string;
}

export type CheckInCode =
  | 'unknown_subject'
  | 'invalid_check_in'
  | 'not_check_in_fed'
  | 'not_a_number'
  | 'too_many_digits'
  | 'in_future';
export type CheckedIn =
  | { readonly ok: true; readonly fact: CheckInFact }
  | { readonly ok: false; readonly code: CheckInCode; readonly message: string; readonly pointer: string };

/** The fact of a check-in, or why it says nothing about its subject. */
export function checkIn(catalog: Catalog, request: CheckInRequest, now: Instant): CheckedIn {
  const result = catalog.keyResults.get(request.subject);
  if (result === undefined) return unknown(catalog, request.subject);
  const time = request.time ?? now;
  const latest = latestTime(result, now);
  if (time >= latest) {
    const message = `${instantText(time)} lies more than one bucket ahead of ${instantText(now)}; a check-in says what is, not what will be`;
    return refuse('in_future', message, '/time');
  }
  const said = whatIsSaid(result, request);
  if (!said.ok) return said;
  const { confidence, note, actor, subject } = request;
  return {
    ok: true,
    fact: {
      type: 'check_in',
      subject,
      time,
      ...said.said,
      ...(confidence === undefined ? {} : { confidence }),
      ...(note === undefined ? {} : { note }),
      ...(actor === undefined ? {} : { actor }),
    },
  };
}

type Said = Pick<CheckInFact, 'value' | 'done' | 'milestones'>;
type Refused = Extract<CheckedIn, { ok: false }>;

function whatIsSaid(
  result: CompiledKeyResult,
  request: CheckInRequest,
): { readonly ok: true; readonly said: Said } | Refused {
  const { value, done, milestones } = request;
  const given = Object.entries({ value, done, milestones }).flatMap(([key, part]) => (part === undefined ? [] : [key]));
  if (result.source !== null) {
    if (given.length > 0) {
      const message = `${result.subject} reads the metric ${result.source.metric.name}; a check-in can only add a note or a confidence`;
      return refuse('not_check_in_fed', message, `/${given[0]}`);
    }
    return remark(request);
  }
  const expected = result.type === 'milestones' || result.type === 'done' ? result.type : 'value';
  const wrong = given.find((key) => key !== expected);
  if (wrong !== undefined)
    return refuse('invalid_check_in', `${result.subject} takes ${expected}, not ${wrong}`, `/${wrong}`);
  // What is done stays done, so a remark alone changes nothing there; a value is only as old as the last check-in.
  if (given.length === 0 && expected !== 'value') return remark(request);
  switch (expected) {
    case 'done':
      return { ok: true, said: { done: done === true } };
    case 'milestones':
      return reached(result, milestones ?? {});
    case 'value':
      return valued(result, value);
  }
}

function remark({ note, confidence }: CheckInRequest): { readonly ok: true; readonly said: Said } | Refused {
  if (note !== undefined || confidence !== undefined) return { ok: true, said: {} };
  return refuse('invalid_check_in', 'the check-in says nothing: add a note or a confidence', '');
}

function valued(
  result: CompiledKeyResult,
  value: string | number | undefined,
): { readonly ok: true; readonly said: Said } | Refused {
  if (value === undefined) return refuse('invalid_check_in', `${result.subject} needs a value`, '/value');
  const text = canonicalDecimal(value);
  if (typeof text === 'string') return { ok: true, said: { value: text } };
  return refuse(text.code, `${text.message}; ${text.remedy}`, '/value');
}

function reached(
  result: CompiledKeyResult,
  milestones: Readonly<Record<string, boolean>>,
): { readonly ok: true; readonly said: Said } | Refused {
  const known = result.milestones.map(({ name }) => name);
  for (const name of Object.keys(milestones)) {
    if (known.includes(name)) continue;
    const near = suggest(name, known);
    const hint = near === undefined ? `; it has ${known.join(', ')}` : `; did you mean "${near}"?`;
    return refuse(
      'invalid_check_in',
      `${result.subject} has no milestone "${name.slice(0, 80)}"${hint}`,
      `/milestones/${name}`,
    );
  }
  if (Object.keys(milestones).length === 0) return refuse('invalid_check_in', 'no milestone is named', '/milestones');
  return { ok: true, said: { milestones } };
}

/** The end of the bucket after the running one, of the key result's own grain (weeks unless it says otherwise). */
function latestTime(result: CompiledKeyResult, now: Instant): Instant {
  const running = bucketAt(result.grid, now);
  const next = running === undefined ? undefined : nextBucket(result.grid, running);
  return (next ?? running)?.to ?? Number.POSITIVE_INFINITY;
}

function unknown(catalog: Catalog, subject: string): Refused {
  const id = parseSubject(subject);
  const exists =
    (id?.kind === 'objective' && catalog.objectives.has(id.name)) || (id?.kind === 'kpi' && catalog.kpis.has(id.name));
  if (exists) {
    const message = `${subject} follows from its members or its metric; a check-in is said of a key result`;
    return refuse('invalid_check_in', message, '/subject');
  }
  const near = suggest(subject, catalog.keyResults.keys());
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return refuse('unknown_subject', `there is no key result ${subject.slice(0, 200)}${hint}`, '/subject');
}

function refuse(code: CheckInCode, message: string, pointer: string): Refused {
  return { ok: false, code, message, pointer };
}
