export * from './alert-records.ts';
export * from './codec.ts';
export * from './dead-letter.ts';
export { evaluationSchema } from './evaluation-schema.ts';
export * from './instant-text.ts';
export * from './observations.ts';
export * from './topics.ts';
