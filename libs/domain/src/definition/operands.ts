import { isAdditive, parseExpression } from '../metric/expression.ts';

export type OperandsRead =
  | { readonly ok: true; readonly operands: readonly string[]; readonly additive: boolean }
  | { readonly ok: false; readonly message: string };

/** The metrics a derived metric names, and whether only + and − join them. */
export function operandsOf(expression: string): OperandsRead {
  const parsed = parseExpression(String(expression));
  if (!parsed.ok) return { ok: false, message: `column ${parsed.column}: ${parsed.message}` };
  if (parsed.operands.length === 0) return { ok: false, message: 'it reads no metric' };
  return { ok: true, operands: parsed.operands, additive: isAdditive(parsed.expression) };
}
