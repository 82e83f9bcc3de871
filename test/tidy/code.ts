/** Reading TypeScript without a compiler: good enough for rules about imports and names, and fast. */

/** Blanks comments and templates, and with `strings` other quoted text too; line breaks stay, so that lines can be told. */
export function strip(source: string, options: { readonly strings: boolean }): string {
  let out = '';
  let at = 0;
  let before = '';
  while (at < source.length) {
    const end = tokenEnd(source, at, before);
    const token = source.slice(at, end);
    const comment = token.startsWith('//') || token.startsWith('/*');
    const quoted = /^['"]/.test(token) || (token.startsWith('/') && token.length > 1 && !comment);
    if (token.startsWith('`')) out += stripTemplate(token, options);
    else out += comment || (quoted && options.strings) ? blank(token) : token;
    if (!comment && token.trim() !== '') before = token;
    at = end;
  }
  return out;
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}

/** The text of a template goes, the expressions in it stay. */
function stripTemplate(token: string, options: { readonly strings: boolean }): string {
  let out = '';
  let at = 0;
  while (at < token.length) {
    if (token.startsWith('${', at)) {
      const end = expressionEnd(token, at + 2);
      out += `  ${strip(token.slice(at + 2, end - 1), options)} `;
      at = end;
    } else {
      const end = at + (token[at] === '\\' ? 2 : 1);
      out += blank(token.slice(at, end));
      at = end;
    }
  }
  return out;
}

/** End of the comment, quoted text, regular expression, word or sign that begins at `at`. */
function tokenEnd(source: string, at: number, before: string): number {
  const rest = source.slice(at, at + 2);
  if (rest === '//') return endOf(source, '\n', at);
  if (rest === '/*') return endOf(source, '*/', at + 2) + 2;
  const sign = source[at] ?? '';
  if (sign === "'" || sign === '"') return quoteEnd(source, at, sign);
  if (sign === '`') return templateEnd(source, at);
  if (sign === '/' && regexMayFollow(before)) return regexEnd(source, at);
  if (/[\w$]/.test(sign)) {
    let end = at + 1;
    while (end < source.length && /[\w$]/.test(source[end] ?? '')) end++;
    return end;
  }
  return at + 1;
}

function endOf(source: string, mark: string, from: number): number {
  const found = source.indexOf(mark, from);
  return found === -1 ? source.length : found;
}

function quoteEnd(source: string, at: number, quote: string): number {
  let end = at + 1;
  while (end < source.length && source[end] !== quote && source[end] !== '\n') end += source[end] === '\\' ? 2 : 1;
  return Math.min(end + 1, source.length);
}

/** A whole template with what is nested in it; braces inside its expressions are counted. */
function templateEnd(source: string, at: number): number {
  let end = at + 1;
  while (end < source.length && source[end] !== '`') {
    if (source[end] === '\\') end += 2;
    else if (source.startsWith('${', end)) end = expressionEnd(source, end + 2);
    else end++;
  }
  return Math.min(end + 1, source.length);
}

function expressionEnd(source: string, from: number): number {
  let depth = 1;
  let end = from;
  let before = '{';
  while (end < source.length && depth > 0) {
    const next = tokenEnd(source, end, before);
    const token = source.slice(end, next);
    if (token === '{') depth++;
    if (token === '}') depth--;
    if (token.trim() !== '') before = token;
    end = next;
  }
  return end;
}

/** After a name, a number or a closing bracket a slash divides; elsewhere it begins a regular expression. */
function regexMayFollow(before: string): boolean {
  return (
    before === '' ||
    /^(return|typeof|case|in|of|delete|void|throw|new|else|do|await|yield)$/.test(before) ||
    !/[\w$)\]}'"`]$/.test(before)
  );
}

function regexEnd(source: string, at: number): number {
  let end = at + 1;
  let inClass = false;
  while (end < source.length && source[end] !== '\n' && (inClass || source[end] !== '/')) {
    if (source[end] === '[') inClass = true;
    if (source[end] === ']') inClass = false;
    end += source[end] === '\\' ? 2 : 1;
  }
  end = Math.min(end + 1, source.length);
  while (/[a-z]/.test(source[end] ?? '')) end++;
  return end;
}

const FROM = /\b(?:import|export)\s+(?:type\s+)?(?:[\w$*{}\s,]+?\s+from\s+)?['"]([^'"\n]+)['"]/g;
const DYNAMIC = /\bimport\(\s*['"]([^'"\n]+)['"]\s*\)/g;
const BY_URL = /\bnew URL\(\s*['"](\.[^'"\n]+)['"]\s*,\s*import\.meta\.url/g;
const RESOLVED = /\bimport\.meta\.resolve\(\s*['"]([^'"\n]+)['"]/g;

/** Everything the source imports, however it says so. */
export function importsOf(source: string): string[] {
  const code = strip(source, { strings: false });
  const found = [FROM, DYNAMIC, BY_URL, RESOLVED].flatMap((pattern) =>
    [...code.matchAll(pattern)].map(([, target]) => target ?? ''),
  );
  return [...new Set(found)];
}

/** The source's lines with nothing but code in them. */
export function codeLines(source: string): string[] {
  return strip(source, { strings: true }).split('\n');
}

/** 1-based lines in which the pattern is. */
export function linesWith(lines: readonly string[], pattern: RegExp): number[] {
  return lines.flatMap((line, index) => (pattern.test(line) ? [index + 1] : []));
}

/** `@scope/name` or `name` of a package import, without the file inside it. */
export function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
}
