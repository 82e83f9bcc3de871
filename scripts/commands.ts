/** Reading commands and links out of Markdown: only what stands in code, so that prose may say "npm runs" freely. */

function codeOf(markdown: string): string[] {
  const fenced = [...markdown.matchAll(/^```[^\n]*\n([\s\S]*?)^```/gm)].flatMap(([, block]) =>
    (block ?? '').split('\n'),
  );
  const inline = [...markdown.replace(/^```[\s\S]*?^```/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, code]) => code ?? '');
  return [...fenced, ...inline];
}

/** Names of npm scripts that the text runs, `start` and `test` among them. */
export function npmScriptsOf(markdown: string): string[] {
  const names = codeOf(markdown).flatMap((line) => [
    ...line.matchAll(/\bnpm (?:run (?:-s |--silent )?([\w:-]+)|(start|test)\b)/g),
  ]);
  return [...new Set(names.map(([, run, short]) => run ?? short ?? ''))];
}

/** First words after `paceline` where it begins a command. */
export function pacelineCommandsOf(markdown: string): string[] {
  const names = codeOf(markdown).flatMap((line) => [
    ...line.matchAll(/(?:^|[|;&$] ?|npx )\s*paceline ([a-z][a-z-]*)/g),
  ]);
  return [...new Set(names.map(([, name]) => name ?? ''))];
}

/** Files that a script of package.json runs. */
export function programsOf(script: string): string[] {
  return script.split(/\s+/).filter((word) => /^[\w./-]+\.(ts|js)$/.test(word));
}

/** Relative links, without their anchors. */
export function linksOf(markdown: string): string[] {
  const targets = [...markdown.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target ?? '');
  return targets.filter((target) => !/^([a-z]+:|#|\/)/.test(target)).map((target) => target.replace(/#.*$/, ''));
}
