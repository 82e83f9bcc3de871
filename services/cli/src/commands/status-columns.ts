import { VERDICTS } from '@paceline/domain/evaluation';
import { freshnessNow, percent, readable, VERDICT_LOOK } from '../look.ts';
import { type Column, type Output, paint } from '../output.ts';
import type { EvaluationView, StatusAnswer } from '../wire.ts';

/**
 * A roll-up has no value of its own: where others show value and expected value, it shows how much of the way it is. What is as it
 * should be in every row gets no column: data that are whole, and nothing below that is worse.
 */
export function statusColumns(output: Output, answer: StatusAnswer): Column<EvaluationView>[] {
  if (output.format === 'csv') return csvColumns(answer);
  const now = Date.parse(answer.meta.now);
  const isPartial = answer.data.some(({ coverage }) => coverage !== null && coverage < 1);
  const isWorseBelow = answer.data.some((row) => worseBelow(row) !== null);
  return [
    { title: 'subject', cell: (row) => row.subject },
    { title: 'owner', cell: (row) => answer.meta.subjects[row.subject]?.owner },
    { title: 'value', align: 'right', cell: (row) => (isRollup(row) ? percent(row.progress) : readable(row.value)) },
    { title: 'target', align: 'right', cell: targetText },
    {
      title: 'expected',
      align: 'right',
      cell: (row) => (isRollup(row) ? percent(row.expected) : readable(row.expectedValue)),
    },
    { title: 'pace', align: 'right', cell: (row) => percent(row.pace) },
    {
      title: 'verdict',
      cell: (row) => {
        const look = VERDICT_LOOK[row.verdict];
        return paint(output, look.tone, `${look.symbol} ${look.text}${row.provisional ? ' (provisional)' : ''}`);
      },
    },
    ...(isWorseBelow
      ? [{ title: 'worst below', cell: (row: EvaluationView) => lookText(output, worseBelow(row)) }]
      : []),
    ...(isPartial
      ? [{ title: 'covered', align: 'right' as const, cell: (row: EvaluationView) => coverageText(row) }]
      : []),
    { title: 'measured', cell: (row) => minuteText(row.measuredAt) },
    { title: 'freshness', cell: (row) => freshnessNow(row.lateAt, row.staleAt, now) },
  ];
}

function csvColumns(answer: StatusAnswer): Column<EvaluationView>[] {
  const now = Date.parse(answer.meta.now);
  const about = (row: EvaluationView) => answer.meta.subjects[row.subject];
  return [
    { title: 'subject', cell: (row) => row.subject },
    { title: 'title', cell: (row) => about(row)?.title },
    { title: 'owner', cell: (row) => about(row)?.owner },
    { title: 'unit', cell: (row) => about(row)?.unit },
    { title: 'value', cell: (row) => row.value },
    { title: 'target', cell: (row) => row.target },
    { title: 'target_low', cell: (row) => row.targetLow },
    { title: 'target_high', cell: (row) => row.targetHigh },
    { title: 'expected_value', cell: (row) => row.expectedValue },
    { title: 'progress', cell: (row) => row.progress },
    { title: 'expected', cell: (row) => row.expected },
    { title: 'pace', cell: (row) => row.pace },
    { title: 'verdict', cell: (row) => row.verdict },
    { title: 'reason', cell: (row) => row.reason },
    { title: 'measured_at', cell: (row) => row.measuredAt },
    { title: 'freshness', cell: (row) => freshnessNow(row.lateAt, row.staleAt, now) },
    { title: 'provisional', cell: (row) => String(row.provisional) },
    { title: 'coverage', cell: (row) => row.coverage },
    { title: 'worst_child', cell: (row) => row.worstChild },
  ];
}

export function isRollup(row: EvaluationView): boolean {
  return row.value === null && /^(objective|unit)\//.test(row.subject);
}

/** What a mean may hide. */
function worseBelow({ worstChild, verdict }: EvaluationView): EvaluationView['worstChild'] {
  return worstChild !== null && VERDICTS.indexOf(worstChild) < VERDICTS.indexOf(verdict) ? worstChild : null;
}

export function lookText(output: Output, verdict: EvaluationView['worstChild']): string {
  if (verdict === null) return '';
  const { symbol, text, tone } = VERDICT_LOOK[verdict];
  return paint(output, tone, `${symbol} ${text}`);
}

function coverageText({ coverage }: EvaluationView): string {
  return coverage === null || coverage >= 1 ? '' : percent(coverage);
}

/** `2026-11-21T23:00Z`: to the minute, which no measurement is finer than. */
function minuteText(at: string | null): string {
  return at === null ? '' : at.replace(/:\d\d(\.\d+)?Z$/, 'Z');
}

function targetText(row: EvaluationView): string {
  return row.targetLow === null ? readable(row.target) : `${readable(row.targetLow)} to ${readable(row.targetHigh)}`;
}
