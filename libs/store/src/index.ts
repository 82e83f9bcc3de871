export * from './bi/index.ts';
export { before, upTo } from './bounds.ts';
export { readExtents } from './cells/extents.ts';
export { type CellsNeed, wantedOf } from './cells/need.ts';
export { type CellsOptions, readCells, readCellsSlowly, readPeriodPoints } from './cells/read.ts';
export { type OpenedStore, openStore, type StoreOptions, type StoreTarget } from './connect.ts';
export {
  type CoverageFacts,
  coverageOf,
  type KnownCoverage,
  readCoverage,
  readCoverageFacts,
} from './coverage.ts';
export {
  isDivisible,
  type RejectedRow,
  RowsRejectedError,
  STORE_ERRORS,
  StoreError,
  type StoreErrorCode,
} from './errors.ts';
export { ObservationBatch, ObservationTexts } from './observation-batch.ts';
export { observationRows, timelineRows } from './observations.ts';
export type {
  GuestAnswer,
  GuestRun,
  GuestScope,
  Lane,
  QueryOptions,
  ReadRow,
  ReadShape,
  Statement,
  Store,
} from './port.ts';
export { readRollups } from './rollups.ts';
export { RowBatch } from './row-batch.ts';
export * from './sql.ts';
export { readNews, readStatements } from './statements.ts';
export { type DecimalInput, type Row, TABLES, type TableName } from './tables.ts';
export {
  type Known,
  knownPosition,
  loadView,
  readCatalog,
  type ViewWanted,
} from './view.ts';
