// Gets everything that `make demo` and `make test` need, so that both start at once and work without network from then on. With
// --api-server only what the demo needs.
import { ensureBinaries, forSomeTests } from './control-plane/binaries.ts';
import { say } from './lib/progress.mjs';

try {
  say(`Node.js ${process.version} and npm packages: ready`);
  say(`kube-apiserver and etcd: ready in ${await ensureBinaries()}`);
  if (!process.argv.includes('--api-server')) {
    for (const [title, ensure] of forSomeTests) say(`${title}: ready in ${await ensure()}`);
  }
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
