export { CHROMIUM_FLAGS, chromiumProgram } from './chromium.ts';
export { type ClickHouse, startClickHouse } from './clickhouse.ts';
export { CLIENTS_JARS, CLIENTS_PYTHON } from './clients.ts';
export { type Postgres, startPostgres } from './postgres.ts';
export { type Redis, startRedis } from './redis.ts';
export { freePort, type LocalServer, NotInstalled, startServer } from './server.ts';
