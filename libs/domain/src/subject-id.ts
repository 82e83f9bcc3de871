/**
 * A subject's id taken apart: `kpi/NAME`, `kpi/NAME@LABEL` (a closed period), `key_result/OBJECTIVE/NAME`,
 * `objective/NAME`, `unit/NAME@CYCLE`.
 */
export type SubjectId =
  | { readonly kind: 'kpi'; readonly name: string; readonly label?: string }
  | { readonly kind: 'key_result'; readonly objective: string; readonly name: string }
  | { readonly kind: 'objective'; readonly name: string }
  | { readonly kind: 'unit'; readonly name: string; readonly cycle: string };

const SUBJECT =
  /^(?:kpi\/([^/@]+)(?:@(.+))?|key_result\/([^/@]+)\/([^/@]+)|objective\/([^/@]+)|unit\/([^/@]+)@([^/@]+))$/;

/** The same few thousand are asked for at every instant; beyond the bound they are read again. */
const KNOWN_MAX = 20_000;
const known = new Map<string, SubjectId | undefined>();

/** `undefined` when the text names no subject. */
export function parseSubject(text: string): SubjectId | undefined {
  let subject = known.get(text);
  if (subject === undefined && !known.has(text)) {
    subject = read(text);
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(text, subject);
  }
  return subject;
}

function read(text: string): SubjectId | undefined {
  const match = SUBJECT.exec(text);
  if (match === null) return undefined;
  const [, kpi, label, objective, keyResult, ofCycle, unit, cycle] = match;
  if (kpi !== undefined) return label === undefined ? { kind: 'kpi', name: kpi } : { kind: 'kpi', name: kpi, label };
  if (objective !== undefined && keyResult !== undefined) return { kind: 'key_result', objective, name: keyResult };
  if (ofCycle !== undefined) return { kind: 'objective', name: ofCycle };
  if (unit !== undefined && cycle !== undefined) return { kind: 'unit', name: unit, cycle };
  return undefined;
}
