import type { Cluster } from './cluster.ts';
import type { Manifest } from './helm.ts';

interface ApiResource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** Objects of whatever kind the API server knows. */
export class AnyObjects {
  readonly #cluster: Cluster;
  readonly #known = new Map<string, Promise<readonly ApiResource[]>>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Rejects with the API server's words where it would refuse the object, or knows a field of it not. */
  async tryApply(object: Manifest): Promise<void> {
    await this.#apply(object, 'dryRun=All&fieldValidation=Strict');
  }

  async apply(object: Manifest): Promise<void> {
    await this.#apply(object, 'fieldValidation=Strict');
  }

  async #apply(object: Manifest, query: string): Promise<void> {
    await this.#cluster.raw(`${await this.#pathOf(object)}?fieldManager=test&force=true&${query}`, {
      ...{ method: 'PATCH', headers: { 'content-type': 'application/apply-patch+yaml' } },
      body: JSON.stringify(object),
    });
  }

  async #pathOf({ apiVersion = '', kind, metadata: { name, namespace } }: Manifest): Promise<string> {
    const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const found = (await this.#resourcesAt(root)).find((one) => one.kind === kind && !one.name.includes('/'));
    if (found === undefined) throw new Error(`the API server knows no ${kind} of ${apiVersion}`);
    return `${root}${found.namespaced ? `/namespaces/${namespace ?? 'default'}` : ''}/${found.name}/${name}`;
  }

  #resourcesAt(root: string): Promise<readonly ApiResource[]> {
    const known = this.#known.get(root);
    if (known !== undefined) return known;
    const asked = this.#cluster
      .raw(root)
      .then((text) => (JSON.parse(text) as { readonly resources: readonly ApiResource[] }).resources);
    this.#known.set(root, asked);
    return asked;
  }
}
