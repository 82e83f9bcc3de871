import type { Command } from 'commander';
import { CHART_COLUMNS_MIN, trendChart } from '../chart/trend-chart.ts';
import { type CommandContext, withApi } from '../context.ts';
import { percent, readable, VERDICT_LOOK } from '../look.ts';
import { type Column, type Output, paint, printRows } from '../output.ts';
import type { TrendAnswer, TrendRow } from '../wire.ts';

/** `trend`: drawn on a terminal, a table elsewhere and where `--output` is given. */
export function registerTrend(program: Command, context: () => CommandContext): void {
  program
    .command('trend')
    .argument('<metric|subject>', 'a metric, or KIND/ID for the judged history of a subject')
    .description('values per bucket of time: drawn on a terminal, a table elsewhere and with --output')
    .option(
      '--window <bucket>',
      'hour, day, week, month, quarter, year, fiscal_quarter, fiscal_year or period; the grain of the metric otherwise',
    )
    .option('--from <date>', 'first day or instant')
    .option('--to <date>', 'day or instant before which it ends')
    .option('--timezone <zone>', 'zone of the buckets; the metric’s own otherwise')
    .option('--group-by <dimensions>', 'dimensions to keep apart, with commas')
    .option('--where <pairs...>', 'dimension=value')
    .option('--as-of <instant>')
    .option('--known-at <instant>')
    .addHelpText(
      'after',
      '\nExamples:\n  paceline trend revenue --window month --from 2026-01-01\n  paceline trend kpi/new-revenue --window week --output csv\n  paceline trend mrr --where region=emea --group-by region',
    )
    .action(async (name: string, options: Record<string, string | undefined> & { where?: string[] }) => {
      const at = context();
      const where = Object.fromEntries(
        (options.where ?? []).map((pair) => {
          const cut = pair.indexOf('=');
          return [`where.${cut < 0 ? pair : pair.slice(0, cut)}`, cut < 0 ? '' : pair.slice(cut + 1)];
        }),
      );
      const query = {
        ...(name.includes('/') ? { subject: name } : { metric: name }),
        window: options.window,
        from: options.from,
        to: options.to,
        timezone: options.timezone,
        group_by: options.groupBy,
        as_of: options.asOf,
        known_at: options.knownAt,
        ...where,
      };
      await withApi(at, async (api) => {
        const answer = await api.json<TrendAnswer>('GET', '/v1/trend', { query });
        print(at, name, answer);
        if (answer.meta.truncated)
          at.output.say(`Later windows did not fit into one answer; ask from ${answer.data.at(-1)?.to} on for more.`);
      });
    });
}

function print({ output }: CommandContext, name: string, answer: TrendAnswer): void {
  const { terminal } = output;
  if (terminal === null || output.asked || terminal.columns < CHART_COLUMNS_MIN)
    printRows(output, answer.data, trendColumns(answer.data, output), answer);
  else output.write(trendChart(output, { name, unit: answer.meta.unit, rows: answer.data }, terminal));
}

function trendColumns(rows: readonly TrendRow[], output: Output): Column<TrendRow>[] {
  const csv = output.format === 'csv';
  const dimensions = [...new Set(rows.flatMap((row) => Object.keys(row.dimensions ?? {})))];
  const judged = rows.some((row) => row.verdict !== undefined);
  const columns: Column<TrendRow>[] = [
    { title: 'bucket', cell: (row) => row.bucket },
    ...dimensions.map((name): Column<TrendRow> => ({ title: name, cell: (row) => row.dimensions?.[name] })),
    { title: 'value', align: 'right', cell: (row) => (csv ? row.value : readable(row.value)) },
    { title: 'points', align: 'right', field: 'count', cell: (row) => row.count },
    { title: 'final', cell: (row) => (csv ? String(row.final) : row.final ? '' : 'provisional') },
  ];
  if (!judged) return columns;
  return [
    ...columns,
    { title: 'target', align: 'right', cell: (row) => (csv ? row.target : readable(row.target ?? null)) },
    {
      title: 'expected',
      align: 'right',
      field: 'expected_value',
      cell: (row) => (csv ? row.expectedValue : readable(row.expectedValue ?? null)),
    },
    { title: 'progress', align: 'right', cell: (row) => (csv ? row.progress : percent(row.progress ?? null)) },
    {
      title: 'verdict',
      cell: (row) => {
        if (csv || row.verdict === undefined || row.verdict === null) return row.verdict;
        const look = VERDICT_LOOK[row.verdict];
        return paint(output, look.tone, `${look.symbol} ${look.text}`);
      },
    },
  ];
}
