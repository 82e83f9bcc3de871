import { percent, VERDICT_LOOK } from '@paceline/domain/look';
import { numberText } from '../model/format.ts';
import { isByProgress } from '../model/series.ts';
import type { TrendRow } from '../wire.ts';
import { Shape } from './shape.tsx';

/** The chart once more, for eyes and programs that do not read pictures. Newest first, as one asks for those. */
export function Numbers({
  subject,
  rows,
  download,
}: {
  readonly subject: string;
  readonly rows: readonly TrendRow[];
  readonly download: string;
}) {
  const byProgress = isByProgress(subject, rows);
  const valued = rows.filter(({ value, progress, verdict }) => value !== null || progress != null || verdict != null);
  const hasRange = rows.some(({ targetLow }) => targetLow != null);
  const share = (ratio: number | null | undefined): string => percent(ratio ?? null);
  return (
    <details class="numbers">
      <summary>Numbers ({valued.length})</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <div class="scroll" tabIndex={0} role="region" aria-label="Numbers of the chart">
        <table>
          <thead>
            <tr>
              <th scope="col">Bucket</th>
              <th scope="col" class="number">
                {byProgress ? 'Progress' : 'Value'}
              </th>
              <th scope="col" class="number">
                Expected
              </th>
              <th scope="col" class="number">
                {hasRange ? 'Range' : 'Target'}
              </th>
              <th scope="col">Verdict</th>
              <th scope="col">Final</th>
            </tr>
          </thead>
          <tbody>
            {valued.toReversed().map((row) => (
              <tr key={row.from}>
                <th scope="row">{row.bucket}</th>
                <td class="number">{byProgress ? share(row.progress) : numberText(row.value)}</td>
                <td class="number">{byProgress ? share(row.expected) : numberText(row.expectedValue)}</td>
                <td class="number">{targetText(row, byProgress)}</td>
                <td>
                  {row.verdict == null ? null : (
                    <span class={`plain-verdict tone-${VERDICT_LOOK[row.verdict].tone}`}>
                      <Shape verdict={row.verdict} size={10} /> {VERDICT_LOOK[row.verdict].text}
                    </span>
                  )}
                </td>
                <td>{row.final ? 'yes' : 'no'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p>
        <a href={download}>As CSV</a>
      </p>
    </details>
  );
}

function targetText(row: TrendRow, byProgress: boolean): string {
  if (byProgress) return '100 %';
  if (row.targetLow != null) return `${numberText(row.targetLow)} – ${numberText(row.targetHigh)}`;
  return numberText(row.target);
}
