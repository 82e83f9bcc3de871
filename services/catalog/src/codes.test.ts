import { DEFINITION_CODES } from '@paceline/domain/definition/fault';
import { isErrorCode } from '@paceline/runtime';
import { expect, it } from 'vitest';

/** Codes of shape, which the parser of documents gives. */
const SHAPE = [
  'unknown_key',
  'missing_key',
  'invalid_type',
  'invalid_value',
  'invalid_name',
  'invalid_yaml',
  'invalid_date',
  'invalid_duration',
  'invalid_timezone',
  'not_a_number',
  'too_many_digits',
  'too_many_documents',
  'undefined_secret',
];

it.each([...Object.keys(DEFINITION_CODES), ...SHAPE])('%s is in the table of errors', (code) => {
  expect(isErrorCode(code)).toBe(true);
});
