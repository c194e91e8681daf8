import type { Cluster } from './cluster.ts';

/** What `kubectl get` prints: the server's own table, a record by column for each object. Without a namespace: of a cluster-scoped kind. */
export async function kubectlTable(
  cluster: Cluster,
  plural: string,
  namespace?: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const accept = 'application/json;as=Table;g=meta.k8s.io;v=v1';
  const where = namespace === undefined ? '' : `namespaces/${namespace}/`;
  const path = `/apis/gpuvm.dev/v1alpha1/${where}${plural}`;
  const { columnDefinitions, rows } = JSON.parse(await cluster.raw(path, { headers: { accept } })) as {
    columnDefinitions: { name: string }[];
    rows: { cells: unknown[] }[];
  };
  return rows.map(({ cells }) => Object.fromEntries(columnDefinitions.map(({ name }, index) => [name, cells[index]])));
}
