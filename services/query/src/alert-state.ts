import {
  ALERT_OK,
  type AlertState,
  alertPoint,
  type Catalog,
  type Evaluation,
  foldAlert,
  type Instant,
  ruleOf,
} from '@paceline/domain';
import { readStoredEvaluation } from '@paceline/events';
import { judgementsAt } from '@paceline/store';
import type { QueryDeps } from './deps.ts';
import type { Knowledge, Moment } from './knowledge.ts';

/** Of an episode what tells which judgements it stands on. */
export interface OpenEpisode {
  readonly rule: string;
  readonly subject: string;
  /** Empty: one series for ever. */
  readonly period_label: string;
  readonly opened_at: Instant;
}

const MICROSECOND: Instant = 0.001;

/**
 * Which open alerts are recovering: good again, for fewer points than their rule asks. No message tells of it, so the machine is folded
 * over the judgements since the opening; rules that recover at once have no such state, and nothing is read for them.
 */
export async function recoveringOf<Row extends OpenEpisode>(
  deps: QueryDeps,
  knowledge: Knowledge,
  moment: Moment,
  catalog: Catalog,
  open: readonly Row[],
): Promise<ReadonlySet<Row>> {
  const slow = open.filter(({ rule }) => (catalog.alertRules.get(rule)?.spec.recover ?? 1) > 1);
  if (slow.length === 0) return new Set();
  const query = judgementsAt({
    workspace: moment.workspace,
    edition: deps.edition,
    position: moment.position,
    subjects: [...new Set(slow.map(({ subject }) => subject))],
    from: Math.min(...slow.map(({ opened_at }) => opened_at)),
    to: moment.asOf + MICROSECOND,
  });
  const rows = await deps.store.read(query, query.shape, knowledge.options);
  const judged = Map.groupBy(
    rows.map(({ evaluation }) => readStoredEvaluation(evaluation)),
    ({ subject }) => subject,
  );
  return new Set(slow.filter((row) => stateOf(row, catalog, judged.get(row.subject) ?? []) === 'recovering'));
}

function stateOf(
  { rule, period_label: label, opened_at: opened }: OpenEpisode,
  catalog: Catalog,
  judged: readonly Evaluation[],
): AlertState['name'] {
  const spec = catalog.alertRules.get(rule)?.spec;
  if (spec === undefined) return 'firing';
  const points = judged
    .filter(({ asOf, period }) => asOf >= opened && (label === '' || period?.label === label))
    .map(alertPoint);
  const [first, ...since] = points;
  if (first === undefined) return 'firing';
  const policies = [...catalog.policies.values()];
  const machine = ruleOf(spec, (name) => policies.find((policy) => policy.label === name));
  const firing: AlertState = {
    ...ALERT_OK,
    name: 'firing',
    measuredAt: first.measuredAt ?? first.at,
    evidence: first.at,
    episodes: [{ opened, worst: first.verdict, ended: null, end: null }],
  };
  return foldAlert(since, machine, firing).name;
}
