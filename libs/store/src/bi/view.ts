/** A view of database `bi`: what it is called, what its columns mean, and what it selects. */
export interface BiView {
  readonly name: string;
  readonly comment: string;
  readonly columns: readonly BiColumn[];
  /** Selects the columns in their order; unqualified tables are those of the edition's database. */
  readonly select: string;
}

export interface BiColumn {
  readonly name: string;
  /** ClickHouse's name of the type. */
  readonly type: string;
  readonly comment: string;
}

/** What the texts of views depend on: which database and evaluator's edition they show. */
export interface BiScope {
  /** The store's database; views name its tables in full. */
  readonly database: string;
  readonly edition: number;
}

export const DECIMAL = 'Nullable(Decimal(38, 9))';
export const RATIO = 'Nullable(Float64)';
export const INSTANT = "DateTime64(6, 'UTC')";
export const NAME = 'LowCardinality(String)';

export function column(name: string, type: string, comment: string): BiColumn {
  return { name, type, comment };
}

/** A decimal and its twin, for tools that cannot read decimals. */
export function decimalColumns(name: string, comment: string): readonly BiColumn[] {
  return [
    column(name, DECIMAL, comment),
    column(`${name}_float`, RATIO, `${name} as a double, for tools that cannot read decimals`),
  ];
}

/** A decimal expression and its twin in a select list. */
export function decimalItems(name: string, expression: string): string {
  return `${expression} AS ${name}, toFloat64(${name}) AS ${name}_float`;
}

/** Positions as every surface prints them: `1841:0`. */
export function positionItem(expression: string): string {
  return `concat(toString(intDiv(${expression}, 1024)), ':', toString(${expression} % 1024))`;
}

/** The documents and key results as last written, removed ones too. */
export function definitionRows({ database }: BiScope): string {
  return `(SELECT * FROM \`${database}\`.bi_definition FINAL)`;
}

/** Makes or replaces a view. Columns are written out, because only then they can have comments. */
export function createView(into: string, view: BiView): string {
  const columns = view.columns.map(
    ({ name, type, comment }) => `  ${quotedName(name)} ${type} COMMENT ${quotedText(comment)}`,
  );
  return `CREATE OR REPLACE VIEW ${quotedName(into)}.${quotedName(view.name)}
(
${columns.join(',\n')}
)
AS ${view.select}
COMMENT ${quotedText(view.comment)}`;
}

export function quotedName(name: string): string {
  return `\`${name.replace(/[\\`]/g, (character) => `\\${character}`)}\``;
}

/** A brace is written by its code, because `{name:Type}` is a parameter wherever it stands in a statement. */
export function quotedText(text: string): string {
  const escaped = text.replace(/[\\']/g, (character) => `\\${character}`);
  return `'${escaped.replaceAll('{', '\\x7B').replaceAll('\0', '\\0')}'`;
}
