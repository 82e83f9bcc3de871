export * from './backoff.ts';
export * from './clock.ts';
export * from './errors.ts';
export * from './lifecycle.ts';
export * from './logger.ts';
export * from './metrics.ts';
