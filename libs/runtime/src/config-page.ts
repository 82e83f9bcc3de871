import { z } from 'zod';
import { ENVIRONMENT } from './config-env.ts';
import { bareSchema, fileSchema } from './config-schema.ts';

/** The text of `docs/configuration.md`: every key with variable, default and meaning, read off the schema itself. */
export function configurationPage(): string {
  const lines = [
    '# Configuration',
    '',
    '`paceline.yaml` in the project folder, overridden by variables, overridden by the command line. Everything may be left out.',
    'Unknown keys and variables are refused; all faults are listed at once and the command exits 1.',
    'Paceline runs on embedded parts until Kafka, ClickHouse and Redis all have addresses.',
    'Generated from `libs/runtime/src/config-schema.ts` by `npm run docs`; a test compares the two.',
    '',
    '| key | variable | default | meaning |',
    '|---|---|---|---|',
  ];
  for (const row of rows(fileSchema, [])) {
    const variable = ENVIRONMENT.find(({ path }) => path.join('.') === row.key)?.variable;
    lines.push(
      `| \`${row.key}\` | ${variable === undefined ? '' : `\`${variable}\``} | ${row.byDefault} | ${row.meaning.replaceAll('|', '\\|')} |`,
    );
  }
  lines.push(
    '',
    'Lists in variables are separated by commas; flags are `true` or `false`. `PACELINE_DIR`, `PACELINE_URL`, `PACELINE_OUTPUT` and',
    '`PACELINE_API_KEY` stand for options of the command line; `PACELINE_SECRET_*` hold secrets.',
    '',
  );
  return lines.join('\n');
}

const CREDENTIALS: Readonly<Record<string, string>> = {
  user: 'User, where the server asks for one.',
  password: 'Its password.',
  tls: 'Whether to speak TLS.',
  url: 'Address of the server.',
};

interface Row {
  readonly key: string;
  readonly byDefault: string;
  readonly meaning: string;
}

function rows(schema: z.ZodObject, path: readonly string[]): Row[] {
  return Object.entries(schema.shape).flatMap(([name, field]) => {
    const inner = bareSchema(field);
    const keys = [...path, name];
    if (inner instanceof z.ZodObject) return rows(inner, keys);
    const meaning = field instanceof z.ZodType ? field.description : undefined;
    return [{ key: keys.join('.'), byDefault: defaultOf(field), meaning: meaning ?? CREDENTIALS[name] ?? '' }];
  });
}

function defaultOf(field: unknown): string {
  if (!(field instanceof z.ZodDefault) || field.def.defaultValue === null) return '';
  return `\`${JSON.stringify(field.def.defaultValue).replaceAll('"', '')}\``;
}
