import { doubleText } from '../model/format.ts';
import { isByProgress, type Point } from '../model/series.ts';
import { sparkOf } from '../model/spark.ts';
import type { Evaluation } from '../wire.ts';

const BOX = { width: 132, height: 30 };

/** The course of a row beside the line it should follow; in words for those who do not see it. */
export function Sparkline({
  points,
  evaluation,
}: {
  readonly points: readonly Point[];
  readonly evaluation: Evaluation;
}) {
  const spark = sparkOf(points, evaluation, BOX);
  if (spark.last === null) return <span class="quiet">no values yet</span>;
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${BOX.width} ${BOX.height}`}
      width={BOX.width}
      height={BOX.height}
      role="img"
      aria-label={wordsOf(points, evaluation)}
    >
      {spark.band === null ? null : (
        <rect class="spark-band" x="0" y={spark.band.y} width={BOX.width} height={spark.band.height} />
      )}
      {spark.target === '' ? null : <path class="spark-target" d={spark.target} />}
      {spark.pace === '' ? null : <path class="spark-pace" d={spark.pace} />}
      <path class="spark-line" d={spark.line} />
      <circle class="spark-last" cx={spark.last.x} cy={spark.last.y} r="2.2" />
    </svg>
  );
}

function wordsOf(points: readonly Point[], { subject }: Evaluation): string {
  const valued = points.filter(({ value }) => value !== null);
  const [first, last] = [valued[0], valued.at(-1)];
  if (first === undefined || last === undefined) return 'no values yet';
  const unit = isByProgress(subject, []) ? ' %' : '';
  const say = (value: number | null): string => `${doubleText(value ?? 0)}${unit}`;
  const expected = last.expected === null ? '' : `, ${say(last.expected)} expected`;
  return `from ${say(first.value)} on ${first.bucket} to ${say(last.value)} on ${last.bucket}${expected}`;
}
