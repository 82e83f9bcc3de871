import { expect, test } from 'vitest';
import { bind, identifier } from './bind.ts';

test('each value becomes a literal of the type its place names', () => {
  const text = bind({
    sql: 'SELECT {s:String}, {n:UInt64}, {b:Bool}, {at:Instant}, {list:Array(String)}, {ats:Array(Instant)}, {db:Identifier}',
    params: { s: "it's \\ \0", n: 5, b: false, at: 1.5, list: ["a'b", '\\'], ats: [0, 0.001], db: 'edition_2' },
  });
  expect(text).toBe(
    `SELECT 'it\\'s \\\\ \\0', CAST(5 AS UInt64), false, fromUnixTimestamp64Micro(CAST(1500 AS Int64), 'UTC'), ` +
      `CAST('[\\'a\\\\\\'b\\',\\'\\\\\\\\\\']' AS Array(String)), CAST('[0,1]' AS Array(Int64)), \`edition_2\``,
  );
});

test('a value that looks like a place is not filled in again', () => {
  expect(bind({ sql: 'SELECT {a:String}, {b:String}', params: { a: '{b:String}', b: 'x' } })).toBe(
    `SELECT '{b:String}', 'x'`,
  );
});

test('an endless bound is the end of what the engine’s time holds', () => {
  const text = bind({
    sql: '{from:Instant} {to:Instant}',
    params: { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY },
  });
  expect(text).toContain(`CAST(${Date.UTC(1900, 0, 1) * 1000} AS Int64)`);
  expect(text).toContain(`CAST(${Date.UTC(2299, 11, 31, 23, 59, 59, 999) * 1000} AS Int64)`);
});

test.each([
  ['SELECT {a:String}', {}, /a of a statement has no value/],
  ['SELECT 1', { a: 1 }, /a stands nowhere/],
  ['SELECT {a:String}', { a: 1 }, /must be text/],
  ['SELECT {a:String}', { a: '\ud800' }, /surrogate/],
  ['SELECT {a:UInt64}', { a: 1.5 }, /whole number/],
  ['SELECT {a:UInt64}', { a: '1; DROP' }, /whole number/],
  ['SELECT {a:Float64}', { a: Number.NaN }, /finite/],
  ['SELECT {a:Instant}', { a: Number.NaN }, /instant/],
  ['SELECT {a:Bool}', { a: 1 }, /true or false/],
  ['SELECT {a:Array(String)}', { a: 'x' }, /array/],
  ['SELECT {a:Array(UInt64)}', { a: ['1'] }, /whole number/],
  ['SELECT {a:Map(String, String)}', { a: {} }, /no literal/],
  ['SELECT {a:Array(Bool)}', { a: [true] }, /no literal/],
])('%s with %j is a bug and says so', (sql, params, message) => {
  expect(() => bind({ sql, params })).toThrow(message);
});

test('names of databases are plain', () => {
  for (const name of ['', '1a', 'a-b', 'a`b', 'a.b', 'ü']) expect(() => identifier(name)).toThrow(/no name/);
});
