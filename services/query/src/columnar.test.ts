import { expect, test } from 'vitest';
import { columnarStatement } from './columnar.ts';

test('cells are bound, never written into the statement; columns are typed by their names', () => {
  const { sql, params } = columnarStatement({
    columns: ['bucket', 'from', 'value', 'count', 'final', 'region', 'value'],
    cells: [
      ['2026-11', '2026-11-01T00:00:00Z', '1.5', 3, true, "'); DROP TABLE x; --", 'a dimension'],
      ['2026-12', null, null, undefined, false, '', null],
    ],
  });
  expect(sql).toBe(
    "SELECT if(r.1 = '', NULL, substring(r.1, 2)) AS `bucket`, parseDateTime64BestEffortOrNull(substring(r.2, 2), 6, 'UTC') AS `from`, " +
      'toDecimal128OrNull(substring(r.3, 2), 9) AS `value`, toUInt64OrNull(substring(r.4, 2)) AS `count`, ' +
      "if(r.5 = '', NULL, CAST(r.5 = '=true' AS Bool)) AS `final`, if(r.6 = '', NULL, substring(r.6, 2)) AS `region`, " +
      "if(r.7 = '', NULL, substring(r.7, 2)) AS `dimension_value` FROM (SELECT arrayJoin(arrayZip({c0:Array(String)}, {c1:Array(String)}, " +
      '{c2:Array(String)}, {c3:Array(String)}, {c4:Array(String)}, {c5:Array(String)}, {c6:Array(String)})) AS r)',
  );
  expect(params).toMatchObject({
    c2: ['=1.5', ''],
    c4: ['=true', '=false'],
    c5: ["='); DROP TABLE x; --", '='],
  });
});

test('more than a statement can carry is refused', () => {
  const row = ['x'.repeat(1_000_000)];
  const cells = Array.from({ length: 42 }, () => row);
  expect(() => columnarStatement({ columns: ['bucket'], cells })).toThrow(/do not fit/);
});
