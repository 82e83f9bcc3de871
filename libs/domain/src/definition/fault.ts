/** Every code a definition can be refused or warned with; shape codes come from the parser at the edge. */
export const DEFINITION_CODES = {
  unknown_key: ['a key that the kind does not have', 'remove it, or use the key that was meant'],
  missing_key: ['a key that is needed here is missing', 'add it'],
  invalid_type: ['a value of another type than the key takes', 'write the value as the reference shows'],
  invalid_name: ['a name with other characters than a-z, 0-9, _ and -', 'rename it'],
  invalid_date: ['a day that the calendar does not have', 'write it as 2026-11-22'],
  invalid_timezone: ['no IANA time zone of this name', 'use a name such as Europe/Berlin or UTC'],
  invalid_expression: ['a derived metric that cannot be read', 'use + - * / and parentheses over names of metrics'],
  invalid_bounds: ['low is above high, or a band is on the wrong side', 'swap the two values'],
  duplicate_name: ['two of one kind have the same name', 'rename or remove one of them'],
  unknown_reference: ['something is named that does not exist', 'define it, or name what was meant'],
  unknown_dimension: [
    'a filter on a dimension the metric does not have',
    'add it to the metric, or name what was meant',
  ],
  loop: ['a chain of parents or operands comes back to where it began', 'cut the chain at one place'],
  negative_weight: [
    'a weight below zero, or a milestone without weight',
    'use a weight above zero; 0 shows a member without counting it',
  ],
  pace_on_level: [
    'a pace where nothing accumulates',
    'remove the pace, or use `period: {toDate: …}` with a sum, count, counter or distinct',
  ],
  bands_and_policy: ['bands and a policy at once', 'keep one of the two'],
  within_cumulative: [
    '`direction: within` on a number that accumulates',
    'use higher or lower, or a metric that is a level',
  ],
  baseline_on_cumulative: ['a baseline on a number that starts at zero with the cycle', 'write `baseline: 0`'],
  overlapping_dates: ['two entries begin on the same day', 'keep one of them'],
  unreachable_cycle: [
    'a cycle that can never be reached from here',
    'correct its days, or choose a cycle that shares days with it',
  ],
  missing_reason: ['a retroactive change without a reason', 'add `reason`: it is shown with every status it changes'],
  distinct_on_periods: [
    '`distinct` over period values, which are totals already',
    'use `points: time`, so that every value is seen',
  ],
  wrong_grain: [
    'buckets that do not fit into one another',
    'use a grain that is at least as coarse, or metrics of equal grain and zone',
  ],
  conflicting_keys: ['two keys that exclude each other', 'keep one of the two'],
  date_outside_cycle: ['a day outside the cycle it is read in', 'move it into the cycle'],
  focus: ['more goals than anybody can focus on', 'drop or merge some'],
} as const satisfies Record<string, readonly [meaning: string, remedy: string]>;
export type DefinitionCode = keyof typeof DEFINITION_CODES;

/** One thing wrong with one document. All are found at once. */
export interface DefinitionFault {
  readonly code: DefinitionCode;
  /** A warning is told and does not refuse. */
  readonly severity: 'error' | 'warning';
  /** Index in the list that was validated. */
  readonly document: number;
  /** `kpi/new-revenue`. */
  readonly id: string;
  /** Keys and indexes from the document's root to the place. */
  readonly path: readonly (string | number)[];
  /** What is wrong, with the offending text. */
  readonly message: string;
  readonly remedy: string;
  /** What was probably meant. */
  readonly suggestion?: string;
  /** Index of the document that has the name already. */
  readonly earlier?: number;
}

export type Path = readonly (string | number)[];

/** Collects the faults of one document. */
export type Reporter = (
  code: DefinitionCode,
  path: Path,
  message: string,
  more?: { readonly suggestion?: string | undefined; readonly earlier?: number; readonly warning?: true },
) => void;

export function reporter(faults: DefinitionFault[], document: number, id: string): Reporter {
  return (code, path, message, more = {}) => {
    const [, remedy] = DEFINITION_CODES[code];
    const { suggestion, earlier } = more;
    faults.push({
      code,
      severity: more.warning === true ? 'warning' : 'error',
      document,
      id,
      path,
      message,
      remedy: suggestion === undefined ? remedy : `did you mean "${suggestion}"?`,
      ...(suggestion === undefined ? {} : { suggestion }),
      ...(earlier === undefined ? {} : { earlier }),
    });
  };
}
