export { before, upTo } from './bounds.ts';
export { openStore, type StoreOptions, type StoreTarget } from './connect.ts';
export { type RejectedRow, RowsRejectedError, STORE_ERRORS, StoreError, type StoreErrorCode } from './errors.ts';
export { observationRows, timelineRows } from './observations.ts';
export type { Lane, QueryOptions, ReadRow, ReadShape, Statement, Store } from './port.ts';
export * from './sql.ts';
export { type DecimalInput, type Row, TABLES, type TableName } from './tables.ts';
