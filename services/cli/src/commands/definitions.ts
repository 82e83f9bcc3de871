import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  type DocumentFault,
  documentJsonSchema,
  readDefinitions,
  readTexts,
  refuses,
} from '@paceline/events/documents';
import type { Command } from 'commander';
import { type CommandContext, withApi } from '../context.ts';
import { Failure, faultText } from '../failure.ts';
import { type Output, paint, printDocument, printRows } from '../output.ts';

interface PlanData {
  readonly expects: string | null;
  readonly changes: readonly {
    readonly id: string;
    readonly change: 'added' | 'changed' | 'removed';
    readonly fields: readonly { readonly field: string; readonly before: unknown; readonly after: unknown }[];
  }[];
  readonly unchanged: number;
  readonly consequences: readonly { readonly document: string; readonly code: string; readonly message: string }[];
  readonly warnings: readonly {
    readonly document: string;
    readonly code: string;
    readonly message: string;
    readonly remedy: string;
  }[];
}

export function registerDefinitions(program: Command, context: () => CommandContext): void {
  registerValidate(program, context);
  registerPlan(program, context);
  registerApply(program, context);
  program
    .command('schema')
    .description('print the JSON Schema of definition documents, for completion in editors')
    .action(() => context().output.write(JSON.stringify(documentJsonSchema(), null, 2)));
}

function registerValidate(program: Command, context: () => CommandContext): void {
  program
    .command('validate')
    .argument('[path]', 'file or folder; else the project’s definitions folder')
    .description('check definitions without a server: every fault at once, with its line')
    .action(async (path: string | undefined) => {
      const at = context();
      const read = await readProject(at, path);
      const errors = read.faults.filter(({ severity }) => severity !== 'warning');
      if (at.output.format === 'table') {
        for (const fault of read.faults)
          at.output.say(`${fault.severity === 'warning' ? 'warning: ' : ''}${faultText(fault)}`);
        at.output.write(
          errors.length === 0
            ? `${read.documents.length} documents are valid.`
            : `${errors.length} faults in ${read.files} files.`,
        );
      } else if (at.output.format === 'json') {
        at.output.write(
          JSON.stringify(
            { valid: errors.length === 0, documents: read.documents.length, faults: read.faults },
            null,
            2,
          ),
        );
      } else {
        printRows(at.output, read.faults, [
          { title: 'file', cell: (fault) => fault.file },
          { title: 'line', cell: (fault) => fault.line },
          { title: 'column', cell: (fault) => fault.column },
          { title: 'document', cell: (fault) => fault.document },
          { title: 'pointer', cell: (fault) => fault.pointer },
          { title: 'code', cell: (fault) => fault.code },
          { title: 'message', cell: (fault) => fault.message },
          { title: 'remedy', cell: (fault) => fault.remedy },
        ]);
      }
      if (errors.length > 0) process.exitCode = 1;
    });
}

function registerPlan(program: Command, context: () => CommandContext): void {
  program
    .command('plan')
    .argument('[path]', 'file or folder; else the project’s definitions folder')
    .description('what an apply would change; exit code 2 when something would')
    .option('--prune', 'remove what is not in the files')
    .action(async (path: string | undefined, options: { prune?: boolean }) => {
      const at = context();
      const documents = await validDocuments(at, path);
      await withApi(at, async (api) => {
        const answer = await api.json<{ data: PlanData }>('POST', '/v1/definitions/plan', {
          body: { documents, prune: options.prune === true },
        });
        if (at.output.format === 'table') at.output.write(planText(at.output, answer.data));
        else if (at.output.format === 'json') at.output.write(JSON.stringify(answer, null, 2));
        else
          printRows(at.output, answer.data.changes, [
            { title: 'change', cell: (row) => row.change },
            { title: 'id', cell: (row) => row.id },
            { title: 'fields', cell: (row) => row.fields.map(({ field }) => field).join(' ') },
          ]);
        if (answer.data.changes.length > 0) process.exitCode = 2;
      });
    });
}

function registerApply(program: Command, context: () => CommandContext): void {
  program
    .command('apply')
    .argument('[path]', 'file or folder; else the project’s definitions folder')
    .description('make the files the definitions')
    .option('--prune', 'remove what is not in the files')
    .option('--expects <position>', 'only when the definitions are those of this position (a plan prints it)')
    .addHelpText(
      'after',
      '\nExamples:\n  paceline apply\n  paceline plan --output json | jq -r .data.expects | xargs -I{} paceline apply --expects {}',
    )
    .action(async (path: string | undefined, options: { prune?: boolean; expects?: string }) => {
      const at = context();
      const documents = await validDocuments(at, path);
      await withApi(at, async (api) => {
        const answer = await api.json<{ position: string | null; data: { outcome: string; plan: PlanData | null } }>(
          'POST',
          '/v1/definitions/apply',
          {
            body: {
              documents,
              prune: options.prune === true,
              ...(options.expects === undefined ? {} : { expects: options.expects }),
            },
          },
        );
        const { plan, outcome } = answer.data;
        const text = [
          ...(plan === null || outcome === 'unchanged' ? [] : [planText(at.output, plan)]),
          outcome === 'unchanged'
            ? 'Nothing to change.'
            : outcome === 'pending'
              ? 'Appended; the outcome is not known yet.'
              : `Applied at position ${answer.position ?? ''}.`,
        ];
        printDocument(
          at.output,
          { position: answer.position, outcome, changes: plan?.changes ?? [], consequences: plan?.consequences ?? [] },
          text.join('\n'),
        );
      });
    });
}

async function readProject(at: CommandContext, path: string | undefined) {
  // Scenarios and other YAML may lie beside the definitions: the folder of that name is meant when there is one.
  const own = join(at.dir, 'definitions');
  const target = path === undefined ? (existsSync(own) ? own : at.dir) : resolve(path);
  const { texts, faults } = await readTexts(target, process.cwd());
  const loaded = readDefinitions(texts, process.env);
  return { documents: loaded.documents, faults: [...faults, ...loaded.faults], files: texts.length };
}

/** The project's documents, or a failure that tells every fault with its line. */
export async function validDocuments(at: CommandContext, path: string | undefined) {
  const { documents, faults, files } = await readProject(at, path);
  if (refuses(faults)) {
    throw new Failure(
      'invalid_definitions',
      `the definitions have ${count(faults)} in ${files} files; nothing was sent`,
      {
        faults: faults.filter(({ severity }) => severity !== 'warning'),
        remedy: 'Correct the lines above; `paceline validate` shows them again.',
      },
    );
  }
  if (documents.length === 0) {
    throw new Failure('no_definitions', `there are no definitions in ${path ?? at.dir}`, {
      remedy: 'Write YAML documents there, or start from `paceline init DIR`.',
    });
  }
  for (const fault of faults) at.output.say(`warning: ${faultText(fault)}`);
  return documents.map(({ document }) => document);
}

function count(faults: readonly DocumentFault[]): string {
  const errors = faults.filter(({ severity }) => severity !== 'warning').length;
  return errors === 1 ? 'a fault' : `${errors} faults`;
}

const SIGNS = { added: '+', changed: '~', removed: '-' } as const;
const TONES = { added: 'green', changed: 'yellow', removed: 'red' } as const;
const FIELDS_MAX = 12;

function planText(output: Output, plan: PlanData): string {
  const lines = plan.changes.flatMap((change) => [
    paint(output, TONES[change.change], `${SIGNS[change.change]} ${change.id}`),
    ...(change.change === 'changed'
      ? change.fields
          .slice(0, FIELDS_MAX)
          .map((field) => `    ${field.field}: ${short(field.before)} → ${short(field.after)}`)
      : []),
    ...(change.change === 'changed' && change.fields.length > FIELDS_MAX
      ? [`    and ${change.fields.length - FIELDS_MAX} more`]
      : []),
  ]);
  const tally = (kind: keyof typeof SIGNS): number => plan.changes.filter(({ change }) => change === kind).length;
  return [
    ...lines,
    ...plan.consequences.map(({ document, message }) => `! ${document}: ${message}`),
    plan.changes.length === 0
      ? `No changes: ${plan.unchanged} documents are as they were.`
      : `${tally('added')} to add, ${tally('changed')} to change, ${tally('removed')} to remove, ${plan.unchanged} unchanged.`,
  ].join('\n');
}

function short(value: unknown): string {
  const text = value === undefined ? 'absent' : typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
