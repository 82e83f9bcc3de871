import { describe, expect, it } from 'vitest';
import { RECORD_BYTES_MAX } from './codec.ts';
import { type DeadLetter, decodeDeadLetter, encodeDeadLetter } from './dead-letter.ts';

/** What a log takes: `checkMessages` of @paceline/log. */
const MESSAGE_BYTES_MAX = 6 * 1024 * 1024;
const LETTER: DeadLetter = {
  topic: 'facts.acme',
  offset: 7,
  appendedAt: Date.UTC(2026, 10, 22),
  code: 'invalid_json',
  message: 'no JSON',
  key: new Uint8Array([1, 2]),
  value: new Uint8Array([0xff, 0x00, 0x0a]),
  headers: { ce_type: 'paceline.tick.v1', 'x-foreign': 'é' },
};

function back(letter: DeadLetter) {
  const decoded = decodeDeadLetter({ ...encodeDeadLetter(letter), offset: 0, appendedAt: 0 });
  if (!decoded.ok) throw new Error(decoded.message);
  return decoded.letter;
}

describe('a dead letter', () => {
  it('keeps the record byte for byte', () => {
    expect(back(LETTER)).toStrictEqual(LETTER);
    expect(back({ ...LETTER, index: 3 })).toStrictEqual({ ...LETTER, index: 3 });
  });

  it('holds a message of several lines in a header of one', () => {
    const message = 'Unexpected token \'o\', "{\r\n"a": no\0}" is not valid JSON';
    const { headers } = encodeDeadLetter({ ...LETTER, message });
    expect(headers['dead-message']).toBe('Unexpected token \'o\', "{\\r\\n"a": no\\0}" is not valid JSON');
  });

  it('of a foreign writer has only headers that a log takes', () => {
    const foreign = { '': 'nameless', 'a\nb': 'c\r\nd', big: 'x'.repeat(300_000), last: 'y' };
    const { headers } = encodeDeadLetter({ ...LETTER, headers: { ...LETTER.headers, ...foreign } });
    for (const [name, value] of Object.entries(headers)) expect(`${name}${value}`).not.toMatch(/[\n\r\0]/);
    expect(headers).toMatchObject({ 'a\\nb': 'c\\r\\nd', 'dead-code': 'invalid_json' });
    expect(Object.keys(headers)).not.toContain('');
    expect(headers).not.toHaveProperty('big');
  });

  it('of a record larger than any of ours keeps its beginning and says how long it was', () => {
    const value = new Uint8Array(7 * 1024 * 1024).fill(7);
    const key = new Uint8Array(1024 * 1024);
    const encoded = encodeDeadLetter({ ...LETTER, key, value });
    const headers = Object.entries(encoded.headers).reduce((all, [name, text]) => all + name.length + text.length, 0);
    expect(encoded.value.length + (encoded.key?.length ?? 0) + headers).toBeLessThan(MESSAGE_BYTES_MAX);
    const letter = back({ ...LETTER, value });
    expect(letter.cut).toBe(value.length);
    expect(letter.value).toEqual(value.subarray(0, RECORD_BYTES_MAX));
  });
});
