import { runCatalog } from './process.ts';

await runCatalog();
