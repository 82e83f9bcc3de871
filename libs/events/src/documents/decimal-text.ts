/**
 * Decimals as people and programs write them, to the canonical text of the pipeline: no exponent, no leading plus or zeros,
 * no trailing zeros, no `-0`; at most 38 digits with 9 after the point (EVALUATION, Numbers).
 */
export type DecimalReading =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly code: 'not_a_number' | 'too_many_digits'; readonly message: string };

const WRITTEN = /^([-+]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([-+]?\d{1,9}))?$/;
const PLACES_MAX = 9;
const WHOLE_MAX = 29;
/** Longer texts are refused unread. */
const LENGTH_MAX = 400;

/** A number counts by its shortest text, a string by what it says. */
export function readDecimal(written: string | number): DecimalReading {
  const source = String(written).trim();
  const match = source.length > LENGTH_MAX ? null : WRITTEN.exec(source);
  if (match === null) {
    return { ok: false, code: 'not_a_number', message: `${quote(source)} is no decimal number` };
  }
  const whole = match[2] ?? '';
  const fraction = match[3] ?? match[4] ?? '';
  const digits = whole + fraction;
  const point = whole.length + Number(match[5] ?? 0);
  const first = digits.search(/[1-9]/);
  if (first === -1) return { ok: true, text: '0' };
  const last = digits.length - /0*$/.exec(digits)![0].length;
  if (point - first > WHOLE_MAX || last - point > PLACES_MAX) {
    return {
      ok: false,
      code: 'too_many_digits',
      message: `${quote(source)} has more than ${WHOLE_MAX} digits before or ${PLACES_MAX} after the point`,
    };
  }
  const before = point <= first ? '0' : digits.slice(first, point).padEnd(point - first, '0');
  const after = last <= point ? '' : point < 0 ? '0'.repeat(-point) + digits.slice(0, last) : digits.slice(point, last);
  return { ok: true, text: (match[1] === '-' ? '-' : '') + before + (after === '' ? '' : `.${after}`) };
}

function quote(text: string): string {
  return `"${text.length > 60 ? `${text.slice(0, 57)}…` : text}"`;
}
