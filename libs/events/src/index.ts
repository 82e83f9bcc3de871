export * from './codec.ts';
export * from './instant-text.ts';
export * from './observations.ts';
export * from './topics.ts';
