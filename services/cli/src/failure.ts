/** What a command ends with when it cannot do its work: exit code 1, the words on stderr. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: string;
  readonly remedy: string | null;
  /** Every fault, when there are several: file, line, code, message, remedy. */
  readonly faults: readonly FaultLine[];
  constructor(
    code: string,
    message: string,
    options: { remedy?: string; faults?: readonly FaultLine[]; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy ?? null;
    this.faults = options.faults ?? [];
  }
}

export interface FaultLine {
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  readonly document?: string | undefined;
  readonly pointer?: string | undefined;
  /** Of a line that was sent, from 0. */
  readonly index?: number | undefined;
  readonly code: string;
  readonly message: string;
  readonly remedy?: string | undefined;
}

/** `definitions/kpis.yaml:12:5: unknown_key: … (did you mean …?)` */
export function faultText(fault: FaultLine): string {
  const place = [fault.file ?? fault.document ?? '', fault.line, fault.column].filter(
    (part) => part !== undefined && part !== '',
  );
  const head = place.length === 0 ? '' : `${place.join(':')}: `;
  const tail = fault.remedy === undefined || fault.remedy === '' ? '' : `\n    ${fault.remedy}`;
  return `${head}${fault.code}: ${fault.message}${tail}`;
}
