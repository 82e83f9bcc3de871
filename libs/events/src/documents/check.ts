import type { Document } from '@paceline/domain';
import { validateDocuments } from '@paceline/domain/definition/validate';
import { type DocumentFault, type Path, pointerOf } from './fault.ts';
import { inOrder, type Loaded, type LoadedDocument, loadDocuments, type SourceText } from './load.ts';
import type { Environment } from './substitute.ts';

/** Everything wrong with the meaning of a whole set, each fault at its line where the document came from a file. */
export function checkDocuments(
  documents: readonly (LoadedDocument | { readonly document: Document })[],
): readonly DocumentFault[] {
  const placeOf = (index: number, path: Path): Pick<DocumentFault, 'file' | 'line' | 'column'> => {
    const loaded = documents[index];
    return loaded !== undefined && 'placeOf' in loaded ? { file: loaded.file, ...loaded.placeOf(path) } : {};
  };
  const found = validateDocuments(documents.map(({ document }) => document)).map((fault): DocumentFault => {
    const first = fault.earlier === undefined ? {} : placeOf(fault.earlier, fault.path);
    return {
      ...placeOf(fault.document, fault.path),
      document: fault.id,
      pointer: pointerOf(fault.path),
      code: fault.code,
      message: first.file === undefined ? fault.message : `${fault.id} is at ${first.file}:${first.line} already`,
      remedy: fault.remedy,
      ...(fault.severity === 'warning' ? { severity: 'warning' } : {}),
    };
  });
  return inOrder(found);
}

export function refuses(faults: readonly DocumentFault[]): boolean {
  return faults.some(({ severity }) => severity !== 'warning');
}

/** Shapes and meaning of a set of texts, all faults at once. `documents` are those whose shape was right. */
export function readDefinitions(texts: readonly SourceText[], env: Environment): Loaded {
  const loaded = loadDocuments(texts, env);
  const broken = new Set(loaded.faults.map(({ document }) => document.slice(document.indexOf('/') + 1)));
  // What names a document that is refused for its own shape would be told that there is none.
  const meant = checkDocuments(loaded.documents).filter(
    ({ code, message }) =>
      code !== 'unknown_reference' || ![...broken].some((name) => name !== '' && message.includes(`"${name}"`)),
  );
  return { documents: loaded.documents, faults: inOrder([...loaded.faults, ...meant]) };
}
