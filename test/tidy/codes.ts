import type { Source } from './sources.ts';

/** Errors whose first argument is their code. */
const CODE_FIRST = /\bnew (?:PacelineError|StoreError|LogRefused|Failure)\(\s*'([a-z0-9_]+)'/g;
/** Errors of connectors: the kind comes first. */
const CODE_SECOND = /\b(?:new ConnectorFault|fault)\(\s*'[a-z_]+',\s*'([a-z0-9_]+)'/g;
/** `export type ObservationCode = | 'a' | 'b';` */
const UNION = /\bexport type \w*Code\s*=\s*((?:\|?\s*'[a-z0-9_]+'\s*)+);/g;

/** Codes that a source can give to a caller. */
export function codesOf(source: Source): string[] {
  if (source.isTest || !/^(libs|services)\//.test(source.path)) return [];
  const given = [CODE_FIRST, CODE_SECOND].flatMap((pattern) =>
    [...source.text.matchAll(pattern)].map(([, code]) => code ?? ''),
  );
  const unions = [...source.text.matchAll(UNION)].flatMap(([, members]) =>
    [...(members ?? '').matchAll(/'([a-z0-9_]+)'/g)].map(([, code]) => code ?? ''),
  );
  return [...new Set([...given, ...unions])];
}
