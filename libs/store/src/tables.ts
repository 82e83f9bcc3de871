/**
 * The tables of `migrations/` as types: the one description from which rows are typed, encoded and read back. A test
 * compares it with what the engine says of itself.
 */

/** How a column is stored. Every type here has its encoder in `rows.ts` and its decoder in `decode.ts`. */
export type ColumnType =
  | 'String'
  | 'LowCardinality(String)'
  | 'Bool'
  | 'UInt32'
  | 'UInt64'
  | 'Float64'
  | 'DateTime64(6)'
  | 'Decimal(38, 9)'
  | 'Decimal(76, 9)'
  | 'FixedString(16)'
  | 'Nullable(Float64)'
  | 'Nullable(DateTime64(6))'
  | 'Nullable(Decimal(38, 9))';

/** A decimal to store: scaled by 10^9 as a bigint, or canonical text with at most nine places. */
export type DecimalInput = bigint | string;

/** What a row holds for a column. Instants are epoch milliseconds whose fraction carries microseconds. */
type ValueOf<Type extends ColumnType> = Type extends 'String' | 'LowCardinality(String)'
  ? string
  : Type extends 'Bool'
    ? boolean
    : Type extends 'UInt32' | 'Float64' | 'DateTime64(6)'
      ? number
      : Type extends 'UInt64'
        ? number | bigint
        : Type extends 'Decimal(38, 9)' | 'Decimal(76, 9)'
          ? DecimalInput
          : Type extends 'FixedString(16)'
            ? Uint8Array
            : Type extends 'Nullable(Float64)' | 'Nullable(DateTime64(6))'
              ? number | null
              : DecimalInput | null;

export const TABLES = {
  observation: {
    workspace: 'LowCardinality(String)',
    metric: 'LowCardinality(String)',
    series: 'LowCardinality(String)',
    period: 'String',
    at: 'DateTime64(6)',
    id: 'String',
    pos: 'UInt64',
    recorded_at: 'DateTime64(6)',
    read_at: 'DateTime64(6)',
    revision: 'UInt64',
    feeder: 'LowCardinality(String)',
    value: 'Nullable(Decimal(38, 9))',
    numerator: 'Nullable(Decimal(38, 9))',
    denominator: 'Nullable(Decimal(38, 9))',
  },
  rollup: {
    workspace: 'LowCardinality(String)',
    metric: 'LowCardinality(String)',
    series: 'LowCardinality(String)',
    grain: 'LowCardinality(String)',
    bucket_from: 'DateTime64(6)',
    bucket_to: 'DateTime64(6)',
    shape: 'UInt64',
    position: 'UInt64',
    count: 'UInt64',
    sum: 'Decimal(76, 9)',
    min: 'Decimal(38, 9)',
    max: 'Decimal(38, 9)',
    first: 'Decimal(38, 9)',
    last: 'Decimal(38, 9)',
    first_at: 'DateTime64(6)',
    last_at: 'DateTime64(6)',
    numerator: 'Decimal(76, 9)',
    denominator: 'Decimal(76, 9)',
    increase: 'Decimal(76, 9)',
    resets: 'UInt32',
  },
  judgement: {
    workspace: 'LowCardinality(String)',
    subject: 'LowCardinality(String)',
    as_of: 'DateTime64(6)',
    position: 'UInt64',
    recorded_at: 'DateTime64(6)',
    edition: 'UInt32',
    period_label: 'String',
    period_from: 'Nullable(DateTime64(6))',
    period_to: 'Nullable(DateTime64(6))',
    verdict: 'LowCardinality(String)',
    reason: 'LowCardinality(String)',
    value: 'Nullable(Decimal(38, 9))',
    target: 'Nullable(Decimal(38, 9))',
    target_low: 'Nullable(Decimal(38, 9))',
    target_high: 'Nullable(Decimal(38, 9))',
    expected_value: 'Nullable(Decimal(38, 9))',
    progress: 'Nullable(Float64)',
    elapsed: 'Nullable(Float64)',
    expected: 'Nullable(Float64)',
    pace: 'Nullable(Float64)',
    gap: 'Nullable(Float64)',
    score: 'Nullable(Float64)',
    coverage: 'Nullable(Float64)',
    provisional: 'Bool',
    restatement: 'Bool',
    hash: 'FixedString(16)',
    evaluation: 'String',
  },
  status: {
    workspace: 'LowCardinality(String)',
    subject: 'LowCardinality(String)',
    position: 'UInt64',
    recorded_at: 'DateTime64(6)',
    edition: 'UInt32',
    removed: 'Bool',
    verdict: 'LowCardinality(String)',
    value: 'Nullable(Decimal(38, 9))',
    target: 'Nullable(Decimal(38, 9))',
    progress: 'Nullable(Float64)',
    expected: 'Nullable(Float64)',
    pace: 'Nullable(Float64)',
    late_at: 'Nullable(DateTime64(6))',
    stale_at: 'Nullable(DateTime64(6))',
    last_observed_at: 'Nullable(DateTime64(6))',
    evaluation: 'String',
  },
  definition: {
    workspace: 'LowCardinality(String)',
    id: 'String',
    position: 'UInt64',
    recorded_at: 'DateTime64(6)',
    removed: 'Bool',
    shape: 'UInt64',
    document: 'String',
  },
  command: {
    workspace: 'LowCardinality(String)',
    kind: 'LowCardinality(String)',
    command: 'String',
    position: 'UInt64',
    recorded_at: 'DateTime64(6)',
    accepted: 'Bool',
    reason: 'LowCardinality(String)',
    actor: 'String',
  },
  check_in: {
    workspace: 'LowCardinality(String)',
    subject: 'String',
    time: 'DateTime64(6)',
    position: 'UInt64',
    recorded_at: 'DateTime64(6)',
    body: 'String',
  },
  covered: {
    workspace: 'LowCardinality(String)',
    metric: 'LowCardinality(String)',
    feeder: 'LowCardinality(String)',
    position: 'UInt64',
    recorded_at: 'DateTime64(6)',
    covered_from: 'Nullable(DateTime64(6))',
    covered_to: 'DateTime64(6)',
    before_from: 'Nullable(DateTime64(6))',
    before_to: 'Nullable(DateTime64(6))',
  },
  alert: {
    workspace: 'LowCardinality(String)',
    alert: 'String',
    episode: 'DateTime64(6)',
    position: 'UInt64',
    transition: 'String',
    kind: 'LowCardinality(String)',
    rule: 'LowCardinality(String)',
    subject: 'LowCardinality(String)',
    period_label: 'String',
    severity: 'LowCardinality(String)',
    at: 'DateTime64(6)',
    recorded_at: 'DateTime64(6)',
    edition: 'UInt32',
    body: 'String',
  },
  dead_letter: {
    workspace: 'LowCardinality(String)',
    position: 'UInt64',
    recorded_at: 'DateTime64(6)',
    code: 'LowCardinality(String)',
    message: 'String',
    payload: 'String',
  },
  snapshot: {
    workspace: 'LowCardinality(String)',
    position: 'UInt64',
    version: 'UInt32',
    recorded_at: 'DateTime64(6)',
    state: 'String',
  },
  progress: {
    workspace: 'LowCardinality(String)',
    position: 'UInt64',
    recorded_at: 'DateTime64(6)',
  },
  timeline: {
    workspace: 'LowCardinality(String)',
    recorded_at: 'DateTime64(6)',
    position: 'UInt64',
    records: 'UInt32',
  },
  bi_definition: {
    workspace: 'LowCardinality(String)',
    id: 'String',
    version: 'UInt64',
    removed: 'Bool',
    kind: 'LowCardinality(String)',
    name: 'String',
    title: 'String',
    description: 'String',
    owner: 'String',
    unit: 'String',
    measure: 'String',
    metric: 'String',
    cycle: 'String',
    parent: 'String',
    aggregation: 'LowCardinality(String)',
    across: 'LowCardinality(String)',
    points: 'LowCardinality(String)',
    revisions: 'Bool',
    grid: 'LowCardinality(String)',
    position: 'UInt64',
    recorded_at: 'DateTime64(6)',
  },
  bi_bucket: {
    workspace: 'LowCardinality(String)',
    grid: 'LowCardinality(String)',
    label: 'String',
    bucket_from: 'DateTime64(6)',
    bucket_to: 'DateTime64(6)',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, ColumnType>>>>;

export type TableName = keyof typeof TABLES;

export type Row<Table extends TableName> = {
  readonly [Column in keyof (typeof TABLES)[Table]]: (typeof TABLES)[Table][Column] extends ColumnType
    ? ValueOf<(typeof TABLES)[Table][Column]>
    : never;
};

/** `DateTime64(6)` is always UTC here; the engine wants to be told. */
export function engineType(type: ColumnType): string {
  return type.replace('DateTime64(6)', "DateTime64(6, 'UTC')");
}

export function columnsOf(table: TableName): readonly (readonly [name: string, type: ColumnType])[] {
  return Object.entries(TABLES[table]);
}
