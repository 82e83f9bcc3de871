#!/bin/bash
# Makes the services' user, and a reader when a password for one is given. Passwords come from the environment, as hashes into the server.
set -euo pipefail
: "${PACELINE_CLICKHOUSE_PASSWORD:?password of the services}"

hash_of() { printf '%s' "$1" | sha256sum | cut -d' ' -f1; }

clickhouse-client --multiquery <<SQL
CREATE ROLE IF NOT EXISTS paceline_service;
CREATE USER IF NOT EXISTS paceline IDENTIFIED WITH sha256_hash BY '$(hash_of "$PACELINE_CLICKHOUSE_PASSWORD")' DEFAULT ROLE paceline_service;
GRANT paceline_service TO paceline;
SQL
clickhouse-client --multiquery < "$(dirname "$0")/users/users.sql"
if [ -n "${PACELINE_CLICKHOUSE_READER_PASSWORD:-}" ]; then
  clickhouse-client --multiquery <<SQL
CREATE USER IF NOT EXISTS reader_main IDENTIFIED WITH sha256_hash BY '$(hash_of "$PACELINE_CLICKHOUSE_READER_PASSWORD")' DEFAULT ROLE paceline_reader_main;
GRANT paceline_reader_main TO reader_main;
SQL
fi
