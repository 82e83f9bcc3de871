import { type EvaluationDocument, parseSubject, VERDICT_LOOK } from '@paceline/domain';
import { percent, readable } from '@paceline/domain/look';
import type { SubjectAbout } from './about.ts';

/** Tones as classes of the style sheet. */
const TONES = { green: 'good', yellow: 'risk', red: 'bad', gray: 'none' } as const;

const GROUPS: readonly (readonly [kind: string, title: string])[] = [
  ['unit', 'Units'],
  ['objective', 'Objectives'],
  ['key_result', 'Key results'],
  ['kpi', 'KPIs'],
];

export interface StatusPage {
  readonly workspace: string;
  /** Of the last record, as text. */
  readonly asOf: string;
  readonly evaluations: readonly EvaluationDocument[];
  about(subject: string): SubjectAbout;
}

const REFRESH_SECONDS = 10;

/** The status as a plain page that reads itself again: no script, nothing from elsewhere. */
export function statusPage(page: StatusPage): string {
  const groups = GROUPS.map(([kind, title]) => {
    const rows = page.evaluations.filter(({ subject }) => parseSubject(subject)?.kind === kind);
    return rows.length === 0 ? '' : table(title, rows, page);
  }).join('');
  const empty =
    '<p>Nothing is judged yet: apply definitions with a Kpi or an Objective (<code>paceline apply</code>), then bring in values.</p>';
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="${REFRESH_SECONDS}"><meta name="color-scheme" content="light dark">
<title>Are we on track? – Paceline</title><style>${STYLE}</style></head>
<body><header><h1>Are we on track?</h1>
<p>Workspace <b>${escaped(page.workspace)}</b>, as of <time>${escaped(page.asOf)}</time>. Read again every ${REFRESH_SECONDS} seconds. <a href="/docs">API</a> · <a href="/v1/status">JSON</a> · <a href="/v1/status?format=csv">CSV</a> · <a href="/v1/alerts">alerts</a></p></header>
<main>${groups === '' ? empty : groups}</main></body></html>
`;
}

function table(title: string, rows: readonly EvaluationDocument[], page: StatusPage): string {
  return `<section><table><caption>${title}</caption><thead><tr>
<th scope="col">Subject</th><th scope="col">Owner</th><th scope="col">Verdict</th><th scope="col" class="n">Value</th><th scope="col" class="n">Target</th><th scope="col" class="n">Expected</th><th scope="col" class="n">Progress</th><th scope="col">Data</th><th scope="col">In words</th></tr></thead><tbody>
${rows.map((row) => tableRow(row, page.about(row.subject))).join('\n')}
</tbody></table></section>`;
}

function tableRow(row: EvaluationDocument, { title, owner, measure }: SubjectAbout): string {
  const { symbol, text, tone: colour } = VERDICT_LOOK[row.verdict];
  const tone = TONES[colour];
  // What is stale is never shown as good.
  const shown = row.freshness === 'stale' && tone === 'good' ? 'none' : tone;
  const target =
    row.targetLow === null ? readable(row.target) : `${readable(row.targetLow)} to ${readable(row.targetHigh)}`;
  const path = row.subject.split('/').map(encodeURIComponent).join('/');
  const name = title === null ? escaped(row.subject) : `${escaped(title)} <small>${escaped(row.subject)}</small>`;
  return `<tr><th scope="row"><a href="/v1/explain/${escaped(path)}">${name}</a></th><td>${escaped(owner ?? '')}</td>
<td><span class="v ${shown}"><span aria-hidden="true">${symbol}</span> ${text}${row.provisional ? ' (provisional)' : ''}</span></td>
<td class="n">${readable(row.value)} <small>${escaped(measure ?? '')}</small></td><td class="n">${target}</td><td class="n">${readable(row.expectedValue)}</td><td class="n">${percent(row.progress)}</td>
<td>${escaped(row.freshness ?? '')}</td><td>${escaped(row.sentence)}</td></tr>`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

const STYLE = `:root{--bg:#fff;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--good:#116329;--risk:#7d4e00;--bad:#a40e26;--none:#57606a}
@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--ink:#e6edf3;--soft:#9198a1;--line:#30363d;--good:#56d364;--risk:#e3b341;--bad:#ff7b72;--none:#9198a1}}
body{background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:90rem;padding:1rem}
section{overflow-x:auto;margin-block:1.5rem}table{border-collapse:collapse;width:100%}caption{text-align:left;font-weight:700;font-size:1.15rem;padding-block:.5rem}
th,td{border-bottom:1px solid var(--line);padding:.4rem .6rem;text-align:left;vertical-align:top}thead th{color:var(--soft);font-weight:600}tbody th{font-weight:500}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}small{color:var(--soft)}a{color:inherit}
.v{border:1px solid;border-radius:1rem;padding:.1rem .6rem;white-space:nowrap;font-weight:600}.good{color:var(--good)}.risk{color:var(--risk)}.bad{color:var(--bad)}.none{color:var(--none)}`;
