import { type Ids, type Side, soon, today } from './world.ts';

/** One request as somebody who belongs to the workspace would make it. */
export interface Call {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
}

/** Routes that concern all workspaces, and are open to nobody whose key is of one. */
export const OF_ALL: ReadonlySet<string> = new Set(['POST /v1/replay']);

/** Routes that need nothing but their address. */
const PLAIN: Call[] = [{ path: '' }];

/**
 * How every route is called so that it answers. The corpus fails for a route with parameters or a body that is not here: whoever adds
 * one writes one line, and everything else is tried by itself.
 */
export function callsOf(route: string, side: Side, ids: Ids): readonly Call[] | undefined {
  const { prefix, value } = side;
  const subjects = ['kpi', 'objective', 'unit'].map(
    (kind) => `${kind}/${prefix}-${kind === 'objective' ? 'goal' : kind}`,
  );
  const result = `key_result/${prefix}-goal/${prefix}-kr`;
  const path = (made: string): Call => ({ path: made });
  const calls: Readonly<Record<string, readonly Call[]>> = {
    'GET /v1/status/:kind/:id': subjects.slice(0, 2).map((subject) => path(`/v1/status/${subject}`)),
    'GET /v1/status/:kind/:id/:name': [path(`/v1/status/${result}`)],
    'GET /v1/explain/:kind/:id': subjects.slice(0, 2).map((subject) => path(`/v1/explain/${subject}`)),
    'GET /v1/explain/:kind/:id/:name': [path(`/v1/explain/${result}`)],
    'GET /v1/trend': [
      { path: '', query: { metric: `${prefix}-metric` } },
      { path: '', query: { subject: `kpi/${prefix}-kpi`, format: 'csv' } },
    ],
    'GET /v1/tree': [path(''), { path: '', query: { cycle: `${prefix}-cycle` } }],
    'GET /v1/status': [
      path(''),
      { path: '', query: { owner: `${side.canary}-owner` } },
      { path: '', query: { min_position: ids.position } },
    ],
    'GET /v1/observations': [
      { path: '', query: { metric: `${prefix}-metric` } },
      { path: '', query: { metric: `${prefix}-metric`, limit: '2', cursor: ids.cursor } },
    ],
    'GET /v1/alerts': [path(''), { path: '', query: { state: 'all', rule: `${prefix}-rule` } }],
    'GET /v1/judgements': [{ path: '', query: { subject: `kpi/${prefix}-kpi` } }],
    'GET /v1/dead-letters/:position': [path(`/v1/dead-letters/${ids.deadLetter}`)],
    'GET /v1/definitions/commands/:id': [path(`/v1/definitions/commands/${ids.command}`)],
    'POST /v1/session': PLAIN,
    'DELETE /v1/session': PLAIN,
    'POST /v1/definitions/plan': [{ path: '', body: { documents: [], prune: true } }],
    'POST /v1/definitions/apply': [
      { path: '', body: { documents: [] } },
      { path: '', body: { documents: [], command: ids.command } },
    ],
    'POST /v1/what-if': [{ path: '', body: { documents: [], prune: true } }],
    'POST /v1/backtest': [{ path: '', body: { rule: `${prefix}-rule` } }],
    'POST /v1/check-ins': [{ path: '', body: { subject: `key_result/${prefix}-goal/${prefix}-nps`, value: '30' } }],
    'POST /v1/overrides': [{ path: '', body: { source: `${prefix}-source`, allow: 'mass_retraction' } }],
    'POST /v1/observations': [{ path: '', body: { metric: `${prefix}-metric`, period: today(-6), value } }],
    'POST /v1/dead-letters/:position/retry': [path(`/v1/dead-letters/${ids.readable}/retry`)],
    'POST /v1/replay': [{ path: '', body: {} }],
    'POST /v1/covered': [{ path: '', body: { metric: `${prefix}-metric`, to: today() } }],
    'POST /v1/sources/:name/run': [{ path: `/v1/sources/${prefix}-source/run`, body: {} }],
    'POST /v1/sources/:name/backfill': [
      { path: `/v1/sources/${prefix}-source/backfill`, body: { from: today(-5), to: today(-2) } },
    ],
    'POST /v1/alerts/:id/ack': [{ path: `/v1/alerts/${ids.alert}/ack`, body: { note: 'seen' } }],
    'POST /v1/alerts/:id/snooze': [{ path: `/v1/alerts/${ids.alert}/snooze`, body: { until: soon() } }],
  };
  const known = calls[route];
  if (known !== undefined) return known;
  return /^GET [^:]*$/.test(route) ? PLAIN : undefined;
}
