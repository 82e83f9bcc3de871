/** Definition documents: YAML or JSON to the domain's shapes, with every fault at its place. */
export * from './documents/check.ts';
export * from './documents/fault.ts';
export * from './documents/folder.ts';
export * from './documents/load.ts';
export { API_VERSION, documentJsonSchema, documentSchema } from './documents/schema.ts';
export type { Environment } from './documents/substitute.ts';
export { FILE_BYTES_MAX } from './documents/yaml.ts';
