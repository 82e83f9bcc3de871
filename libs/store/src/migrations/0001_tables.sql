-- Every statement ever made about a point. The only raw table; nothing is deduplicated here, every read is.
CREATE TABLE IF NOT EXISTS observation
(
    workspace LowCardinality(String),
    metric LowCardinality(String),
    series LowCardinality(String) COMMENT 'canonical JSON of the sorted dimensions',
    period String COMMENT 'label of a period point, empty for a time point',
    at DateTime64(6, 'UTC') COMMENT 'time of a time point; of a period point what its label says as if it were UTC (label.ts): a bound for reads, never its bucket' CODEC(Delta, ZSTD),
    id String COMMENT 'the source''s key of an event, empty without',
    pos UInt64 CODEC(Delta, ZSTD),
    recorded_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    read_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    revision UInt64,
    feeder LowCardinality(String),
    value Nullable(Decimal(38, 9)) CODEC(ZSTD),
    numerator Nullable(Decimal(38, 9)) CODEC(ZSTD),
    denominator Nullable(Decimal(38, 9)) CODEC(ZSTD)
)
ENGINE = MergeTree
ORDER BY (workspace, metric, series, at, period, id, pos)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Complete buckets as a tick saw them. The greatest position at or below the reader's stands.
CREATE TABLE IF NOT EXISTS rollup
(
    workspace LowCardinality(String),
    metric LowCardinality(String),
    series LowCardinality(String),
    grain LowCardinality(String),
    bucket_from DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    bucket_to DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    shape UInt64 COMMENT 'position of the metric''s last structural change',
    position UInt64,
    count UInt64,
    sum Decimal(76, 9),
    min Decimal(38, 9),
    max Decimal(38, 9),
    first Decimal(38, 9),
    last Decimal(38, 9),
    first_at DateTime64(6, 'UTC'),
    last_at DateTime64(6, 'UTC'),
    numerator Decimal(76, 9),
    denominator Decimal(76, 9),
    increase Decimal(76, 9),
    resets UInt32
)
ENGINE = MergeTree
ORDER BY (workspace, metric, grain, shape, series, bucket_from, position)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- What was said of a subject at a grid point, kept for ever.
CREATE TABLE IF NOT EXISTS judgement
(
    workspace LowCardinality(String),
    subject LowCardinality(String),
    as_of DateTime64(6, 'UTC') COMMENT 'the grid point',
    position UInt64 COMMENT 'the tick that judged',
    recorded_at DateTime64(6, 'UTC') COMMENT 'of that tick: known_at',
    edition UInt32,
    period_label String,
    period_from Nullable(DateTime64(6, 'UTC')),
    period_to Nullable(DateTime64(6, 'UTC')),
    verdict LowCardinality(String),
    reason LowCardinality(String),
    value Nullable(Decimal(38, 9)),
    target Nullable(Decimal(38, 9)),
    target_low Nullable(Decimal(38, 9)),
    target_high Nullable(Decimal(38, 9)),
    expected_value Nullable(Decimal(38, 9)),
    progress Nullable(Float64),
    elapsed Nullable(Float64),
    expected Nullable(Float64),
    pace Nullable(Float64),
    gap Nullable(Float64),
    score Nullable(Float64),
    coverage Nullable(Float64),
    provisional Bool,
    restatement Bool COMMENT 'a closed verdict or score that changed',
    hash FixedString(16) COMMENT 'of the evaluation without its position: equal hash, equal judgement',
    evaluation String COMMENT 'the whole evaluation, JSON as every surface prints it' CODEC(ZSTD)
)
ENGINE = MergeTree
ORDER BY (workspace, subject, as_of, edition, position)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The latest evaluation of each subject; never history, never alerted. A removed subject gets a row with `removed`.
CREATE TABLE IF NOT EXISTS status
(
    workspace LowCardinality(String),
    subject LowCardinality(String),
    position UInt64,
    recorded_at DateTime64(6, 'UTC'),
    edition UInt32,
    removed Bool,
    verdict LowCardinality(String),
    value Nullable(Decimal(38, 9)),
    target Nullable(Decimal(38, 9)),
    progress Nullable(Float64),
    expected Nullable(Float64),
    pace Nullable(Float64),
    late_at Nullable(DateTime64(6, 'UTC')),
    stale_at Nullable(DateTime64(6, 'UTC')),
    last_observed_at Nullable(DateTime64(6, 'UTC')),
    evaluation String CODEC(ZSTD)
)
ENGINE = ReplacingMergeTree(position)
ORDER BY (workspace, edition, subject)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Definition documents with every version, and the outcome of each command.
CREATE TABLE IF NOT EXISTS definition
(
    workspace LowCardinality(String),
    id String,
    position UInt64,
    recorded_at DateTime64(6, 'UTC'),
    removed Bool,
    shape UInt64,
    document String CODEC(ZSTD)
)
ENGINE = MergeTree
ORDER BY (workspace, id, position)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS command
(
    workspace LowCardinality(String),
    kind LowCardinality(String) COMMENT 'definitions or override',
    command String,
    position UInt64,
    recorded_at DateTime64(6, 'UTC'),
    accepted Bool,
    reason LowCardinality(String),
    actor String
)
ENGINE = MergeTree
ORDER BY (workspace, command, position)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- What people said of key results.
CREATE TABLE IF NOT EXISTS check_in
(
    workspace LowCardinality(String),
    subject String,
    time DateTime64(6, 'UTC'),
    position UInt64,
    recorded_at DateTime64(6, 'UTC'),
    body String COMMENT 'the check-in as JSON' CODEC(ZSTD)
)
ENGINE = MergeTree
ORDER BY (workspace, subject, time, position)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Explicit statements of completeness, resolved: `covered_from` is null when it reaches back without bound.
CREATE TABLE IF NOT EXISTS covered
(
    workspace LowCardinality(String),
    metric LowCardinality(String),
    feeder LowCardinality(String),
    position UInt64,
    recorded_at DateTime64(6, 'UTC'),
    covered_from Nullable(DateTime64(6, 'UTC')),
    covered_to DateTime64(6, 'UTC'),
    before_from Nullable(DateTime64(6, 'UTC')) COMMENT 'only on a feeder''s first statement: what it covered by default until then',
    before_to Nullable(DateTime64(6, 'UTC'))
)
ENGINE = MergeTree
ORDER BY (workspace, metric, feeder, position)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Transitions, and what people did about alerts.
CREATE TABLE IF NOT EXISTS alert
(
    workspace LowCardinality(String),
    alert String,
    episode DateTime64(6, 'UTC'),
    position UInt64,
    transition String,
    kind LowCardinality(String),
    rule LowCardinality(String),
    subject LowCardinality(String),
    period_label String,
    severity LowCardinality(String),
    at DateTime64(6, 'UTC'),
    recorded_at DateTime64(6, 'UTC'),
    edition UInt32,
    body String COMMENT 'the transition, or the acknowledgement or snooze, as JSON' CODEC(ZSTD)
)
ENGINE = MergeTree
ORDER BY (workspace, alert, episode, position, transition)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- What could not be read or applied, with its cause and place.
CREATE TABLE IF NOT EXISTS dead_letter
(
    workspace LowCardinality(String),
    position UInt64,
    recorded_at DateTime64(6, 'UTC'),
    code LowCardinality(String),
    message String,
    payload String CODEC(ZSTD)
)
ENGINE = MergeTree
ORDER BY (workspace, position)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The fold of a workspace at a position, so that an assignment need not read the whole log.
CREATE TABLE IF NOT EXISTS snapshot
(
    workspace LowCardinality(String),
    position UInt64,
    version UInt32,
    recorded_at DateTime64(6, 'UTC'),
    state String CODEC(ZSTD)
)
ENGINE = ReplacingMergeTree(position)
ORDER BY workspace
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- How far the store has come: everything at or below `position` is in the other tables.
CREATE TABLE IF NOT EXISTS progress
(
    workspace LowCardinality(String),
    position UInt64,
    recorded_at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(position)
ORDER BY workspace
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Which position an instant of the recorded axis names. A row is a run of `records` records, one offset and one
-- microsecond apart, beginning at `position` and `recorded_at`: a burst that Kafka stamps with one time is one row.
CREATE TABLE IF NOT EXISTS timeline
(
    workspace LowCardinality(String),
    recorded_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    position UInt64 CODEC(Delta, ZSTD),
    records UInt32
)
ENGINE = MergeTree
ORDER BY (workspace, recorded_at, position)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
