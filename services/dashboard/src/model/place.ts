import { type Filter, NO_FILTER } from './filter.ts';
import { STANDINGS } from './standing.ts';

/** Which moment is looked at; `null` is now, as it comes. */
export interface Moment {
  readonly asOf: string | null;
  readonly knownAt: string | null;
}

/** Everything that an address of the page says, so that a link shows others the same. */
export interface Place {
  readonly moment: Moment;
  readonly cycle: string | null;
  readonly filter: Filter;
  readonly selected: string | null;
}

/** Reads what `placeToUrl` wrote, and skips what it does not know: an old link must still open. */
export function placeFromUrl(url: { readonly search: string; readonly hash: string }): Place {
  const query = new URLSearchParams(url.search);
  const standing = query.get('verdict');
  return {
    moment: { asOf: instantIn(query.get('as_of')), knownAt: instantIn(query.get('known_at')) },
    cycle: query.get('cycle'),
    filter: {
      ...NO_FILTER,
      text: query.get('q') ?? '',
      unit: query.get('unit'),
      owner: query.get('owner'),
      standing: STANDINGS.find((each) => each === standing) ?? null,
      order: query.get('order') === 'worst' ? 'worst' : 'tree',
    },
    selected: url.hash.length > 1 ? decode(url.hash.slice(1)) : null,
  };
}

export function placeToUrl({ moment, cycle, filter, selected }: Place): string {
  const query = new URLSearchParams();
  const put = (name: string, value: string | null): void => {
    if (value !== null && value !== '') query.set(name, value);
  };
  put('as_of', moment.asOf);
  put('known_at', moment.knownAt);
  put('cycle', cycle);
  put('q', filter.text);
  put('unit', filter.unit);
  put('owner', filter.owner);
  put('verdict', filter.standing);
  if (filter.order !== 'tree') put('order', filter.order);
  const search = query.toString();
  return `${search === '' ? '?' : `?${search}`}${selected === null ? '' : `#${selected}`}`;
}

function instantIn(text: string | null): string | null {
  return text === null || Number.isNaN(Date.parse(text)) ? null : text;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign that encodes nothing is part of the text.
    return text;
  }
}

const DAY = 86_400_000;
const DAYS_PER_STEP = { day: 1, week: 7 } as const;

/** An instant a calendar step away; a month from the 31st ends on the last day of a shorter month. */
export function stepped(iso: string, by: { readonly unit: 'day' | 'week' | 'month'; readonly count: number }): string {
  const at = new Date(Date.parse(iso));
  if (by.unit !== 'month') return isoText(at.getTime() + by.count * DAYS_PER_STEP[by.unit] * DAY);
  const day = at.getUTCDate();
  const month = new Date(at.getTime());
  month.setUTCDate(1);
  month.setUTCMonth(month.getUTCMonth() + by.count);
  const last = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 0)).getUTCDate();
  month.setUTCDate(Math.min(day, last));
  return isoText(month.getTime());
}

/** Seconds are enough for people, and for addresses. */
function isoText(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}
