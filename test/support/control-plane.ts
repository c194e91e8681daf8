import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { startControlPlane } from '../../hack/control-plane/start.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the kubeconfig of the run's API server: `inject('kubeconfigPath')`. */
    kubeconfigPath: string;
    /** Where its etcd listens, unless it is an existing cluster: `inject('etcdUrl')`. */
    etcdUrl: string | undefined;
  }
}

/** One API server for all end-to-end tests of a run; each test keeps to a namespace of its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const controlPlane = await startControlPlane({ crds: fileURLToPath(new URL('../../crds', import.meta.url)) });
  project.provide('kubeconfigPath', controlPlane.kubeconfigPath);
  project.provide('etcdUrl', controlPlane.etcdUrl);
  return () => controlPlane.stop();
}
