import { ConnectorFault } from '@paceline/connector-sdk';

/** Parses JSON without losing digits: a number that a double cannot hold stays the text it was written as. */
export function parseExactJson(text: string, where: string): unknown {
  // Node gives the source text of primitives as a third argument; TypeScript's library does not know it yet.
  const keepDigits = function (
    this: unknown,
    _key: string,
    value: unknown,
    context?: { readonly source?: string },
  ): unknown {
    return typeof value === 'number' && context?.source !== undefined && !survives(value, context.source)
      ? context.source
      : value;
  };
  try {
    return JSON.parse(text, keepDigits);
  } catch (cause) {
    const shown = text.slice(0, 80).replace(/\s+/g, ' ');
    throw new ConnectorFault(
      'config',
      'invalid_json',
      `${where} gives no valid JSON; it begins with ${JSON.stringify(shown)}`,
      {
        cause,
        remedy: 'Check the address: a login page or an error page often hides behind it.',
      },
    );
  }
}

/** Whether the double prints as the same decimal that was written. */
function survives(value: number, source: string): boolean {
  const printed = String(value);
  return printed === source || (Number.isFinite(value) && plainDigits(printed) === plainDigits(source));
}

/** Sign, digits without outer zeros, and the power of ten of the last one: equal for equal decimals. */
function plainDigits(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return text;
  const fraction = match[3] ?? '';
  const digits = (match[2] + fraction).replace(/^0+/, '');
  const trimmed = digits.replace(/0+$/, '');
  const exponent = Number(match[4] ?? 0) - fraction.length + (digits.length - trimmed.length);
  return trimmed === '' ? '0' : `${match[1]}${trimmed}e${exponent}`;
}
