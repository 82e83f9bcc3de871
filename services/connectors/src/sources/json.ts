import { ConnectorFault } from '@paceline/connector-sdk';
import { parseExactJson } from '@paceline/events';

const SHOWN_CHARACTERS = 80;

/** An answer's JSON with every digit kept, or a fault that shows how the answer begins. */
export function readJson(text: string, where: string): unknown {
  const parsed = parseExactJson(text.replace(/^\uFEFF/, ''));
  if (parsed.ok) return parsed.value;
  const shown = text.slice(0, SHOWN_CHARACTERS).replace(/\s+/g, ' ');
  throw new ConnectorFault(
    'config',
    'invalid_json',
    `${where} gives no valid JSON (${parsed.message}); it begins with ${JSON.stringify(shown)}`,
    { remedy: 'Check the address: a login page or an error page often hides behind it.' },
  );
}
