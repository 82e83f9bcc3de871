-- What definitions say, as tables for tools that cannot read documents: one row a document and one a key result. The row
-- with the greatest version stands; a document that is gone keeps its row with `removed`, because history names it.
CREATE TABLE IF NOT EXISTS bi_definition
(
    workspace LowCardinality(String),
    id String COMMENT 'kind/name; of a key result key_result/OBJECTIVE/NAME',
    version UInt64 COMMENT 'when the row was written, epoch milliseconds',
    removed Bool,
    kind LowCardinality(String),
    name String,
    title String,
    description String,
    owner String COMMENT 'in force when the row was written',
    unit String COMMENT 'organisational unit',
    measure String COMMENT 'unit of measure of the values',
    metric String COMMENT 'what a KPI or key result reads',
    cycle String,
    parent String,
    aggregation LowCardinality(String) COMMENT 'metrics only; empty when derived',
    across LowCardinality(String),
    points LowCardinality(String) COMMENT 'period or time',
    revisions Bool COMMENT 'revisions of the source count',
    grid LowCardinality(String) COMMENT 'how its time is cut: rows of bi_bucket',
    position UInt64 COMMENT 'of the definition command that made it what it is',
    recorded_at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The buckets of every grid in use, as the domain cuts them: SQL never reckons with time zones, fiscal years or tables of periods.
CREATE TABLE IF NOT EXISTS bi_bucket
(
    workspace LowCardinality(String),
    grid LowCardinality(String),
    label String,
    bucket_from DateTime64(6, 'UTC'),
    bucket_to DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, grid, bucket_from)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
