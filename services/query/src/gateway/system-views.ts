import { FORMATS } from './formats.ts';
import { ALLOWED_FUNCTIONS, ALLOWED_TABLE_FUNCTIONS } from './functions.ts';

/**
 * What guests see of the engine's own tables: the parts that clients ask for, limited to database `bi` and to what the
 * gateway lets through. They lie in a database of their own, and statements are turned to them by name.
 */
export const SYSTEM_DATABASE = 'bi_system';

const SHOWN = `('bi', 'system', 'information_schema', 'INFORMATION_SCHEMA')`;
const texts = (names: Iterable<string>) => [...names].map((name) => `'${name}'`).join(', ');
const NO_TEXTS = 'CAST([] AS Array(String))';

/** Tables of `system` that are shown whole: they say what this engine can, nothing of what it holds. */
const WHOLE = [
  'one',
  'collations',
  'data_type_families',
  'time_zones',
  'table_engines',
  'database_engines',
  'aggregate_function_combinators',
  'keywords',
  'licenses',
];
/** Shown empty, so that clients find there is nothing. */
const EMPTY = [
  'processes',
  'dictionaries',
  'clusters',
  'mutations',
  'merges',
  'parts',
  'parts_columns',
  'replicas',
  'users',
  'roles',
  'grants',
  'role_grants',
  'quotas',
  'quota_usage',
  'row_policies',
  'settings_profiles',
  'macros',
  'metrics',
  'events',
  'errors',
  'disks',
  'storage_policies',
  'data_skipping_indices',
  'projections',
  'build_options',
  'server_settings',
  'merge_tree_settings',
  'backups',
];

const SELECTS: Readonly<Record<string, string>> = {
  databases: `SELECT * REPLACE ('' AS data_path, '' AS metadata_path, '' AS engine_full) FROM system.databases WHERE name IN ${SHOWN}`,
  tables: `SELECT * REPLACE (${NO_TEXTS} AS data_paths, '' AS metadata_path, '' AS create_table_query, '' AS engine_full, '' AS as_select,
  ${NO_TEXTS} AS dependencies_database, ${NO_TEXTS} AS dependencies_table, ${NO_TEXTS} AS loading_dependencies_database, ${NO_TEXTS} AS loading_dependencies_table,
  ${NO_TEXTS} AS loading_dependent_database, ${NO_TEXTS} AS loading_dependent_table, '' AS definer) FROM system.tables WHERE database = 'bi'`,
  columns: `SELECT * REPLACE ('' AS default_expression) FROM system.columns WHERE database = 'bi'`,
  settings: `SELECT * FROM system.settings WHERE name NOT IN ('additional_table_filters', 'additional_result_filter')`,
  functions: `SELECT * FROM system.functions WHERE lower(name) IN (${texts(ALLOWED_FUNCTIONS)})`,
  table_functions: `SELECT * FROM system.table_functions WHERE lower(name) IN (${texts(ALLOWED_TABLE_FUNCTIONS)})`,
  formats: `SELECT * FROM system.formats WHERE name IN (${texts(FORMATS)})`,
  ...Object.fromEntries(WHOLE.map((table) => [table, `SELECT * FROM system.${table}`])),
  ...Object.fromEntries(EMPTY.map((table) => [table, `SELECT * FROM system.${table} WHERE 0`])),
};

const SCHEMA_SELECTS: Readonly<Record<string, string>> = {
  schemata: `SELECT * FROM information_schema.schemata WHERE schema_name IN ${SHOWN}`,
  tables: `SELECT * FROM information_schema.tables WHERE table_schema = 'bi'`,
  columns: `SELECT * FROM information_schema.columns WHERE table_schema = 'bi'`,
  views: `SELECT * REPLACE ('' AS view_definition) FROM information_schema.views WHERE table_schema = 'bi'`,
  key_column_usage: 'SELECT * FROM information_schema.key_column_usage WHERE 0',
  referential_constraints: 'SELECT * FROM information_schema.referential_constraints WHERE 0',
  statistics: 'SELECT * FROM information_schema.statistics WHERE 0',
};

/** The name of a system table's view; `undefined` for what is not shown. */
export function systemViewOf(database: string, table: string): string | undefined {
  if (database === 'system') return Object.hasOwn(SELECTS, table) ? table : undefined;
  const name = table.toLowerCase();
  return Object.hasOwn(SCHEMA_SELECTS, name) ? `schema_${name}` : undefined;
}

/** Statements that make them; they may be said at every start. */
export function systemViewStatements(): readonly string[] {
  const view = (name: string, select: string) => `CREATE OR REPLACE VIEW ${SYSTEM_DATABASE}.${name} AS ${select}`;
  return [
    `CREATE DATABASE IF NOT EXISTS ${SYSTEM_DATABASE}`,
    ...Object.entries(SELECTS).map(([name, select]) => view(name, select)),
    ...Object.entries(SCHEMA_SELECTS).map(([name, select]) => view(`schema_${name}`, select)),
  ];
}

/** Which views of `bi` a guest is told of: conditions on the views above, by name. */
export function listingFilters(views: Iterable<string>): Readonly<Record<string, string>> {
  const known = `(${texts(views)})`;
  return {
    tables: `name IN ${known}`,
    columns: `table IN ${known}`,
    schema_tables: `table_name IN ${known}`,
    schema_columns: `table_name IN ${known}`,
    schema_views: `table_name IN ${known}`,
  };
}
