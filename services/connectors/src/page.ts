import { configSchema, secretPointers } from '@paceline/connector-sdk';
import { CONNECTORS, loadConnector } from './registry.ts';

/** The text of `docs/connectors.md`: what holds for every source, then each connector's settings, read off its schema. */
export async function connectorsPage(): Promise<string> {
  const lines = [INTRODUCTION];
  for (const id of CONNECTORS) {
    const { spec } = await loadConnector(id);
    const schema = configSchema(spec);
    const secrets = new Set(secretPointers(schema));
    lines.push(
      `## ${id}`,
      '',
      `${spec.title}. Reads by ${spec.modes.join(' or ')}.`,
      '',
      NOTES[id] ?? '',
      '',
      '| setting | | default | meaning |',
      '|---|---|---|---|',
    );
    for (const row of rowsOf(schema, '', secrets))
      lines.push(`| \`${row.key}\` | ${row.kind} | ${row.byDefault} | ${row.meaning} |`);
    lines.push('');
  }
  return lines.join('\n');
}

interface Row {
  readonly key: string;
  readonly kind: string;
  readonly byDefault: string;
  readonly meaning: string;
}

function rowsOf(schema: unknown, at: string, secrets: ReadonlySet<string>): Row[] {
  const properties = member(schema, 'properties');
  if (typeof properties !== 'object' || properties === null) return [];
  const required = member(schema, 'required');
  return Object.entries(properties).flatMap(([name, property]) => {
    const pointer = `${at}/${name}`;
    const needed = Array.isArray(required) && required.includes(name) && member(property, 'default') === undefined;
    const kind = [needed ? (at === '' ? 'required' : 'required in it') : '', secrets.has(pointer) ? 'secret' : '']
      .filter((word) => word !== '')
      .join(', ');
    const byDefault = member(property, 'default');
    const options = member(property, 'anyOf');
    const inner = Array.isArray(options)
      ? options.flatMap((option: unknown) => rowsOf(option, pointer, secrets))
      : rowsOf(property, pointer, secrets);
    const row = {
      key: pointer.slice(1).replaceAll('/', '.'),
      kind,
      byDefault:
        byDefault === undefined || typeof byDefault === 'object'
          ? ''
          : `\`${JSON.stringify(byDefault).replaceAll('|', '\\|')}\``,
      meaning: meaningOf(property),
    };
    return inner.length > 0 && row.meaning === '' ? inner : [row, ...inner];
  });
}

function meaningOf(property: unknown): string {
  const description = member(property, 'description');
  const choices = member(property, 'enum');
  const said = typeof description === 'string' ? description : '';
  const listed = Array.isArray(choices) ? choices.map((choice) => `\`${String(choice)}\``).join(', ') : '';
  return [said, listed]
    .filter((part) => part !== '')
    .join(': ')
    .replaceAll('|', '\\|');
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}

const NOTES: Readonly<Record<string, string>> = {
  postgres: [
    '`query` is one SELECT bounded by `:from` and `:to`, as in `WHERE day >= :from AND day < :to`. They are bound as parameters, never written into',
    'the text: local time with its offset, which a `date`, a `timestamp` and a `timestamptz` column all read rightly. `:from_date` and `:from_utc` (and the',
    'same for `to`) are there for days kept as text and for times kept in UTC without a zone. The session is read-only, in UTC, and every value comes as',
    "the server's own text. With `cursor` rows are read after (column, key) instead; what is newer than now minus `schedule.settle` waits, so that a row",
    'committed late is not passed by.',
  ].join('\n'),
  csv: [
    'Files are read whole, but only when one of them, the definitions or the day has changed. They cover what their rows span, up to now minus `settle`;',
    'rows after it wait. Without `window.lookback` every row is compared with what was said before; give one for files of more than some ten thousand rows.',
  ].join('\n'),
  'http-json': [
    'An address that names `{from}` and `{to}` (or `{from_date}`, `{from_utc}`, `{from_unix}` and the same for `to`) is asked for each window; any other is read',
    'whole each time, as a file is. `query`, if given, is a path below `url`. Numbers keep all their digits. Answers 429 and 5xx are tried again as',
    '`Retry-After` says; redirects are followed, without credentials at another host; pages that go round are refused.',
  ].join('\n'),
};

const INTRODUCTION = `# Connectors

A source is a document; its connector reads it, and the runtime does the rest: windows, mapping, change detection, retraction, coverage, state.
Generated from the connectors' own schemas by \`npm run docs\`; a test compares the two.

## What holds for every source

- **Windows.** A run reads from the last covered end minus \`window.lookback\` up to its start minus \`schedule.settle\`, in whole periods: of \`window.period\`, and of
  the grain of every mapped metric that takes one value a bucket. The running period is never read. The first run begins at \`window.start\`.
- **Mapping.** \`map.time\` names a bucket (\`2026-11-22\`, \`2026-W47\`, \`2026-11\`), its first day or its first instant; for metrics of samples an instant, local times being those of
  the metric's zone, or seconds since 1970. Columns are named as the source names them; in JSON also by JSON Pointers such as \`/total/amount\`. An empty
  value is none. Two rows that give one point different values are refused: group them, or map what tells them apart.
- **Changes.** Only changed points are written, and once a day the whole window. A point that is gone is retracted; a window that would lose more than half of its points, and
  more than ten, writes nothing and fails with \`mass_retraction\` until a person confirms it.
- **Refused rows** are named with place, code and reason. The others are taken, but the window is not covered, and is read again until it is clean.
- **State** is kept under the source's name, in the log. Reading from an old state only repeats work.
- **Secrets** are references. \`\${secret:NAME#key}\` is the variable \`PACELINE_SECRET_NAME_KEY\`, else the file \`secrets/NAME/key\` of the project folder, else the entry
  \`key\` of \`secrets/NAME.json\`; \`\${secret:NAME}\` is \`PACELINE_SECRET_NAME\`, else the file \`secrets/NAME\`. They are read anew for every run and hidden by value in logs, errors, checks and previews;
  shorter ones than four characters are not. \`\${env:NAME:-default}\` takes other variables. Settings marked *secret* take nothing but references.
- **Egress.** Public hosts may be reached. Hosts in private networks, and this machine, only as \`egress.allow\` in paceline.yaml says: names, \`*.domain\`, addresses or CIDRs, each
  with an optional port. Link-local addresses and cloud metadata are never reached. Every address is checked, and the one that was checked is dialled.
- **Back-pressure.** A run waits while 2,000,000 points are not yet processed, a backfill while 200,000 are.
`;
