export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string };

/** A number that a double may not keep: more than 15 digits, or an exponent. A guess from above: inside text it costs time only. */
const RISKY = /[:,[\s]-?(?:\d[\d.]{15,}|[\d.]+[eE])/;
/** As many digits tell any two doubles apart; some writers print all of them. */
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

/**
 * Whether `source` is one of the ways in which writers print the double that it became: its shortest text, or all seventeen
 * digits. 0.10000000000000001 is the double 0.1 and counts as that; 9007199254740993 is no double's text and stays.
 */
export function kept(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return false;
  const written = decimalOf(source);
  return written === decimalOf(String(value)) || written === decimalOf(value.toPrecision(DIGITS_OF_A_DOUBLE));
}

/** Sign, digits without outer zeros, and the power of ten of the last one: equal texts for equal decimals. */
function decimalOf(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return text;
  const fraction = match[3] ?? '';
  const digits = (match[2] + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  const exponent = Number(match[4] ?? 0) - fraction.length + (digits.length - significant.length);
  return significant === '' ? '0' : `${match[1]}${significant}e${exponent}`;
}
