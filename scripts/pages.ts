import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configurationPage, errorsPage } from '../libs/runtime/src/index.ts';
import { biPage } from '../libs/store/src/bi/page.ts';
import { connectorsPage } from '../services/connectors/src/page.ts';
import { scenariosPage } from './scenarios-page.ts';

export const root: string = dirname(dirname(fileURLToPath(import.meta.url)));

/** Pages that are read off the code. */
export const GENERATED_PAGES: readonly { readonly path: string; text(): string | Promise<string> }[] = [
  { path: 'docs/errors.md', text: errorsPage },
  { path: 'docs/configuration.md', text: configurationPage },
  { path: 'docs/connectors.md', text: connectorsPage },
  { path: 'docs/bi-views.md', text: biPage },
  { path: 'docs/scenarios.md', text: () => scenariosPage(root) },
];
