import { randomBytes } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A CSV of the example that is published little by little, as it was in its time. */
interface GrowingFile {
  readonly name: string;
  readonly header: string;
  /** Each line with the first day after what it tells of. */
  readonly lines: readonly { readonly text: string; readonly ends: string }[];
}

export interface DemoProject {
  readonly dir: string;
  /** Signs the alerts of this demo alone. */
  readonly secret: string;
  readonly unemploymentFile: string;
  /** Writes the CSV files as they stood on a day. */
  publish(day: string): Promise<void>;
}

/** A fresh copy of the example to play in. The example itself is never written to. */
export async function prepareProject(example: string, dir: string): Promise<DemoProject> {
  await rm(dir, { recursive: true, force: true });
  await mkdir(join(dir, 'data'), { recursive: true });
  await cp(join(example, 'definitions'), join(dir, 'definitions'), { recursive: true });
  await cp(join(example, 'paceline.yaml'), join(dir, 'paceline.yaml'));
  const files = [
    await growing(join(example, 'data'), 'us-employment.csv', nextMonth),
    await growing(join(example, 'data'), 'iowa-electricity.csv', nextYear),
  ];
  return {
    dir,
    secret: `whsec_${randomBytes(24).toString('base64')}`,
    unemploymentFile: join(example, 'data', 'unemployment.json'),
    async publish(day) {
      for (const file of files) {
        const known = file.lines.filter(({ ends }) => ends <= day).map(({ text }) => text);
        await writeFile(join(dir, 'data', file.name), `${[file.header, ...known].join('\n')}\n`);
      }
    },
  };
}

async function growing(folder: string, name: string, ends: (day: string) => string): Promise<GrowingFile> {
  const [header = '', ...lines] = (await readFile(join(folder, name), 'utf8')).trim().split('\n');
  return { name, header, lines: lines.map((text) => ({ text, ends: ends(text.slice(0, 10)) })) };
}

function nextMonth(day: string): string {
  const [year, month] = [Number(day.slice(0, 4)), Number(day.slice(5, 7))];
  return new Date(Date.UTC(year, month, 1)).toISOString().slice(0, 10);
}

function nextYear(day: string): string {
  return `${Number(day.slice(0, 4)) + 1}-01-01`;
}
