import {
  type Catalog,
  type Document,
  documentId,
  type Grid,
  gridOf,
  type Instant,
  type KnownDocument,
  plainCalendar,
  subjectOf,
  zoneOf,
} from '@paceline/domain';
import { gridName, type Row } from '@paceline/store';
import { aboutSubject, ownerAt } from '../about.ts';
import { ownGrid } from '../trend-subject.ts';

export type DefinitionRow = Omit<Row<'bi_definition'>, 'workspace' | 'version'>;

const EMPTY = {
  removed: false,
  title: '',
  description: '',
  owner: '',
  unit: '',
  measure: '',
  metric: '',
  cycle: '',
  parent: '',
  aggregation: '',
  across: '',
  points: '',
  revisions: false,
  grid: '',
} as const;

const utc = zoneOf('UTC');
const UTC_DAYS = utc === undefined ? undefined : gridOf(plainCalendar(utc), 'day');

/** What a catalog says as rows for tools, with the grids their time is cut by. */
export function definitionRows(
  catalog: Catalog,
  at: Instant,
): { readonly rows: readonly DefinitionRow[]; readonly grids: ReadonlyMap<string, Grid> } {
  const grids = new Map<string, Grid>();
  const use = (grid: Grid): string => {
    const name = gridName(grid);
    grids.set(name, grid);
    return name;
  };
  const rows: DefinitionRow[] = [];
  for (const known of catalog.documents.values()) rows.push(...rowsOfDocument(catalog, known, at, use));
  return { rows, grids };
}

type Use = (grid: Grid) => string;

function rowsOfDocument(catalog: Catalog, known: KnownDocument, at: Instant, use: Use): DefinitionRow[] {
  const { document, position, recordedAt } = known;
  const { metadata, kind } = document;
  const id = documentId(document);
  const base = {
    ...EMPTY,
    id,
    kind: id.split('/')[0] ?? '',
    name: metadata.name,
    title: metadata.title ?? '',
    description: metadata.description ?? '',
    position,
    recorded_at: recordedAt,
  };
  const owner = utc === undefined ? '' : (ownerAt(metadata.owner, utc, at) ?? '');
  switch (kind) {
    case 'Metric':
      return [{ ...base, owner, ...metricFields(catalog, metadata.name, use) }];
    case 'Kpi':
      return [{ ...base, ...subjectFields(catalog, id, at, use) }];
    case 'Objective':
      return [
        { ...base, ...subjectFields(catalog, id, at, use), parent: document.spec.parent ?? '' },
        ...keyResultRows(catalog, document, { position, recorded_at: recordedAt }, at, use),
      ];
    case 'Unit':
      return [{ ...base, owner, unit: metadata.name, parent: document.spec.parent ?? '' }];
    default:
      return [{ ...base, owner }];
  }
}

function metricFields(catalog: Catalog, name: string, use: Use): Partial<DefinitionRow> {
  const metric = catalog.metrics.get(name);
  if (metric === undefined) return {};
  return {
    measure: metric.unit ?? '',
    metric: name,
    aggregation: metric.aggregation ?? '',
    across: metric.aggregation === null ? '' : metric.across,
    points: metric.aggregation === null ? '' : metric.points,
    revisions: metric.revisions,
    grid: use(metric.grid),
  };
}

function subjectFields(catalog: Catalog, subject: string, at: Instant, use: Use): Partial<DefinitionRow> {
  const about = aboutSubject(catalog, subject, at);
  const known = subjectOf(catalog, subject) !== undefined;
  return {
    owner: about.owner ?? '',
    unit: about.unit ?? '',
    measure: about.measure ?? '',
    metric: about.metric ?? '',
    cycle: about.cycle ?? '',
    ...(known ? { grid: use(ownGrid(catalog, subject).grid) } : UTC_DAYS === undefined ? {} : { grid: use(UTC_DAYS) }),
  };
}

function keyResultRows(
  catalog: Catalog,
  objective: Extract<Document, { readonly kind: 'Objective' }>,
  known: Pick<DefinitionRow, 'position' | 'recorded_at'>,
  at: Instant,
  use: Use,
): DefinitionRow[] {
  return (objective.spec.keyResults ?? []).map((result) => {
    const id = `key_result/${objective.metadata.name}/${result.name}`;
    return {
      ...EMPTY,
      ...known,
      id,
      kind: 'key_result',
      name: result.name,
      title: result.title ?? '',
      ...subjectFields(catalog, id, at, use),
      parent: objective.metadata.name,
    };
  });
}
