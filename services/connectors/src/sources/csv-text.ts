import { ConnectorFault } from '@paceline/connector-sdk';

export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252', 'iso-8859-15'] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** A byte order mark says more than a setting: it was written by the program that wrote the file. */
function marked(first: Uint8Array): { readonly encoding: Encoding; readonly length: number } | undefined {
  if (first[0] === 0xef && first[1] === 0xbb && first[2] === 0xbf) return { encoding: 'utf-8', length: 3 };
  if (first[0] === 0xff && first[1] === 0xfe) return { encoding: 'utf-16le', length: 2 };
  if (first[0] === 0xfe && first[1] === 0xff) return { encoding: 'utf-16be', length: 2 };
  return undefined;
}

/** Bytes as text, in pieces. Bytes that the encoding does not have are an error at their line, never a question mark. */
export async function* decodeText(
  chunks: AsyncIterable<Uint8Array>,
  encoding: Encoding,
  file: string,
): AsyncIterable<string> {
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  let used: Encoding = encoding;
  let lines = 1;
  for await (const chunk of chunks) {
    let bytes = chunk;
    if (decoder === undefined) {
      const mark = marked(chunk);
      used = mark?.encoding ?? encoding;
      decoder = new TextDecoder(used, { fatal: true, ignoreBOM: false });
      bytes = chunk.subarray(mark?.length ?? 0);
    }
    const text = decodePiece(decoder, bytes, used, file, lines);
    lines += text.split('\n').length - 1;
    yield text;
  }
  if (decoder === undefined) return;
  try {
    yield decoder.decode();
  } catch (error) {
    throw undecodable(error, used, file, lines);
  }
}

function decodePiece(
  decoder: InstanceType<typeof TextDecoder>,
  bytes: Uint8Array,
  encoding: Encoding,
  file: string,
  line: number,
): string {
  try {
    return decoder.decode(bytes, { stream: true });
  } catch (error) {
    throw undecodable(error, encoding, file, line);
  }
}

function undecodable(cause: unknown, encoding: Encoding, file: string, line: number): ConnectorFault {
  return new ConnectorFault(
    'config',
    'invalid_encoding',
    `${file}: after line ${line} there are bytes that are no ${encoding}`,
    {
      cause,
      remedy: `Set encoding in the source to what the file is written in: ${ENCODINGS.join(', ')}.`,
    },
  );
}

const DELIMITERS = [',', ';', '\t', '|'] as const;

/** The delimiter that the header line uses most, outside of quotes. */
export function sniffDelimiter(head: string): string {
  const counts = new Map<string, number>();
  let quoted = false;
  for (const character of head) {
    if (character === '"') quoted = !quoted;
    else if (!quoted && (character === '\n' || character === '\r')) break;
    else if (!quoted) counts.set(character, (counts.get(character) ?? 0) + 1);
  }
  let best: string = ',';
  for (const delimiter of DELIMITERS) {
    if ((counts.get(delimiter) ?? 0) > (counts.get(best) ?? 0)) best = delimiter;
  }
  return best;
}

const COMMA_NUMBER = /^[+-]?(?:\d{1,3}(?:[.\u00a0\u202f' ]\d{3})+|\d+)(?:,\d+)?$/;

/** `1.234,50` → `1234.50`; text of any other form stays as it is. */
export function fromCommaDecimal(text: string): string {
  if (!COMMA_NUMBER.test(text)) return text;
  return text.replace(/[.\u00a0\u202f' ]/g, '').replace(',', '.');
}
