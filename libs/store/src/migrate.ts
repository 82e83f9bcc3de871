import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { StoreError } from './errors.ts';

export interface Migration {
  readonly version: number;
  readonly name: string;
  /** One statement each, in order; every one can be run again after a crash in the middle. */
  readonly statements: readonly string[];
  readonly hash: string;
}

export interface AppliedMigration {
  readonly version: number;
  readonly hash: string;
}

/** `0001_tables.sql` and its followers, ascending by number. */
export function readMigrations(folder = new URL('./migrations/', import.meta.url)): readonly Migration[] {
  return readdirSync(folder)
    .filter((file) => /^\d{4}_\w+\.sql$/.test(file))
    .sort()
    .map((file) => {
      const text = readFileSync(new URL(file, folder), 'utf8');
      return {
        version: Number(file.slice(0, 4)),
        name: file.slice(5, -4),
        statements: statementsOf(text),
        hash: hashOf(text),
      };
    });
}

/** A statement ends with `;` at the end of a line; comments stay, for the engine skips them. */
function statementsOf(text: string): readonly string[] {
  return text
    .split(/;\s*(?:\n|$)/)
    .map((part) => part.trim())
    .filter((part) => part.split('\n').some((line) => line.trim() !== '' && !line.trimStart().startsWith('--')));
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Which migrations are missing. Refuses a schema this code does not know, and one made by an edited migration. */
export function missing(
  known: readonly Migration[],
  applied: readonly AppliedMigration[],
  where: string,
): readonly Migration[] {
  const latest = known.at(-1)?.version ?? 0;
  const newest = applied.reduce((most, { version }) => Math.max(most, version), 0);
  if (newest > latest)
    throw new StoreError(
      'store_schema_newer',
      `The tables of ${where} are at version ${newest}; this program knows versions up to ${latest}. Run the version of Paceline that made them, or a newer one`,
    );
  for (const { version, hash } of applied) {
    const same = known.find((migration) => migration.version === version);
    if (same !== undefined && same.hash !== hash)
      throw new StoreError(
        'store_schema_changed',
        `Migration ${version} of ${where} was applied with another text than this program has. An applied migration must never be edited: add a new one`,
      );
  }
  return known.filter(({ version }) => !applied.some((done) => done.version === version));
}
