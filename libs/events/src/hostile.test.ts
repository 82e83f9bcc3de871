import fc from 'fast-check';
import { describe, it } from 'vitest';
import { decodeAlertRecord } from './alert-records.ts';
import { decodeRecord } from './codec.ts';
import { decodeDeadLetter } from './dead-letter.ts';
import { loadDocuments, readDocument } from './documents/load.ts';
import { readObservation } from './observation-input.ts';

const TYPES = [
  'observations',
  'covered',
  'source_state',
  'definitions',
  'check_in',
  'override',
  'acknowledgement',
  'snooze',
  'silence',
  'tick',
  'transition',
  'delivery',
];
const KEYS = [
  'metric',
  'feeder',
  'points',
  'period',
  'time',
  'value',
  'dimensions',
  'apiVersion',
  'kind',
  'metadata',
  'spec',
  'name',
  'targets',
  'pace',
  'put',
  'remove',
  '__proto__',
  'constructor',
];

/** JSON with keys that mean something here, so that it gets past the first check. */
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    fc.string(),
    fc.constantFrom('2026-11-22', '2026-11-22T06:00:00Z', 'paceline/v1', 'Kpi', 'Metric', '1.5', 'P1D', '1:0'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...KEYS), tie('value'), { maxKeys: 8 }),
  ),
})).value;

describe('whatever stands in a record, a file or a body, reading it does not throw', () => {
  it('records', () => {
    const bytes = fc.oneof(
      json.map((value) => new TextEncoder().encode(JSON.stringify(value) ?? '')),
      fc.uint8Array({ maxLength: 200 }),
    );
    const type = fc.oneof(
      fc.constantFrom(...TYPES).map((name) => `paceline.${name}.v1`),
      fc.string(),
    );
    fc.assert(
      fc.property(bytes, type, fc.string(), (value, ce_type, ce_id) => {
        const record = { key: null, value, headers: { ce_type, ce_id }, offset: 0, appendedAt: 0 };
        decodeRecord(record);
        decodeAlertRecord({ ...record, key: new Uint8Array() });
        decodeDeadLetter(record);
      }),
      { numRuns: 2_000 },
    );
  });
  it('documents and observations', () => {
    fc.assert(
      fc.property(json, fc.constantFrom('Kpi', 'Metric', 'Objective', 'Source', 'Policy'), (value, kind) => {
        readDocument(value, { base: [] });
        readDocument({ apiVersion: 'paceline/v1', kind, metadata: value, spec: value }, { base: [] });
        readObservation(value);
      }),
      { numRuns: 2_000 },
    );
  });
  it('YAML', () => {
    const piece = fc.constantFrom(
      'a',
      ': ',
      '- ',
      '\n',
      '  ',
      '{',
      '}',
      '[',
      ']',
      '&x ',
      '*x',
      '"',
      "'",
      '|',
      '---\n',
      '!t ',
      '? ',
      '${env:A}',
      '#',
      ',',
      'kind',
      'Kpi',
      '\t',
      '%',
      '<<',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        loadDocuments([{ file: 'f', text: pieces.join('') }], {});
      }),
      { numRuns: 2_000 },
    );
  });
});
