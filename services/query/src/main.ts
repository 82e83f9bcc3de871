import { runQuery } from './process.ts';

await runQuery();
