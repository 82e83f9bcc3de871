import { runConnectors } from './process.ts';

await runConnectors();
