import type { TableName } from '@paceline/store';

/** Rows of one table as they are compared: what was written twice by a redone span is one. */
export interface Compared {
  readonly table: TableName;
  /** Names a row for people, and orders rows. */
  readonly key: readonly string[];
  /** All columns that are compared, the key's among them. */
  readonly columns: readonly string[];
  /** Rows are looked at in groups of this column, so that no comparison holds a whole table. */
  readonly group: string;
  readonly position: string;
  /** Which rows count. */
  readonly where?: string;
  /** Only what stands now is comparable: rows between two ticks come and go with how busy the processor was. */
  readonly latest?: boolean;
}

const TRANSITIONS = `kind IN ('opened', 'escalated', 'reminder', 'recovered', 'retracted', 'closed')`;

/** In the order in which a difference matters: what comes first explains what comes after it. */
export const COMPARED: readonly Compared[] = [
  {
    table: 'observation',
    group: 'metric',
    position: 'pos',
    key: ['metric', 'series', 'period', 'at', 'id', 'pos'],
    columns: [
      ...['metric', 'series', 'period', 'at', 'id', 'pos', 'recorded_at', 'read_at', 'revision', 'feeder'],
      ...['value', 'numerator', 'denominator'],
    ],
  },
  {
    table: 'definition',
    group: 'id',
    position: 'position',
    key: ['id', 'position'],
    columns: ['id', 'position', 'recorded_at', 'removed', 'shape', 'document'],
  },
  {
    table: 'check_in',
    group: 'subject',
    position: 'position',
    key: ['subject', 'time', 'position'],
    columns: ['subject', 'time', 'position', 'recorded_at', 'body'],
  },
  {
    table: 'covered',
    group: 'metric',
    position: 'position',
    key: ['metric', 'feeder', 'position'],
    columns: [
      ...['metric', 'feeder', 'position', 'recorded_at', 'covered_from', 'covered_to', 'before_from', 'before_to'],
    ],
  },
  {
    table: 'rollup',
    group: 'metric',
    position: 'position',
    key: ['metric', 'grain', 'shape', 'series', 'bucket_from', 'position'],
    columns: [
      ...['metric', 'grain', 'shape', 'series', 'bucket_from', 'position', 'bucket_to', 'count', 'sum', 'min', 'max'],
      ...['first', 'last', 'first_at', 'last_at', 'numerator', 'denominator', 'increase', 'resets'],
    ],
  },
  {
    table: 'judgement',
    group: 'subject',
    position: 'position',
    key: ['subject', 'as_of', 'position', 'edition'],
    columns: [
      ...['subject', 'as_of', 'position', 'edition', 'verdict', 'reason', 'value', 'target', 'target_low'],
      ...['target_high', 'expected_value', 'progress', 'elapsed', 'expected', 'pace', 'gap', 'score', 'coverage'],
      ...['provisional', 'restatement', 'recorded_at', 'period_label', 'period_from', 'period_to', 'evaluation'],
    ],
  },
  {
    table: 'alert',
    group: 'alert',
    position: 'position',
    where: TRANSITIONS,
    key: ['rule', 'subject', 'period_label', 'position', 'kind'],
    columns: [
      ...['rule', 'subject', 'period_label', 'position', 'kind', 'alert', 'episode', 'transition', 'severity', 'at'],
      ...['recorded_at', 'edition', 'body'],
    ],
  },
  {
    table: 'dead_letter',
    group: 'code',
    position: 'position',
    key: ['position', 'code'],
    columns: ['position', 'code', 'recorded_at', 'payload'],
  },
  {
    table: 'status',
    group: 'subject',
    position: 'position',
    latest: true,
    key: ['subject', 'edition'],
    columns: [
      ...['subject', 'edition', 'position', 'recorded_at', 'verdict', 'value', 'target', 'progress', 'expected'],
      ...['pace', 'late_at', 'stale_at', 'last_observed_at', 'evaluation'],
    ],
  },
];
