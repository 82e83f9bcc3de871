export { DEFAULTS, type ProcessorDeps, type ProcessorOptions } from './options.ts';
export { createProcessor, type Processor, type ProcessorHealth } from './processor.ts';
export { type RebuildOptions, rebuild } from './rebuild.ts';
