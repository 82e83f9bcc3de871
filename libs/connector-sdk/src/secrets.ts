import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ConnectorFault } from './fault.ts';
import { createRedactor, type Redactor } from './redact.ts';

/**
 * Where references get their values, resolved anew for every run:
 *
 * - `${secret:NAME#key}` from the environment variable `PACELINE_SECRET_NAME_KEY` (upper case, every other character `_`),
 *   else from the file `secrets/NAME/key` of the project folder, else from the entry `key` of `secrets/NAME.json`.
 * - `${secret:NAME}` from `PACELINE_SECRET_NAME`, else from the file `secrets/NAME`.
 * - `${env:NAME}` and `${env:NAME:-default}` from the environment; names that begin with `PACELINE_` are the server's own.
 *
 * One newline at the end of a file does not count. Substitution happens after parsing and in texts only, so a value can
 * never become a key or change the structure of a document.
 */
export interface SecretsOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The project folder; absent: environment only. */
  readonly dir?: string;
}

export interface Secrets {
  /** Replaces every reference in the texts of a value. All undefined references are named in one fault `undefined_secret`. */
  resolve(value: unknown): Promise<unknown>;
  /** Hides every value that `resolve` has given out. */
  readonly redactor: Redactor;
}

const REFERENCE = /\$\{(secret|env):([^}]*)\}/g;
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/;
const SECRET_BYTES_MAX = 64 * 1024;
const DEPTH_MAX = 20;

/** One session per run: what it gave out is what it hides. */
export function openSecrets(options: SecretsOptions): Secrets {
  const redactor = createRedactor();
  return {
    redactor,
    async resolve(value) {
      const missing: string[] = [];
      const resolved = await walk(value, 0, async (text) => substitute(text, options, redactor, missing));
      if (missing.length > 0) {
        throw new ConnectorFault('config', 'undefined_secret', missing.join('; '), {
          remedy: 'Set the variable where Paceline runs, or put the value into the named file of the project folder.',
        });
      }
      return resolved;
    },
  };
}

/** References in a value, for validation without resolving anything. */
export function referencesIn(value: unknown): string[] {
  const found: string[] = [];
  visit(value, 0, (text) => {
    for (const match of text.matchAll(REFERENCE)) found.push(match[0]);
  });
  return found;
}

async function substitute(
  text: string,
  options: SecretsOptions,
  redactor: Redactor,
  missing: string[],
): Promise<string> {
  const matches = [...text.matchAll(REFERENCE)];
  if (matches.length === 0) return text;
  let out = '';
  let end = 0;
  for (const match of matches) {
    const body = match[2] ?? '';
    const value = match[1] === 'secret' ? await secretValue(body, options) : envValue(body, options);
    if (typeof value !== 'string') missing.push(value.missing);
    else if (match[1] === 'secret') redactor.hide(value);
    out += text.slice(end, match.index) + (typeof value === 'string' ? value : '');
    end = match.index + match[0].length;
  }
  return out + text.slice(end);
}

type Found = string | { readonly missing: string };

function envValue(body: string, options: SecretsOptions): Found {
  const [name = '', ...rest] = body.split(':-');
  const fallback = rest.length === 0 ? undefined : rest.join(':-');
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name)) return { missing: `\${env:${body}} names no variable` };
  if (name.startsWith('PACELINE_')) return { missing: `\${env:${name}} is the server's own and cannot be used` };
  const value = options.env[name];
  if (value !== undefined && value !== '') return value;
  return fallback ?? { missing: `\${env:${name}} is not set and has no default` };
}

async function secretValue(body: string, options: SecretsOptions): Promise<Found> {
  const [name = '', ...rest] = body.split('#');
  const key = rest.length === 0 ? undefined : rest.join('#');
  if (!NAME.test(name) || (key !== undefined && !NAME.test(key))) {
    return { missing: `\${secret:${body}} is not of the form \${secret:NAME#key}` };
  }
  const variable = secretVariable(name, key);
  const fromEnv = options.env[variable];
  if (fromEnv !== undefined && fromEnv !== '') return fromEnv;
  const fromFile =
    options.dir === undefined ? undefined : await secretFile(path.join(options.dir, 'secrets'), name, key);
  const file = key === undefined ? `secrets/${name}` : `secrets/${name}/${key}`;
  return fromFile ?? { missing: `\${secret:${body}} is defined neither by ${variable} nor by the file ${file}` };
}

/** `billing`, `password` → `PACELINE_SECRET_BILLING_PASSWORD`. */
export function secretVariable(name: string, key?: string): string {
  const upper = (text: string): string => text.toUpperCase().replace(/[^A-Z0-9]/g, '_');
  return `PACELINE_SECRET_${upper(name)}${key === undefined ? '' : `_${upper(key)}`}`;
}

async function secretFile(folder: string, name: string, key: string | undefined): Promise<string | undefined> {
  if (key === undefined) return readSmall(path.join(folder, name));
  const plain = await readSmall(path.join(folder, name, key));
  if (plain !== undefined) return plain;
  const file = path.join(folder, `${name}.json`);
  const json = await readSmall(file);
  if (json === undefined) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    // The parser's message quotes the text, which is the secret: it must not become this error's cause.
    throw new ConnectorFault('config', 'undefined_secret', `secrets/${name}.json is no valid JSON`, {
      remedy: 'Write an object with one text for each key.',
    });
  }
  if (typeof parsed !== 'object' || parsed === null || !Object.hasOwn(parsed, key)) return undefined;
  const value: unknown = Object.entries(parsed).find(([entry]) => entry === key)?.[1];
  return typeof value === 'string' ? value : undefined;
}

async function readSmall(file: string): Promise<string | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined;
    throw new ConnectorFault('config', 'undefined_secret', `the secret file ${path.basename(file)} cannot be read`, {
      cause: error,
      remedy: 'Let the user that runs Paceline read it.',
    });
  }
  if (bytes.length > SECRET_BYTES_MAX) {
    throw new ConnectorFault('config', 'undefined_secret', `the secret file ${path.basename(file)} is above 64 KiB`, {
      remedy: 'Secret files hold one value each.',
    });
  }
  return bytes.toString('utf8').replace(/\r?\n$/, '');
}

async function walk(value: unknown, depth: number, change: (text: string) => Promise<string>): Promise<unknown> {
  if (typeof value === 'string') return change(value);
  if (depth > DEPTH_MAX || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Promise.all(value.map((item) => walk(item, depth + 1, change)));
  const entries = await Promise.all(
    Object.entries(value).map(async ([key, item]) => [key, await walk(item, depth + 1, change)] as const),
  );
  return Object.fromEntries(entries);
}

function visit(value: unknown, depth: number, see: (text: string) => void): void {
  if (typeof value === 'string') see(value);
  else if (depth <= DEPTH_MAX && typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) visit(item, depth + 1, see);
  }
}
