-- From one server to replicas: run on the first server after the processor has made the tables, with the services stopped.
-- Needs ClickHouse Keeper, macros {shard} and {replica}, and `default_replica_path` in the servers' configuration. Other
-- replicas then make the same tables with `CREATE TABLE … ENGINE = ReplicatedMergeTree` as SHOW CREATE TABLE shows them.
-- It can only be tried with real servers; a test keeps its list of tables complete, and CI parses it.

DETACH TABLE paceline.schema_migration SYNC;
ATTACH TABLE paceline.schema_migration AS REPLICATED;
SYSTEM RESTORE REPLICA paceline.schema_migration;
DETACH TABLE paceline.observation SYNC;
ATTACH TABLE paceline.observation AS REPLICATED;
SYSTEM RESTORE REPLICA paceline.observation;
DETACH TABLE paceline.rollup SYNC;
ATTACH TABLE paceline.rollup AS REPLICATED;
SYSTEM RESTORE REPLICA paceline.rollup;
DETACH TABLE paceline.judgement SYNC;
ATTACH TABLE paceline.judgement AS REPLICATED;
SYSTEM RESTORE REPLICA paceline.judgement;
DETACH TABLE paceline.status SYNC;
ATTACH TABLE paceline.status AS REPLICATED;
SYSTEM RESTORE REPLICA paceline.status;
DETACH TABLE paceline.definition SYNC;
ATTACH TABLE paceline.definition AS REPLICATED;
SYSTEM RESTORE REPLICA paceline.definition;
DETACH TABLE paceline.command SYNC;
ATTACH TABLE paceline.command AS REPLICATED;
SYSTEM RESTORE REPLICA paceline.command;
DETACH TABLE paceline.check_in SYNC;
ATTACH TABLE paceline.check_in AS REPLICATED;
SYSTEM RESTORE REPLICA paceline.check_in;
DETACH TABLE paceline.covered SYNC;
ATTACH TABLE paceline.covered AS REPLICATED;
SYSTEM RESTORE REPLICA paceline.covered;
DETACH TABLE paceline.alert SYNC;
ATTACH TABLE paceline.alert AS REPLICATED;
SYSTEM RESTORE REPLICA paceline.alert;
DETACH TABLE paceline.dead_letter SYNC;
ATTACH TABLE paceline.dead_letter AS REPLICATED;
SYSTEM RESTORE REPLICA paceline.dead_letter;
DETACH TABLE paceline.snapshot SYNC;
ATTACH TABLE paceline.snapshot AS REPLICATED;
SYSTEM RESTORE REPLICA paceline.snapshot;
DETACH TABLE paceline.progress SYNC;
ATTACH TABLE paceline.progress AS REPLICATED;
SYSTEM RESTORE REPLICA paceline.progress;
DETACH TABLE paceline.timeline SYNC;
ATTACH TABLE paceline.timeline AS REPLICATED;
SYSTEM RESTORE REPLICA paceline.timeline;
DETACH TABLE paceline.bi_definition SYNC;
ATTACH TABLE paceline.bi_definition AS REPLICATED;
SYSTEM RESTORE REPLICA paceline.bi_definition;
DETACH TABLE paceline.bi_bucket SYNC;
ATTACH TABLE paceline.bi_bucket AS REPLICATED;
SYSTEM RESTORE REPLICA paceline.bi_bucket;

-- An insert is acknowledged by a majority of the replicas, and a read sees it whichever replica answers: the processor commits
-- its place in the log only after that.
ALTER SETTINGS PROFILE paceline_service
SETTINGS fsync_metadata = 1, max_partitions_per_insert_block = 1000,
  insert_quorum = 'auto', insert_quorum_parallel = 0, insert_quorum_timeout = 60000, select_sequential_consistency = 1;
