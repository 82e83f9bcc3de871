/**
 * One thing wrong with something a person wrote; the shape that CLI and HTTP share. All faults of an input are found at
 * once. Codes are those of the table in the docs.
 */
export interface DocumentFault {
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  readonly column?: number;
  /** `kpi/new-revenue`; `''` while it is not known which document this is. */
  readonly document: string;
  /** JSON Pointer inside the document. */
  readonly pointer: string;
  readonly code: string;
  readonly message: string;
  /** What to do about it, with the word that was probably meant. */
  readonly remedy: string;
  /** A warning is told and refuses nothing. Absent: an error. */
  readonly severity?: 'warning';
}

export type Path = readonly (string | number)[];

export function pointerOf(path: Path): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** `definitions/kpis.yaml:12:5 kpi/new-revenue /spec/metric: there is no metric "revenu" (did you mean "revenue"?) [unknown_reference]`. */
export function formatFault(fault: DocumentFault): string {
  const place = [fault.file, fault.line, fault.column].filter((part) => part !== undefined).join(':');
  const where = [place, fault.document, fault.pointer].filter((part) => part !== '').join(' ');
  const remedy = fault.remedy === '' ? '' : ` (${fault.remedy})`;
  return `${where === '' ? '' : `${where}: `}${fault.message}${remedy} [${fault.code}]`;
}
