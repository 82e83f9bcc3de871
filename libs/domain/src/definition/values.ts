import type { Bands, Bounds } from '../document.ts';
import { parseDecimal } from '../number/decimal.ts';
import { fromScaled, type Rational } from '../number/rational.ts';
import type { BandEdge, CompiledBands, Range } from './compiled.ts';

/** The readings of what stands in a document; `undefined` where it is not what the place takes. */
export function readDecimal(written: unknown): Rational | undefined {
  if (typeof written !== 'string' && typeof written !== 'number') return undefined;
  const value = parseDecimal(String(written));
  return typeof value === 'bigint' ? fromScaled(value) : undefined;
}

export function readBaseline(written: unknown): Rational | 'start' | undefined {
  return written === 'start' ? 'start' : readDecimal(written);
}

export function readRange(written: unknown): Range | undefined {
  if (!isBounds(written)) return undefined;
  const [low, high] = [readDecimal(written.low), readDecimal(written.high)];
  return low === undefined || high === undefined ? undefined : { low, high };
}

export function readOwner(written: unknown): string | undefined {
  return typeof written === 'string' && written !== '' ? written : undefined;
}

export function readWeight(written: unknown): number | undefined {
  const weight = Number(written);
  return Number.isFinite(weight) && weight >= 0 ? weight : undefined;
}

export function readBands(bands: Bands): CompiledBands {
  return {
    onTrack: readEdge(bands.onTrack) ?? null,
    atRisk: readEdge(bands.atRisk) ?? null,
    atRiskRange: readRange(bands.atRisk) ?? null,
  };
}

/** `"95%"` is a share of the expected value, a plain number a value of the full period. */
function readEdge(written: unknown): BandEdge | undefined {
  const text = typeof written === 'string' ? written.trim() : written;
  const share = typeof text === 'string' && text.endsWith('%');
  const value = readDecimal(share ? text.slice(0, -1) : text);
  if (value === undefined) return undefined;
  return share ? { value: { n: value.n, d: value.d * 100n }, share } : { value, share };
}

function isBounds(written: unknown): written is Bounds {
  return typeof written === 'object' && written !== null && 'low' in written && 'high' in written;
}
