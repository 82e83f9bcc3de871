import { suggestion } from '@paceline/domain';
import { PacelineError } from '@paceline/runtime';

export const WHERE = 'where.';
export const WHERE_DESCRIPTION =
  '`where.DIMENSION=value` keeps series with that value; an empty value those without the dimension.';

/** The `where.DIMENSION` parameters of a query, which its schema cannot name; any other unknown one is refused. */
export function whereOf(
  query: Readonly<Record<string, unknown>>,
  shape: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string>> {
  const where: Record<string, string> = {};
  for (const [name, value] of Object.entries(query)) {
    if (Object.hasOwn(shape, name) || typeof value !== 'string') continue;
    if (!name.startsWith(WHERE) || name.length === WHERE.length) {
      const message = `${name} is not known here${suggestion(name, Object.keys(shape))}`;
      const faults = [{ code: 'unknown_key' as const, message, parameter: name }];
      throw new PacelineError('invalid_request', message, { faults });
    }
    where[name.slice(WHERE.length)] = value;
  }
  return where;
}
