import { VERDICTS, type Verdict } from '@paceline/domain/evaluation';
import { percent, VERDICT_LOOK } from '@paceline/domain/look';
import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import {
  ageText,
  bucketWords,
  dayWords,
  doubleText,
  KIND_WORDS,
  rollupWords,
  valueWords,
  weightWords,
} from '../model/format.ts';
import type { Row } from '../model/rows.ts';
import { changeOf, isByProgress, isOnTheWay, pointsOf } from '../model/series.ts';
import type { Node } from '../model/tree.ts';
import type { Evaluation } from '../wire.ts';
import { useSpark } from './hooks.ts';
import { Chip, Shape } from './shape.tsx';
import { Sparkline } from './spark.tsx';

export const COLUMNS = ['Name', 'Owner', 'Value → target', 'Trend', 'Verdict', 'Change', 'Data'] as const;

export interface RowProps {
  readonly row: Row;
  /** From 0, without the header. */
  readonly index: number;
  readonly now: number;
  readonly selected: boolean;
  /** Which cell takes part in tabbing; -1 the row itself, `null` none here. */
  readonly focusColumn: number | null;
  readonly onToggle: (id: string) => void;
  readonly onOpen: (index: number) => void;
}

export function RowView({ row, index, now, selected, focusColumn, onToggle, onOpen }: RowProps) {
  const { node, level, place, siblings, expanded, isContext } = row;
  const { evaluation } = node;
  const answer = useSpark(evaluation);
  const points = useMemo(() => (answer === null ? null : pointsOf(node.id, answer.data)), [answer, node.id]);
  const cell = (column: number, children: ComponentChildren, name: string) => (
    <div
      role={column === 0 ? 'rowheader' : 'gridcell'}
      class={`cell cell-${name}`}
      aria-colindex={column + 1}
      tabIndex={focusColumn === column ? 0 : -1}
      data-column={column}
    >
      {children}
    </div>
  );
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid around it hears the keys of all its rows.
    <div
      role="row"
      class={`row kind-${node.kind}${isContext ? ' is-context' : ''}`}
      style={{ '--level': level - 1 }}
      aria-level={level}
      aria-posinset={place}
      aria-setsize={siblings}
      aria-rowindex={index + 2}
      aria-selected={selected}
      {...(expanded === null ? {} : { 'aria-expanded': expanded })}
      tabIndex={focusColumn === -1 ? 0 : -1}
      data-index={index}
      data-id={node.id}
      onClick={() => onOpen(index)}
    >
      {cell(0, <Name node={node} expanded={expanded} onToggle={onToggle} />, 'name')}
      {cell(1, node.owner === null ? null : <span class="owner">{node.owner}</span>, 'owner')}
      {cell(2, evaluation === null ? null : <Value evaluation={evaluation} measure={node.measure} />, 'value')}
      {cell(
        3,
        evaluation === null || points === null ? null : <Sparkline points={points} evaluation={evaluation} />,
        'trend',
      )}
      {cell(4, evaluation === null ? null : <Verdicts node={node} evaluation={evaluation} />, 'verdict')}
      {cell(5, points === null ? null : <Change node={node} points={points} />, 'change')}
      {cell(6, evaluation === null ? null : <Data node={node} evaluation={evaluation} now={now} />, 'data')}
    </div>
  );
}

function Name({
  node,
  expanded,
  onToggle,
}: {
  readonly node: Node;
  readonly expanded: boolean | null;
  readonly onToggle: (id: string) => void;
}) {
  const notes = [rollupWords(node.rollup), weightWords(node.weight, node.share)].filter((note) => note !== '');
  return (
    <>
      <span
        class="twisty"
        aria-hidden="true"
        data-open={expanded}
        onClick={(event) => {
          if (expanded === null) return;
          event.stopPropagation();
          onToggle(node.id);
        }}
      >
        {expanded === null ? null : (
          <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
            <path d="M3 1.5 7 5 3 8.5" fill="none" stroke="currentColor" stroke-width="1.6" />
          </svg>
        )}
      </span>
      <span class="name">
        <span class="title">{node.title}</span>
        <span class="notes">
          {node.kind === 'group' ? null : <span class="kind">{KIND_WORDS[node.kind]}</span>}
          {notes.map((note) => (
            <span key={note}>{note}</span>
          ))}
        </span>
      </span>
    </>
  );
}

function Value({ evaluation, measure }: { readonly evaluation: Evaluation; readonly measure: string | null }) {
  const words = valueWords(evaluation, measure);
  return (
    <>
      <span class="value">
        <b>{words.value}</b>
        {words.target === '' ? null : (
          <>
            <span class="arrow" aria-hidden="true">
              →
            </span>
            <span class="hidden"> of </span>
            <span>{words.target}</span>
          </>
        )}
        {words.measure === '' ? null : <span class="measure">{words.measure}</span>}
      </span>
      <Bar evaluation={evaluation} />
    </>
  );
}

/** How much of the way is done, and with a tick how much should be. Levels have no way: they are met or not. */
function Bar({ evaluation }: { readonly evaluation: Evaluation }) {
  const { progress, expected, verdict } = evaluation;
  if (progress === null || expected === null || !isOnTheWay(evaluation) || VERDICT_LOOK[verdict].tone === 'gray')
    return null;
  const share = (ratio: number): string => `${Math.max(0, Math.min(1, ratio)) * 100}%`;
  const shouldBe = expected > 0 && expected < 1 ? expected : null;
  return (
    <span class="bar">
      <span class="hidden">
        {percent(progress)} done{shouldBe === null ? '' : `, ${percent(shouldBe)} expected`}
      </span>
      <span class="bar-fill" style={{ width: share(progress) }} />
      {shouldBe === null ? null : <span class="bar-tick" style={{ left: share(shouldBe) }} />}
    </span>
  );
}

function Verdicts({ node, evaluation }: { readonly node: Node; readonly evaluation: Evaluation }) {
  const { worstChild, verdict, coverage } = evaluation;
  const isGoal = node.rollup !== null;
  return (
    <>
      <Chip evaluation={evaluation} freshness={node.freshness} />
      {isGoal && worstChild !== null && isWorse(worstChild, verdict) ? (
        <span class={`side tone-${VERDICT_LOOK[worstChild].tone}`}>
          <span class="side-label">worst below</span> <Shape verdict={worstChild} size={9} />{' '}
          {VERDICT_LOOK[worstChild].text}
        </span>
      ) : null}
      {coverage !== null && coverage < 1 && verdict !== 'no_data' ? (
        <span class="side">{percent(coverage)} covered</span>
      ) : null}
    </>
  );
}

/** What a mean may hide; that something below is better says nothing. */
function isWorse(below: Verdict, own: Verdict): boolean {
  return VERDICTS.indexOf(below) < VERDICTS.indexOf(own);
}

function Change({
  node,
  points,
}: {
  readonly node: Node;
  readonly points: readonly ReturnType<typeof pointsOf>[number][];
}) {
  const change = changeOf(points);
  if (change === null) return null;
  const unit = isByProgress(node.id, []) ? ' pts' : '';
  const mark = change.delta > 0 ? '▲' : change.delta < 0 ? '▼' : '';
  const sign = change.delta > 0 ? '+' : change.delta < 0 ? '−' : '±';
  return (
    <>
      <span class="change">
        <span class="change-mark" aria-hidden="true">
          {mark}
        </span>
        {sign}
        {unit === '' ? doubleText(Math.abs(change.delta)) : Math.abs(change.delta).toFixed(1)}
        {unit}
      </span>
      <span class="quiet">since {bucketWords(change.since)}</span>
    </>
  );
}

function Data({
  node,
  evaluation,
  now,
}: {
  readonly node: Node;
  readonly evaluation: Evaluation;
  readonly now: number;
}) {
  const { freshness } = node;
  if (freshness === '') return <span class="quiet">never seen</span>;
  const since =
    evaluation.lastObservedAt === null ? '' : ageText(Math.max(0, now - Date.parse(evaluation.lastObservedAt)));
  return (
    <>
      <span class={`fresh fresh-${freshness}`}>{freshness}</span>
      {since === '' ? null : <span class="quiet">{since}</span>}
      {evaluation.carried ? <span class="quiet">carried</span> : null}
      {node.rollup !== null || evaluation.measuredAt === null ? null : (
        <span class="quiet">as of {dayWords(evaluation.measuredAt).replace(/ \d{4}$/, '')}</span>
      )}
    </>
  );
}
