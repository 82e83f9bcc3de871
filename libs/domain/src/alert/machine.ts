import type { AlertRuleDocument } from '../document.ts';
import type { Verdict } from '../evaluation.ts';
import type { Instant } from '../instant.ts';
import type { Policy } from '../policy/policy.ts';
import { type AlertPoint, type AlertStanding, rankOf, standingOf } from './point.ts';

export type AlertStateName = 'ok' | 'pending' | 'firing' | 'recovering';

/** One time that an alert was open, from the grid point at which it fired. */
export interface Episode {
  readonly opened: Instant;
  /** Worst verdict while open. */
  readonly worst: Verdict;
  readonly ended: Instant | null;
  readonly end: 'recovered' | 'closed' | null;
}

/** Of one rule, subject and period after some of its grid points. A function of them alone. */
export interface AlertState {
  readonly name: AlertStateName;
  /** Bad points while pending, good ones while recovering. */
  readonly count: number;
  /** Latest measurement counted: a grid point that measured nothing new counts nothing. */
  readonly measuredAt: Instant;
  /** Latest grid point that said good or bad. */
  readonly evidence: Instant | null;
  /** The period has had its last word. */
  readonly closed: boolean;
  /** Ascending, the last `EPISODES_MAX`. */
  readonly episodes: readonly Episode[];
}

/** How far back a correction can still find the episode it takes back. */
export const EPISODES_MAX = 50;

export const ALERT_OK: AlertState = {
  name: 'ok',
  count: 0,
  measuredAt: Number.NEGATIVE_INFINITY,
  evidence: null,
  closed: false,
  episodes: [],
};

export interface RuleOf {
  readonly when: AlertRuleDocument['spec']['when'];
  /** Complete points that must be bad before it fires, at least 1. */
  readonly for: number;
  /** Complete points that must be good before it recovers, at least 1. */
  readonly recover: number;
  /** The policy an evaluation names; `undefined` for bands. */
  policy(label: string | null): Policy | undefined;
}

export function ruleOf(spec: AlertRuleDocument['spec'], policy: RuleOf['policy']): RuleOf {
  return { when: spec.when, for: Math.max(1, spec.for ?? 1), recover: Math.max(1, spec.recover ?? 1), policy };
}

/** The state table of docs/alerts: one grid point further. Points come in ascending order of `at`. */
export function evolveAlert(state: AlertState, point: AlertPoint, rule: RuleOf): AlertState {
  if (state.closed) return state;
  const standing = standingOf(point, rule.when, rule.policy(point.policy));
  const measuredAt = point.measuredAt ?? point.at;
  const counts = standing !== 'gap' && (point.closing || measuredAt > state.measuredAt);
  if (!counts) return state;
  const seen: AlertState = { ...state, measuredAt, evidence: point.at };
  const moved = step(seen, point, standing, rule);
  return point.closing ? close(moved, state, point) : moved;
}

export function foldAlert(points: Iterable<AlertPoint>, rule: RuleOf, from: AlertState = ALERT_OK): AlertState {
  let state = from;
  for (const point of points) state = evolveAlert(state, point, rule);
  return state;
}

export function openEpisode(state: AlertState): Episode | undefined {
  const last = state.episodes.at(-1);
  return last !== undefined && last.ended === null ? last : undefined;
}

function step(state: AlertState, point: AlertPoint, standing: AlertStanding, rule: RuleOf): AlertState {
  switch (state.name) {
    case 'ok':
    case 'pending': {
      if (standing !== 'bad') return { ...state, name: 'ok', count: 0 };
      const count = state.count + 1;
      return count < rule.for ? { ...state, name: 'pending', count } : open(state, point);
    }
    case 'firing':
      if (standing === 'bad') return worsened(state, point.verdict);
      return standing === 'good' ? recovering({ ...state, count: 0 }, point, rule) : state;
    case 'recovering':
      if (standing === 'bad') return worsened({ ...state, name: 'firing', count: 0 }, point.verdict);
      return standing === 'good' ? recovering(state, point, rule) : state;
  }
}

function open(state: AlertState, point: AlertPoint): AlertState {
  const episode: Episode = { opened: point.at, worst: point.verdict, ended: null, end: null };
  return { ...state, name: 'firing', count: 0, episodes: [...state.episodes, episode].slice(-EPISODES_MAX) };
}

function recovering(state: AlertState, point: AlertPoint, rule: RuleOf): AlertState {
  const count = state.count + 1;
  return count < rule.recover
    ? { ...state, name: 'recovering', count }
    : { ...ended(state, point.at, 'recovered'), name: 'ok', count: 0 };
}

function worsened(state: AlertState, verdict: Verdict): AlertState {
  const episode = openEpisode(state);
  if (episode === undefined || rankOf(verdict) >= rankOf(episode.worst)) return state;
  return { ...state, episodes: [...state.episodes.slice(0, -1), { ...episode, worst: verdict }] };
}

/** An alert that was open when its period closed ends with it; one that opens only now, by a missed target, stays to be seen. */
function close(moved: AlertState, before: AlertState, point: AlertPoint): AlertState {
  if (openEpisode(before) === undefined) return { ...moved, closed: true };
  const reopened = { ...moved, episodes: before.episodes };
  return { ...ended(reopened, point.at, 'closed'), name: 'ok', count: 0, closed: true };
}

function ended(state: AlertState, at: Instant, end: 'recovered' | 'closed'): AlertState {
  const episode = openEpisode(state);
  if (episode === undefined) return state;
  return { ...state, episodes: [...state.episodes.slice(0, -1), { ...episode, ended: at, end }] };
}
