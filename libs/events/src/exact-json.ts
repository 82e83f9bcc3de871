export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string };

/** A number that a double may not keep: more than 16 digits, or an exponent. A guess from above: inside text it costs time only. */
const RISKY = /[:,[\s]-?(?:\d[\d.]{16,}|[\d.]+[eE])/;
const DIGITS_OF_A_DOUBLE = 17;

/**
 * JSON whose numbers lose nothing: one that a double does not keep comes back as its source text, every other as a number,
 * which counts by its shortest text.
 */
export function parseExactJson(text: string): ParsedJson {
  try {
    const value: unknown =
      RISKY.test(text) || RISKY.test(`:${text.slice(0, 40)}`) ? JSON.parse(text, exact) : JSON.parse(text);
    return { ok: true, value };
  } catch (cause) {
    return { ok: false, message: cause instanceof Error ? cause.message : String(cause) };
  }
}

function exact(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  return typeof value === 'number' && source !== undefined && !kept(value, source) ? source : value;
}

/** Whether a number written as `source` is the double that it became, as far as seventeen digits tell. */
export function kept(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return false;
  const [digits = '', exponent] = source.split(/[eE]/);
  const significant = digits.replace(/[^0-9]/g, '').replace(/^0+/, '');
  if (value === 0) return significant === '';
  // A subnormal has fewer digits than its text; values that small are refused as written.
  return significant.length <= DIGITS_OF_A_DOUBLE && (exponent === undefined || Math.abs(Number(exponent)) < 290);
}
