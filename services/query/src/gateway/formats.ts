/** Formats that are written without a schema file, a wire protocol or a template. */
export const FORMATS: ReadonlySet<string> = new Set(
  `TabSeparated TSV TabSeparatedRaw TSVRaw Raw TabSeparatedWithNames TSVWithNames TabSeparatedWithNamesAndTypes TSVWithNamesAndTypes
   TabSeparatedRawWithNames TSVRawWithNames TabSeparatedRawWithNamesAndTypes TSVRawWithNamesAndTypes TSKV
   CSV CSVWithNames CSVWithNamesAndTypes Values Vertical Null Markdown MD XML
   JSON JSONStrings JSONColumns JSONColumnsWithMetadata JSONCompact JSONCompactStrings JSONCompactColumns JSONObjectEachRow
   JSONEachRow JSONLines JSONL NDJSON JSONStringsEachRow JSONCompactEachRow JSONCompactEachRowWithNames JSONCompactEachRowWithNamesAndTypes
   JSONCompactStringsEachRow JSONCompactStringsEachRowWithNames JSONCompactStringsEachRowWithNamesAndTypes PrettyJSONEachRow
   JSONEachRowWithProgress JSONStringsEachRowWithProgress JSONCompactEachRowWithProgress JSONCompactStringsEachRowWithProgress
   RowBinary RowBinaryWithNames RowBinaryWithNamesAndTypes Native ODBCDriver2
   Parquet Arrow ArrowStream ORC Avro MsgPack BSONEachRow
   Pretty PrettyNoEscapes PrettyCompact PrettyCompactNoEscapes PrettyCompactMonoBlock PrettySpace PrettySpaceNoEscapes PrettyMonoBlock`.split(
    /\s+/,
  ),
);

export const FORMAT_DEFAULT = 'TabSeparated';
