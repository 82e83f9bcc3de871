export { openStore, type StoreOptions, type StoreTarget } from './connect.ts';
export { type RejectedRow, RowsRejectedError, STORE_ERRORS, StoreError, type StoreErrorCode } from './errors.ts';
export type { Lane, QueryOptions, ReadRow, ReadShape, Statement, Store } from './port.ts';
export { scaledOf } from './rows.ts';
export { type DecimalInput, type Row, TABLES, type TableName } from './tables.ts';
