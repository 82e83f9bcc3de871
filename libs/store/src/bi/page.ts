import { biViews, metricView } from './index.ts';
import type { BiView } from './view.ts';

/** The text of `docs/bi-views.md`: every view of database `bi` with its columns, read off the views themselves. */
export function biPage(): string {
  const views = biViews({ database: 'paceline', edition: 1 });
  const single = metricView('metric_NAME', { name: 'NAME', title: 'one metric', dimensions: ['DIMENSION'] });
  return [
    '# Views of database `bi`',
    '',
    'What tools read, by ClickHouse’s protocol: [bi.md](bi.md) says how they connect. Names and types are stable: columns are added, never renamed.',
    'Decimals are exact; the column of the same name with `_float` at its end is the same number as a double, for tools that cannot read decimals.',
    'Generated from `libs/store/src/bi` by `npm run docs`; a test compares the two.',
    '',
    ...[...views, single].flatMap(section),
  ].join('\n');
}

function section({ name, comment, columns }: BiView): string[] {
  const shown = columns.filter(
    (column) => !(column.name.endsWith('_float') && columns.some((other) => `${other.name}_float` === column.name)),
  );
  return [
    `## \`${name}\``,
    '',
    comment,
    '',
    '| column | type | meaning |',
    '|---|---|---|',
    ...shown.map((column) => {
      const twin = columns.some((other) => other.name === `${column.name}_float`) ? `, \`${column.name}_float\`` : '';
      return `| \`${column.name}\`${twin} | ${column.type} | ${column.comment.replaceAll('|', '\\|')} |`;
    }),
    '',
  ];
}
