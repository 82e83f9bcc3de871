import { bytesOf, isTest, read } from './sources.ts';

const UNFINISHED = /\b(TODO|FIXME|XXX|HACK)\b/;
const MACHINE = /(^|["'`\s(=:])\/(work|root|tmp|home)\//;
const REGISTRIES =
  /registry[.]npm|npmmirror|repo1?[.]maven|maven[.]org|pypi[.]org|crates[.]io|deb[.]debian|proxy[.]golang/;
const TEXT = /\.(ts|tsx|js|json|md|yaml|yml|sql|xml|sh|html|css|csv)$|(^|\/)(run|LICENSE|Dockerfile)$/;
const TEXT_BYTES_MAX = 2 * 1024 * 1024;

/** What a reader of the repository would stumble over, each with its line. */
export function leftovers(path: string): string[] {
  // This file has to name what it looks for.
  if (path === 'test/tidy/texts.ts') return [];
  if (!TEXT.test(path) || bytesOf(path) > TEXT_BYTES_MAX) return [];
  return read(path)
    .split('\n')
    .flatMap((line, index) => {
      const at = `${path}:${index + 1}`;
      const found: string[] = [];
      if (UNFINISHED.test(line)) found.push(`${at} is unfinished; finish it or file it`);
      if (!isTest(path) && MACHINE.test(line))
        found.push(`${at} names a path of one machine; take it from configuration or the system`);
      if (REGISTRIES.test(line)) found.push(`${at} names a registry's host; leave that to the client's settings`);
      return found;
    });
}
