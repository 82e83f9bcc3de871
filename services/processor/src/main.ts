import { runProcessor } from './process.ts';

await runProcessor();
