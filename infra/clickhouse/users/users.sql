-- Rights in ClickHouse: `paceline` for the services, one role a workspace for people and tools that speak to the server directly.
-- Run once by an administrator, after the processor has made the tables; `infra/clickhouse/init.sh` makes the users themselves.
-- Nothing here can be tried with the engine that npm has, which knows no users: it is only parsed in CI.

CREATE ROLE IF NOT EXISTS paceline_service;
GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, ALTER, DROP TABLE, DROP VIEW, SELECT, INSERT, OPTIMIZE ON paceline.* TO paceline_service;
GRANT CREATE DATABASE, CREATE VIEW, DROP VIEW, SELECT ON bi.* TO paceline_service;
GRANT SELECT ON system.* TO paceline_service;

CREATE SETTINGS PROFILE IF NOT EXISTS paceline_service
SETTINGS fsync_metadata = 1, max_partitions_per_insert_block = 1000
TO paceline_service;

-- Whoever reads directly sees the rows of one workspace, and reads only.
CREATE ROLE IF NOT EXISTS paceline_reader_main;
GRANT SELECT ON bi.* TO paceline_reader_main;
GRANT SELECT ON paceline.* TO paceline_reader_main;

CREATE SETTINGS PROFILE IF NOT EXISTS paceline_reader
SETTINGS readonly = 2, max_execution_time = 30 READONLY, max_memory_usage = 2000000000 READONLY, max_result_rows = 1000000 READONLY,
  result_overflow_mode = 'throw' READONLY, allow_introspection_functions = 0 READONLY
TO paceline_reader_main;

CREATE QUOTA IF NOT EXISTS paceline_reader
KEYED BY user_name
FOR INTERVAL 1 hour MAX queries = 10000, errors = 1000, result_rows = 100000000, read_rows = 100000000000, execution_time = 1800
TO paceline_reader_main;

-- A policy for one reader must not hide rows from the services.
CREATE ROW POLICY IF NOT EXISTS paceline_all ON paceline.* USING 1 TO paceline_service;
CREATE ROW POLICY IF NOT EXISTS paceline_main ON paceline.* USING workspace = 'main' TO paceline_reader_main;
