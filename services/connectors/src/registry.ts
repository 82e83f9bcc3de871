import { type Connector, ConnectorFault, codeOf } from '@paceline/connector-sdk';
import { suggestion } from '@paceline/domain/metric/suggest';

/** One lazily loaded module for each connector: a start loads no vendor's library that no source uses. */
const MODULES: Readonly<Record<string, { readonly packages: readonly string[]; load(): Promise<Connector> }>> = {
  csv: { packages: ['csv-parse'], load: async () => (await import('./sources/csv.ts')).csv },
  'http-json': { packages: ['jsonata'], load: async () => (await import('./sources/http-json.ts')).httpJson },
  postgres: { packages: ['pg', 'pg-cursor'], load: async () => (await import('./sources/postgres.ts')).postgres },
};

export const CONNECTORS: readonly string[] = Object.keys(MODULES);

export type LoadConnector = (id: string) => Promise<Connector>;

/** @throws ConnectorFault `unknown_connector`, or `missing_package` naming what to install. */
export const loadConnector: LoadConnector = async (id) => {
  const module = Object.hasOwn(MODULES, id) ? MODULES[id] : undefined;
  if (module === undefined) {
    throw new ConnectorFault(
      'config',
      'unknown_connector',
      `there is no connector ${id}${suggestion(id, CONNECTORS)}`,
      {
        remedy: `Use one of ${CONNECTORS.join(', ')}.`,
      },
    );
  }
  try {
    return await module.load();
  } catch (error) {
    const missing = codeOf(error) === 'ERR_MODULE_NOT_FOUND' ? missingPackage(error, module.packages) : undefined;
    if (missing === undefined) throw error;
    throw new ConnectorFault(
      'config',
      'missing_package',
      `connector ${id} needs the package ${missing}, which is not installed`,
      {
        cause: error,
        remedy: `Install it: npm install ${missing}.`,
      },
    );
  }
};

/** The package that Node did not find, when it is one of the connector's own. */
export function missingPackage(error: unknown, packages: readonly string[]): string | undefined {
  const named = error instanceof Error ? /Cannot find package '([^']+)'/.exec(error.message)?.[1] : undefined;
  return packages.find((name) => name === named);
}
