import { type DocumentFault, loadDocuments, readDocument } from '@paceline/events';
import { type Fault, isErrorCode, PacelineError } from '@paceline/runtime';
import type { Given } from './plan.ts';

/** The documents of a request: raw ones of a JSON body, or a YAML text. Throws `invalid_definitions` with all faults of shape. */
export function givenOf(body: string | { readonly documents: readonly unknown[] }): readonly Given[] {
  // References to an environment are the writer's: this process must not fill in its own.
  const read = typeof body === 'string' ? loadDocuments([{ file: 'body', text: body }], {}) : readAll(body.documents);
  if (read.faults.length > 0) throw invalidDefinitions(read.faults);
  return read.documents;
}

function readAll(raw: readonly unknown[]): { readonly documents: readonly Given[]; readonly faults: DocumentFault[] } {
  const documents: Given[] = [];
  const faults: DocumentFault[] = [];
  for (const [index, document] of raw.entries()) {
    const read = readDocument(document, { base: [] });
    if (read.ok) documents.push({ document: read.document });
    // A document of unknown id is named by its place in the body.
    else
      faults.push(
        ...read.faults.map((fault) => (fault.document === '' ? { ...fault, document: `documents/${index}` } : fault)),
      );
  }
  return { documents, faults };
}

export function invalidDefinitions(faults: readonly DocumentFault[]): PacelineError {
  const what = faults.length === 1 ? 'a fault' : `${faults.length} faults`;
  return new PacelineError('invalid_definitions', `the definitions have ${what}; nothing was changed`, {
    faults: faults.map(faultOf),
  });
}

export function faultOf({ code, severity: _, ...rest }: DocumentFault): Fault {
  // The table holds every code of definitions; `codes.test.ts` compares them.
  return { ...rest, code: isErrorCode(code) ? code : 'invalid_value' };
}
