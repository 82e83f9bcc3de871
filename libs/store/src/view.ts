import {
  type Catalog,
  type CheckIn,
  compileCatalog,
  DEFAULTS_ID,
  type Instant,
  type KnownDocument,
  type MetricCells,
  type MetricCoverage,
  needsOf,
  type Position,
  type View,
} from '@paceline/domain';
import { readStoredCheckIn, readStoredDefaults, readStoredDocument } from '@paceline/events';
import { readCells } from './cells/read.ts';
import { readCoverage } from './coverage.ts';
import type { QueryOptions, Store } from './port.ts';
import { checkInsAt, definitionsAt, definitionsPosition, positionAt, progressOf } from './sql.ts';

export interface ViewWanted {
  readonly position: Position;
  /** What the view says its position was known at; see `knownAt`. */
  readonly knownAt: Instant;
  readonly edition: number;
  /** The definitions at `position`, where the caller has them; else they are read. */
  readonly catalog?: Catalog;
  readonly subjects: readonly string[];
  /** The instants at which the subjects will be evaluated. */
  readonly instants: readonly Instant[];
}

/**
 * Everything the evaluation of some subjects at some instants reads, as known at one position: `evaluate` on it gives what
 * the processor judged there. Asking it for metrics outside the need is a bug and throws.
 */
export async function loadView(
  store: Store,
  workspace: string,
  wanted: ViewWanted,
  options: QueryOptions = {},
): Promise<View> {
  const { position, subjects, instants } = wanted;
  const catalog = wanted.catalog ?? (await readCatalog(store, workspace, position, options));
  const metrics = needsOf(catalog, subjects, instants).map(({ metric }) => metric);
  const [coverage, checkIns] = await Promise.all([
    readCoverage(store, workspace, catalog, metrics, position, options),
    readCheckIns(store, workspace, position, options),
  ]);
  const needs = needsOf(catalog, subjects, instants, (metric) => found(coverage, metric, 'coverage'));
  const wantedCells = needs.map((need) => ({ metric: found(catalog.metrics, need.metric, 'metric'), need }));
  const cells = await readCells(store, workspace, wantedCells, position, options);
  return {
    position,
    knownAt: wanted.knownAt,
    edition: wanted.edition,
    catalog,
    cells: (metric) => (catalog.metrics.has(metric) ? found(cells, metric, 'cells') : NO_CELLS),
    coverage: (metric) => (catalog.metrics.has(metric) ? found(coverage, metric, 'coverage') : NO_COVERAGE),
    checkIns: (subject) => checkIns.get(subject) ?? [],
  };
}

const NO_CELLS: MetricCells = { series: [] };
const NO_COVERAGE: MetricCoverage = { feeders: [] };

function found<Value>(map: ReadonlyMap<string, Value>, name: string, what: string): Value {
  const value = map.get(name);
  if (value === undefined) throw new RangeError(`The view was loaded without the ${what} of ${name}: no need named it`);
  return value;
}

/** The definitions in force at a position, the workspace's defaults among them, compiled. */
export async function readCatalog(
  store: Store,
  workspace: string,
  position: Position,
  options: QueryOptions = {},
): Promise<Catalog> {
  const [versions, commands] = [definitionsAt(workspace, position), definitionsPosition(workspace, position)];
  const [rows, [accepted]] = await Promise.all([
    store.read(versions, versions.shape, options),
    store.read(commands, commands.shape, options),
  ]);
  const stated = rows.find(({ id }) => id === DEFAULTS_ID);
  const documents = rows.filter((row) => row !== stated);
  const known = documents.map((row): KnownDocument => {
    const document = readStoredDocument(row.document);
    const shape = document.kind === 'Metric' ? { shape: row.shape } : {};
    return { document, position: row.position, recordedAt: row.recorded_at, ...shape };
  });
  const last = accepted === undefined || accepted.commands === 0 ? null : accepted.position;
  const defaults = stated === undefined ? {} : readStoredDefaults(stated.document);
  return compileCatalog(known, { position: last, defaults });
}

async function readCheckIns(
  store: Store,
  workspace: string,
  position: Position,
  options: QueryOptions,
): Promise<Map<string, CheckIn[]>> {
  const query = checkInsAt(workspace, position);
  const bySubject = new Map<string, CheckIn[]>();
  for (const row of await store.read(query, query.shape, options)) {
    const checkIn = { ...readStoredCheckIn(row.body), time: row.time, recordedAt: row.recorded_at };
    const known = bySubject.get(row.subject);
    if (known === undefined) bySubject.set(row.subject, [checkIn]);
    else known.push(checkIn);
  }
  return bySubject;
}

export interface Known {
  readonly position: Position;
  /** Of the record at that position. */
  readonly recordedAt: Instant;
}

/**
 * The last record of a workspace that the store has whole; with `at`, the last one recorded at or before that instant.
 * `undefined`: there is none.
 */
export async function knownPosition(
  store: Store,
  workspace: string,
  at?: Instant,
  options: QueryOptions = {},
): Promise<Known | undefined> {
  const progress = progressOf(workspace);
  const [latest] = await store.read(progress, progress.shape, options);
  if (latest === undefined) return undefined;
  if (at === undefined || at >= latest.recorded_at)
    return { position: latest.position, recordedAt: latest.recorded_at };
  const query = positionAt(workspace, at);
  const [row] = await store.read(query, query.shape, options);
  return row === undefined ? undefined : { position: row.position, recordedAt: row.recorded_at };
}
