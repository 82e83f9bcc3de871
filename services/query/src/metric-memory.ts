import {
  type Catalog,
  type Grain,
  type Instant,
  type Metric,
  type MetricCells,
  mappedFeeders,
  type Position,
  replacedCells,
  type Span,
} from '@paceline/domain';
import {
  type CellsNeed,
  type CoverageFacts,
  coverageOf,
  type KnownCoverage,
  type QueryOptions,
  readCells,
  readCoverageFacts,
  readNews,
  type Store,
  upTo,
  wantedOf,
} from '@paceline/store';
import { cellsAfter, coverageAfter, within } from './metric-news.ts';
import { coveredSince } from './sql.ts';
import type { WrittenRow } from './watermarks.ts';

const METRICS_MAX = 2_000;
/** Over all metrics, and of one: a cell takes about 250 bytes. */
const CELLS_MAX = 200_000;
const CELLS_OF_ONE_MAX = 20_000;
/** More news than this is not read: all is read anew. */
const NEWS_MAX = 2_000;
const WRITTEN_MAX = 50_000;

/** A bucket of these has one label, so that its statements lie at one time; of the others it is never certain that news is whole. */
const ONE_LABEL: ReadonlySet<Grain> = new Set(['day', 'month', 'quarter', 'year']);

interface Place {
  readonly workspace: string;
  readonly position: Position;
}

interface Held {
  /** Up to where this is known to hold. */
  position: Position;
  readonly facts: CoverageFacts;
  readonly coverage: KnownCoverage;
}

interface HeldCells {
  position: Position;
  readonly range: Span;
  readonly cells: MetricCells;
  readonly count: number;
}

/**
 * What was read of metrics with points of their own, by workspace, definitions and metric: who covers them, and the cells of the
 * ranges asked for that meet. It goes on from position to position by the news; an earlier position than the one held is read anew and not kept.
 */
export class MetricMemory {
  readonly #store: Store;
  readonly #options: () => QueryOptions;
  /** `null`: nobody tells, and the engine is asked for news. */
  readonly #written: Written | null;
  /** By workspace, position and metric, while it is being read. */
  readonly #reading = new Map<string, Promise<KnownCoverage | undefined>>();
  readonly #held = new Map<string, Held>();
  readonly #cells = new Map<string, HeldCells>();
  #cellCount = 0;

  constructor(store: Store, written: Written | null, options: () => QueryOptions) {
    this.#store = store;
    this.#written = written;
    this.#options = options;
  }

  /** Who covers a metric; `undefined`: it has no points of its own. */
  async coverage(place: Place, catalog: Catalog, name: string): Promise<KnownCoverage | undefined> {
    const metric = catalog.metrics.get(name);
    if (metric === undefined || metric.aggregation === null) return undefined;
    const held = this.#held.get(keyOf(place, catalog, name));
    if (held?.position === place.position) return held.coverage;
    const key = `${place.workspace}/${place.position}/${name}`;
    const known = this.#reading.get(key);
    if (known !== undefined) return known;
    const reading = this.#carryOn(place, catalog, metric).finally(() => this.#reading.delete(key));
    this.#reading.set(key, reading);
    return reading;
  }

  /** The cells of needs without any before them, as `readCells` reads them. Of a range held in part only the rest is read. */
  async cells(place: Place, catalog: Catalog, needs: readonly CellsNeed[]): Promise<Map<string, MetricCells>> {
    const parts = await Promise.all(needs.map((need) => this.#parts(place, catalog, need)));
    const missing = parts.flatMap(({ missing }) => missing);
    const { workspace, position } = place;
    const read = await Promise.all(
      // Those of one metric have a question each, for an answer holds the cells of a metric together.
      [...Map.groupBy(missing, ({ nth }) => nth).values()].map((some) =>
        readCells(
          this.#store,
          workspace,
          some.map(({ need }) => need),
          position,
          this.#options(),
        ),
      ),
    );
    const found = new Map<string, MetricCells>();
    for (const { need, held, missing } of parts) {
      const { name } = need.metric;
      const key = keyOf(place, catalog, name);
      const range = rangeOf(need);
      if (held === undefined) {
        const cells = read[0]?.get(name) ?? NO_CELLS;
        if (isHeld(need)) this.#hold(key, position, range, cells);
        found.set(name, cells);
        continue;
      }
      const known = missing.reduce(
        (cells, { nth }) => replacedCells(cells, none, read[nth]?.get(name)?.series ?? []),
        held.cells,
      );
      const cells = within(known, range);
      found.set(name, cells);
      if (missing.length === 0) continue;
      if (countOf(known) <= CELLS_OF_ONE_MAX) this.#hold(key, position, hull(held.range, range), known);
      else this.#hold(key, position, range, cells);
    }
    return found;
  }

  /** What is held of a need, and what is to be read. */
  async #parts(place: Place, catalog: Catalog, need: CellsNeed): Promise<Parts> {
    const range = rangeOf(need);
    const held = await this.#known(place, catalog, need);
    if (held === undefined) return { need, held, missing: [{ nth: 0, need }] };
    const of = (from: Instant, to: Instant): CellsNeed => ({ ...need, need: { ...need.need, from, to } });
    const missing = [];
    if (range.from < held.range.from) missing.push(of(range.from, held.range.from));
    if (range.to > held.range.to) missing.push(of(held.range.to, range.to));
    return { need, held, missing: missing.map((need, nth) => ({ nth, need })) };
  }

  /** The cells held at the place, where their range and the one wanted meet. */
  async #known(place: Place, catalog: Catalog, need: CellsNeed): Promise<HeldCells | undefined> {
    const key = keyOf(place, catalog, need.metric.name);
    const range = rangeOf(need);
    const before = this.#cells.get(key);
    if (!isHeld(need) || before === undefined || before.position > place.position) return undefined;
    if (!meet(before.range, range)) return undefined;
    await this.coverage(place, catalog, need.metric.name);
    const held = this.#cells.get(key);
    if (held === undefined || held.position !== place.position || !meet(held.range, range)) return undefined;
    // The one asked for longest ago goes first.
    this.#cells.delete(key);
    this.#cells.set(key, held);
    return held;
  }

  async #carryOn(place: Place, catalog: Catalog, metric: Metric): Promise<KnownCoverage | undefined> {
    const key = keyOf(place, catalog, metric.name);
    const held = this.#held.get(key);
    const { position } = place;
    if (held !== undefined && held.position <= position) {
      const after = held.position;
      const news = await this.#news(place, metric, after);
      const facts = news && (news.length === 0 ? held.facts : coverageAfter(metric, held.facts, news));
      if (news !== undefined) this.#carryCells(key, metric, { after, position }, news);
      if (facts !== undefined && facts !== held.facts)
        return this.#keep(key, position, facts, coverageOf(metric, mappedOf(catalog, metric), facts));
      if (facts !== undefined) {
        held.position = Math.max(held.position, position);
        return held.coverage;
      }
    }
    const options = this.#options();
    const facts = (await readCoverageFacts(this.#store, place.workspace, [metric], position, options)).get(
      metric.name,
    )!;
    return this.#keep(key, position, facts, coverageOf(metric, mappedOf(catalog, metric), facts));
  }

  /** None where nothing was stated since; `undefined`: too much was, or coverage itself. */
  async #news({ workspace, position }: Place, metric: Metric, after: Position) {
    const told = this.#written?.since(workspace, metric.name, after);
    if (told === 'covered') return undefined;
    if (told === 'nothing') return [];
    const options = this.#options();
    const wanted = { after, position, rowsMax: NEWS_MAX };
    const query = coveredSince(workspace, metric.name, after, position);
    const [news, stated] = await Promise.all([
      readNews(this.#store, workspace, metric, wanted, options),
      told !== undefined ? [] : this.#store.read(query, query.shape, options),
    ]);
    return stated.some(({ rows }) => rows > 0) ? undefined : news;
  }

  #keep(key: string, position: Position, facts: CoverageFacts, coverage: KnownCoverage): KnownCoverage {
    if (position < (this.#held.get(key)?.position ?? -1)) return coverage;
    this.#held.delete(key);
    this.#held.set(key, { position, facts, coverage });
    if (this.#held.size > METRICS_MAX) this.#held.delete(this.#held.keys().next().value ?? '');
    return coverage;
  }

  #carryCells(
    key: string,
    metric: Metric,
    { after, position }: { readonly after: Position; readonly position: Position },
    news: Parameters<typeof cellsAfter>[3],
  ): void {
    const held = this.#cells.get(key);
    // What changed before they were read is in them, and once more does no harm; what is held further on stays.
    if (held === undefined || held.position < after || held.position > position) return;
    if (news.length === 0) held.position = position;
    else this.#hold(key, position, held.range, cellsAfter(metric, held.cells, held.range, news));
  }

  #hold(key: string, position: Position, range: Span, cells: MetricCells): void {
    const known = this.#cells.get(key);
    if (known !== undefined && known.position > position) return;
    const count = countOf(cells);
    this.#drop(key);
    if (count > CELLS_OF_ONE_MAX) return;
    this.#cells.set(key, { position, range, cells, count });
    this.#cellCount += count;
    while (this.#cellCount > CELLS_MAX || this.#cells.size > METRICS_MAX)
      this.#drop(this.#cells.keys().next().value ?? '');
  }

  #drop(key: string): void {
    this.#cellCount -= this.#cells.get(key)?.count ?? 0;
    this.#cells.delete(key);
  }
}

function keyOf({ workspace }: Place, { position }: Catalog, metric: string): string {
  return `${workspace}/${position}/${metric}`;
}

function rangeOf(need: CellsNeed): Span {
  const { from, to } = wantedOf(need);
  return { from, to };
}

function isHeld({ metric, alone, buckets }: CellsNeed): boolean {
  return metric.points === 'period' && ONE_LABEL.has(metric.grain) && alone === true && buckets === undefined;
}

function mappedOf(catalog: Catalog, { name }: Metric) {
  return mappedFeeders(catalog.documents).get(name) ?? [];
}

/** What is held of a need, and the needs of the rest; one `nth` is one question. */
interface Parts {
  readonly need: CellsNeed;
  readonly held: HeldCells | undefined;
  readonly missing: readonly { readonly nth: number; readonly need: CellsNeed }[];
}

const NO_CELLS: MetricCells = { series: [] };

function countOf({ series }: MetricCells): number {
  return series.reduce((sum, { cells }) => sum + cells.length, 0);
}

function none(): boolean {
  return false;
}

/** Whether nothing lies between the two. */
function meet(one: Span, other: Span): boolean {
  return one.from <= other.to && other.from <= one.to;
}

function hull(one: Span, other: Span): Span {
  return { from: Math.min(one.from, other.from), to: Math.max(one.to, other.to) };
}

/** What whoever writes the tables in this process says of points and coverage. */
export class Written {
  readonly #observation = new Latest();
  readonly #covered = new Latest();

  put(table: string, rows: readonly WrittenRow[]): void {
    if (table === 'observation') for (const row of rows) this.#observation.put(nameOf(row), row.pos);
    if (table === 'covered') for (const row of rows) this.#covered.put(nameOf(row), row.position);
  }

  /** What may have been stated about a metric by records after the one of a position. */
  since(workspace: string, metric: string, after: Position): 'nothing' | 'points' | 'covered' {
    const name = nameOf({ workspace, metric });
    if (this.#covered.of(name) >= upTo(after)) return 'covered';
    return this.#observation.of(name) >= upTo(after) ? 'points' : 'nothing';
  }
}

function nameOf({ workspace, metric }: WrittenRow): string {
  return `${workspace}/${metric}`;
}

/** The last position by name; of those forgotten the last of all. */
class Latest {
  readonly #positions = new Map<string, Position>();
  #floor: Position = -1;

  put(name: string, position: Position = -1): void {
    this.#positions.set(name, Math.max(position, this.of(name)));
    if (this.#positions.size <= WRITTEN_MAX) return;
    for (const each of this.#positions.values()) this.#floor = Math.max(this.#floor, each);
    this.#positions.clear();
  }

  of(name: string): Position {
    return this.#positions.get(name) ?? this.#floor;
  }
}
