import { freshnessNow, percent } from '@paceline/domain/look';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ApiError, momentQuery, subjectPath } from '../api.ts';
import { type Asked, chartAsked, SPAN_WORDS, SPANS, type Span } from '../model/asked.ts';
import { chartOf } from '../model/chart.ts';
import { ageText, instantWords, KIND_WORDS, rollupWords, valueWords, weightWords } from '../model/format.ts';
import { isByProgress, isOnTheWay, pointsOf } from '../model/series.ts';
import { type Freshness, findNode, type Node } from '../model/tree.ts';
import type { State } from '../store.ts';
import type { AlertView, Evaluation, TrendAnswer } from '../wire.ts';
import { ChartView } from './chart.tsx';
import { Explain } from './explain.tsx';
import { momentKey, useAnswer, useStore, useTrend } from './hooks.ts';
import { Numbers } from './numbers.tsx';
import { Chip } from './shape.tsx';

export interface DetailProps {
  readonly subject: string;
  readonly state: State;
  readonly onOpen: (subject: string) => void;
  readonly onClose: () => void;
}

/** Everything about one subject. */
export function Detail({ subject, state, onOpen, onClose }: DetailProps) {
  const store = useStore();
  const { nodes, place, now, alerts } = state;
  const node = findNode(nodes, subject);
  const shown = node?.evaluation ?? null;
  const key = [subject, momentKey(place.moment), shown?.position ?? '', shown?.verdict ?? ''].join(' ');
  const answer = useAnswer(key, (signal) => store.api.explain(subject, place.moment, signal));
  const explanation = answer.state === 'ready' ? answer.value.data : null;
  // A subject that the tree does not show, of another cycle for one, is explained all the same.
  const evaluation = shown ?? explanation?.evaluation ?? null;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [subject]);
  return (
    <aside
      class="detail"
      aria-labelledby="detail-title"
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose();
      }}
    >
      <div class="detail-head">
        <h2 id="detail-title" tabIndex={-1} ref={heading}>
          {node?.title ?? subject}
        </h2>
        <button type="button" class="button" onClick={onClose}>
          Close
        </button>
      </div>
      <p class="detail-about">
        <code>{subject}</code>
        {node === undefined ? null : <About node={node} />}
      </p>
      {evaluation === null ? null : (
        <>
          <Summary evaluation={evaluation} node={node} now={now} />
          <Course evaluation={evaluation} node={node} now={now} alerts={alerts} />
        </>
      )}
      {answer.state === 'waiting' ? <p class="quiet">Reading the explanation …</p> : null}
      {answer.state === 'failed' ? <Failed error={answer.error} /> : null}
      {explanation === null ? null : (
        <Explain
          explanation={explanation}
          freshness={freshnessIn(node, explanation.evaluation, now)}
          nodes={nodes}
          onOpen={onOpen}
        />
      )}
    </aside>
  );
}

function About({ node }: { readonly node: Node }) {
  const notes = [
    node.kind === 'group' ? '' : KIND_WORDS[node.kind],
    node.owner === null ? '' : `owner ${node.owner}`,
    node.unit === null || node.kind === 'unit' ? '' : `unit ${node.unit}`,
    rollupWords(node.rollup),
    weightWords(node.weight, node.share),
  ].filter((note) => note !== '');
  return <span> {notes.join(' · ')}</span>;
}

function Summary({
  evaluation,
  node,
  now,
}: {
  readonly evaluation: Evaluation;
  readonly node: Node | undefined;
  readonly now: number;
}) {
  const words = valueWords(evaluation, node?.measure ?? null);
  const { coverage, lastObservedAt, period, lateAt } = evaluation;
  const freshness = freshnessIn(node, evaluation, now);
  return (
    <>
      <div class="summary">
        <Chip evaluation={evaluation} freshness={freshness} />
        <p class="summary-value">
          <b>{words.value}</b>
          {words.target === '' ? '' : ` → ${words.target}`} {words.measure}
        </p>
      </div>
      <p class="sentence">{evaluation.sentence}</p>
      <dl class="facts">
        {period === null ? null : <Fact name="Period">{period.label}</Fact>}
        {evaluation.progress === null || !isOnTheWay(evaluation) ? null : (
          <Fact name="Progress">
            {percent(evaluation.progress)}
            {evaluation.expected === null ? '' : ` of ${percent(evaluation.expected)} expected`}
          </Fact>
        )}
        {evaluation.paceMethod === null ? null : <Fact name="Pace">{evaluation.paceMethod}</Fact>}
        {evaluation.measuredAt === null ? null : <Fact name="Measured">{instantWords(evaluation.measuredAt)} UTC</Fact>}
        {freshness === '' || lastObservedAt === null ? null : (
          <Fact name="Data">
            {freshness}, {ageText(Math.max(0, now - Date.parse(lastObservedAt)))}
            {freshness === 'fresh' && lateAt !== null ? `; late from ${instantWords(lateAt)} UTC` : ''}
          </Fact>
        )}
        {coverage === null || coverage >= 1 ? null : <Fact name="Coverage">{percent(coverage)}</Fact>}
        {evaluation.score === null ? null : <Fact name="Score">{percent(evaluation.score)}</Fact>}
      </dl>
    </>
  );
}

function freshnessIn(node: Node | undefined, { lateAt, staleAt }: Evaluation, now: number): Freshness {
  return node?.freshness ?? freshnessNow(lateAt, staleAt, now);
}

function Fact({ name, children }: { readonly name: string; readonly children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

interface CourseProps {
  readonly evaluation: Evaluation;
  readonly node: Node | undefined;
  readonly now: number;
  readonly alerts: readonly AlertView[];
}

/** The chart with its table, over a stretch of time to choose. */
function Course({ evaluation, node, now, alerts }: CourseProps) {
  const store = useStore();
  const [span, setSpan] = useState<Span>('period');
  const [grain, setGrain] = useState<string | null>(null);
  const { subject } = evaluation;
  const open = alerts.filter((alert) => alert.subject === subject);
  const { moment } = store.state.place;
  const alertKey = [subject, momentKey(moment), open.map(({ id, lastAt }) => `${id} ${lastAt}`)].join(' ');
  const history = useAnswer(alertKey, (signal) => store.api.alertsOf(subject, moment, signal));
  const asked = useMemo(() => chartAsked(evaluation, span, grain), [evaluation, span, grain]);
  const trend = useTrend(store.charts, asked, evaluation);
  const [answer, setAnswer] = useState<TrendAnswer | null>(null);
  useEffect(() => {
    if (trend?.state !== 'ready') return;
    setAnswer(trend.answer);
    setGrain(trend.answer.meta.granularity);
  }, [trend]);
  return (
    <section class="course" aria-label="Course">
      <div class="spans" role="group" aria-label="How far back">
        {SPANS.map((each) => (
          <button
            key={each}
            type="button"
            class="button button-small"
            aria-pressed={span === each}
            onClick={() => setSpan(each)}
          >
            {each === 'period' && !isOnTheWay(evaluation) ? 'Recent' : SPAN_WORDS[each]}
          </button>
        ))}
      </div>
      {trend?.state === 'failed' ? <p role="alert">{trend.message}</p> : null}
      {answer === null ? (
        <div class="chart-empty" />
      ) : (
        <Drawn
          answer={answer}
          evaluation={evaluation}
          measure={node?.measure ?? null}
          now={now}
          alerts={history.state === 'ready' ? history.value.data : open}
          wholePeriod={span === 'period'}
          download={store.api.address('v1/trend', {
            ...addressOf(asked),
            ...momentQuery(moment),
            format: 'csv',
          })}
        />
      )}
      <p class="links">
        <a href={store.api.address(`v1/status/${subjectPath(evaluation.subject)}`, momentQuery(moment))}>As JSON</a>
      </p>
    </section>
  );
}

function addressOf({ subject, from, window }: Asked): Record<string, string | null> {
  return { subject, from: from ?? null, window: window ?? null };
}

interface DrawnProps {
  readonly answer: TrendAnswer;
  readonly evaluation: Evaluation;
  readonly measure: string | null;
  readonly now: number;
  readonly alerts: readonly AlertView[];
  readonly wholePeriod: boolean;
  readonly download: string;
}

/** Minutes are enough for shades, and keep the chart from being drawn anew with every tick of the clock. */
const NOW_STEP = 60_000;

function Drawn({ answer, evaluation, measure, now, alerts, wholePeriod, download }: DrawnProps) {
  const minute = Math.floor(now / NOW_STEP) * NOW_STEP;
  const alertKey = alerts.map(({ id, openedAt }) => `${id} ${openedAt}`).join();
  const { subject } = evaluation;
  const points = useMemo(() => pointsOf(subject, answer.data), [answer, subject]);
  const chart = useMemo(
    () => chartOf({ points, evaluation, alerts, now: minute, wholePeriod }),
    [points, evaluation.position, alertKey, minute, wholePeriod],
  );
  const valued = points.filter(({ value }) => value !== null);
  if (valued.length === 0) return <p class="quiet chart-empty">No values in this stretch yet.</p>;
  const byProgress = isByProgress(subject, answer.data);
  const label = `Course of ${valued.length} values from ${valued[0]?.bucket} to ${valued.at(-1)?.bucket}. ${evaluation.sentence}. The numbers follow as a table.`;
  return (
    <>
      <ChartView
        chart={chart}
        timezone={answer.meta.timezone}
        label={label}
        measure={byProgress ? '%' : (measure ?? '')}
      />
      <Numbers subject={subject} rows={answer.data} download={download} />
    </>
  );
}

function Failed({ error }: { readonly error: unknown }) {
  const remedy = error instanceof ApiError ? error.remedy : null;
  return (
    <div role="alert" class="notice notice-bad">
      <b>{error instanceof Error ? error.message : String(error)}</b>
      {remedy === null ? null : <p>{remedy}</p>}
    </div>
  );
}
