import { defineConfig } from 'vitest/config';

/** The end-to-end tests share one API server on a machine that may have two cores. */
const e2eWorkers = 2;

export default defineConfig({
  test: {
    passWithNoTests: false,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'hack/**/*.test.ts', 'test/world/**/*.test.ts'],
        },
      },
      {
        test: { name: 'conformance', include: ['test/conformance/**/*.test.ts'] },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/support/control-plane.ts'],
          maxWorkers: e2eWorkers,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
