import type { Threshold } from '@paceline/domain/document';
import { VERDICTS, type Verdict } from '@paceline/domain/evaluation';
import { percent, VERDICT_LOOK } from '@paceline/domain/look';
import { dayWords, doubleText, instantWords, numberText } from '../model/format.ts';
import { type Freshness, findNode, type Node } from '../model/tree.ts';
import type { Evaluation, Explanation } from '../wire.ts';
import { Shape } from './shape.tsx';

export interface ExplainProps {
  readonly freshness: Freshness;
  readonly explanation: Explanation;
  readonly nodes: readonly Node[];
  readonly onOpen: (subject: string) => void;
}

/** Why the verdict is what it is, down to numbers that can be recomputed by hand. */
export function Explain({ explanation, freshness, nodes, onOpen }: ExplainProps) {
  const { evaluation, reason, policy, thresholds, formulas, windows, definitions, calendar } = explanation;
  const { text, tone } = VERDICT_LOOK[evaluation.verdict];
  const isStale = freshness === 'stale';
  const isGood = tone === 'green' && !isStale;
  return (
    <section class="explain" aria-labelledby="why">
      <h3 id="why">{isGood ? `Why ${text}` : 'Why not green'}</h3>
      {isStale ? <Stale evaluation={evaluation} text={text} /> : null}
      <p class="meaning">{reason.meaning}</p>
      {isGood || reason.remedy === '' || reason.remedy === 'None.' ? null : <p class="remedy">{reason.remedy}</p>}
      {thresholds.length === 0 ? null : (
        <ul class="thresholds">
          {thresholds.map(({ verdict, measure, bar, passed }) => (
            <li key={verdict} class={passed ? 'passed' : 'failed'}>
              <span aria-hidden="true">{passed ? '✓' : '✗'}</span> {doubleText(measure)} is {passed ? '' : 'not '}
              {barText(bar)}, which {verdict.replaceAll('_', ' ')} needs
            </li>
          ))}
        </ul>
      )}
      <Members explanation={explanation} nodes={nodes} onOpen={onOpen} />
      {formulas.length === 0 ? null : (
        <details>
          <summary>Computed</summary>
          <dl class="formulas">
            {formulas.map(({ name, formula, filled, result }) => (
              <div key={`${name} ${formula}`}>
                <dt>{name}</dt>
                <dd>
                  <code>{formula}</code>
                  {filled === '' ? null : <code>= {filled}</code>}
                  <code>
                    = <b>{result}</b>
                  </code>
                </dd>
              </div>
            ))}
          </dl>
        </details>
      )}
      {windows.length === 0 ? null : (
        <details>
          <summary>Read</summary>
          <ul class="windows">
            {windows.map((window) => (
              <li key={`${window.what} ${window.metric} ${window.spans[0]?.from ?? ''}`}>
                <b>{window.what}</b>: {window.aggregation} of <code>{window.metric}</code>
                {whereText(window.where)} from {dayWords(window.spans[0]?.from ?? '1970-01-01', calendar.timezone)}{' '}
                until {instantWords(window.spans.at(-1)?.to ?? '1970-01-01', calendar.timezone)} ={' '}
                <b>{window.value === null ? 'nothing' : numberText(window.value)}</b>{' '}
                <span class="quiet">
                  ({window.count} {window.count === 1 ? 'point' : 'points'} of {window.series} series
                  {window.carried ? ', carried from before' : ''})
                </span>
              </li>
            ))}
          </ul>
        </details>
      )}
      <details>
        <summary>Defined by</summary>
        {policy === null ? null : (
          <p>
            Policy <code>{policy.label}</code> by {policy.kind}: on track at {barText(policy.onTrack)}, at risk at{' '}
            {barText(policy.atRisk)}.
          </p>
        )}
        <ul class="windows">
          {definitions.map(({ id, position }) => (
            <li key={id}>
              <code>{id}</code> <span class="quiet">of position {position}</span>
            </li>
          ))}
        </ul>
      </details>
    </section>
  );
}

function Stale({ evaluation, text }: { readonly evaluation: Evaluation; readonly text: string }) {
  const { lastObservedAt } = evaluation;
  const last =
    lastObservedAt === null
      ? 'Nothing was ever seen'
      : `Nothing newer than ${instantWords(lastObservedAt)} UTC was seen`;
  return (
    <p class="remedy">
      {last}, so “{text}” says how it stood then. Check the source that feeds it.
    </p>
  );
}

/** What counts in, the worst first. */
function Members({ explanation, nodes, onOpen }: Omit<ExplainProps, 'freshness'>) {
  const { members } = explanation;
  if (members.length === 0) return null;
  const worstFirst = [...members].sort((left, right) => rankOf(left.verdict) - rankOf(right.verdict));
  const total = members.reduce((sum, { weight }) => sum + weight, 0);
  return (
    <ul class="members">
      {worstFirst.map(({ subject, weight, progress, expected, verdict }) => (
        <li key={subject}>
          {isVerdict(verdict) ? (
            <span class={`plain-verdict tone-${VERDICT_LOOK[verdict].tone}`}>
              <Shape verdict={verdict} size={10} /> {VERDICT_LOOK[verdict].text}
            </span>
          ) : null}
          <button type="button" class="link" onClick={() => onOpen(subject)}>
            {findNode(nodes, subject)?.title ?? subject}
          </button>
          <span class="quiet">
            {progress === null ? 'no progress' : `${percent(progress)} of ${percent(expected)} expected`}
            {total > 0 ? `, counts ${Math.round((weight / total) * 100)} %` : ''}
          </span>
        </li>
      ))}
    </ul>
  );
}

function isVerdict(text: string): text is Verdict {
  return VERDICTS.some((verdict) => verdict === text);
}

function rankOf(text: string): number {
  return isVerdict(text) ? VERDICTS.indexOf(text) : VERDICTS.length;
}

function barText({ atLeast, above, atMost, below }: Threshold): string {
  if (atLeast !== undefined) return `at least ${doubleText(atLeast)}`;
  if (above !== undefined) return `above ${doubleText(above)}`;
  if (atMost !== undefined) return `at most ${doubleText(atMost)}`;
  return below === undefined ? '' : `below ${doubleText(below)}`;
}

function whereText(where: Readonly<Record<string, string>>): string {
  const filters = Object.entries(where).map(([name, value]) => `${name} = ${value}`);
  return filters.length === 0 ? '' : ` where ${filters.join(', ')}`;
}
