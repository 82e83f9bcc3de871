export type { MetricSnapshot } from './activity.ts';
export { nextRecordedAt } from './clock.ts';
export type { CoveredStatement, Extent, ExtentQuestion, ResolvedCovered } from './coverage.ts';
export {
  DefinitionFold,
  type DefinitionFoldSnapshot,
  FOLD_SNAPSHOT_VERSION,
  type FoldEffect,
  type LastTick,
  type Override,
  type SourceState,
} from './definition-fold.ts';
export {
  type CommandOutcome,
  canonicalJson,
  type DefinitionChange,
  Definitions,
  type DefinitionsSnapshot,
} from './definitions.ts';
export { type Acknowledgement, CheckIns, type Silence, type Snooze, Suppression } from './people.ts';
export { type MetricTouch, Touched } from './touched.ts';
export { mappedFeeders, WorkspaceFold, type WorkspaceFoldSnapshot } from './workspace.ts';
