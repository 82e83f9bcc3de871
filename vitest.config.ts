import { defineConfig } from 'vitest/config';

/** The embedded engine refuses to start with libuv's four threads (libs/store). */
const engineThreads = { UV_THREADPOOL_SIZE: '16' };

export default defineConfig({
  test: {
    passWithNoTests: false,
    projects: [
      {
        test: {
          name: 'pure',
          // Nothing here leaves anything behind, and to load every module anew for each file takes half of the time.
          isolate: false,
          include: ['{libs,services,infra,scripts,test,bench}/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.int.test.ts', '**/*.e2e.test.ts'],
          // Milliseconds each, but properties run hundreds of cases, and a busy machine must not make them fail.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'int',
          include: ['{libs,services,infra,scripts,test,bench}/**/*.int.test.ts'],
          exclude: ['**/node_modules/**'],
          env: engineThreads,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['{libs,services,infra,scripts,test,bench}/**/*.e2e.test.ts'],
          exclude: ['**/node_modules/**'],
          env: engineThreads,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
