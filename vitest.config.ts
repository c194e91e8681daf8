import { defineConfig } from 'vitest/config';

import { useExistingCluster } from './hack/control-plane/start.ts';

/** The end-to-end tests share one API server on a machine that may have two cores. */
const e2eWorkers = 2;

/** Ends a test that hangs. Never one that is merely slow: vitest's own five seconds are too few on a machine that is busy. */
const hangingMs = 120_000;

export default defineConfig({
  test: {
    passWithNoTests: false,
    projects: [
      {
        test: {
          name: 'unit',
          testTimeout: hangingMs,
          include: ['src/**/*.test.ts', 'hack/**/*.test.ts', 'test/world/**/*.test.ts', 'test/bench/**/*.test.ts'],
        },
      },
      {
        test: { name: 'conformance', include: ['test/conformance/**/*.test.ts'], testTimeout: hangingMs },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', 'test/chart/**/*.test.ts', 'test/chaos/**/*.test.ts'],
          // Those of the chart install it into API servers that have nothing, with flags of their own.
          exclude: useExistingCluster(process.env) ? ['test/chart/**'] : [],
          globalSetup: ['test/support/control-plane.ts'],
          maxWorkers: e2eWorkers,
          testTimeout: hangingMs,
          hookTimeout: hangingMs,
        },
      },
    ],
  },
});
