import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shareTopics } from './share.ts';

test('owners keep what they have when a member joins, and loads stay even', () => {
  const topics = ['a', 'b', 'c', 'd', 'e'];
  const shares = shareTopics([
    { id: '1', subscribed: topics, owned: topics },
    { id: '2', subscribed: topics, owned: [] },
  ]);
  expect(shares.get('1')).toEqual(['a', 'b', 'c']);
  expect(shares.get('2')).toEqual(['d', 'e']);
});

test('a topic goes only to a member that knows it', () => {
  const shares = shareTopics([
    { id: '1', subscribed: ['a'], owned: ['a'] },
    { id: '2', subscribed: ['a', 'new'], owned: [] },
  ]);
  expect(shares).toEqual(
    new Map([
      ['1', ['a']],
      ['2', ['new']],
    ]),
  );
});

test('every topic has exactly one owner that is subscribed to it, loads of equals differ by at most one, and sharing again moves nothing', () => {
  const topics = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const member = fc.record({ owned: fc.subarray(topics) });
  fc.assert(
    fc.property(fc.array(member, { minLength: 1, maxLength: 5 }), (given) => {
      const members = given.map(({ owned }, i) => ({ id: String(i), subscribed: topics, owned }));
      const shares = shareTopics(members);
      expect([...shares.values()].flat().sort()).toEqual(topics);
      const loads = [...shares.values()].map((share) => share.length);
      expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
      const again = shareTopics(members.map((one) => ({ ...one, owned: shares.get(one.id) ?? [] })));
      for (const [id, share] of shares) expect(again.get(id)?.toSorted()).toEqual(share.toSorted());
    }),
  );
});
