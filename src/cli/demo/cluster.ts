import { gpuAccountType } from '../../api/group.ts';
import { vmKindOf, vmKinds } from '../../controllers/vm/kinds.ts';
import { configMapType, namespaceType, secretType, type CustomObject } from '../../controllers/objects.ts';
import { objectPath, queryString } from '../../kube/api-paths.ts';
import { KubeClient } from '../../kube/client.ts';
import { isKubeError, type ResourceType } from '../../kube/contract.ts';
import { connectionFrom } from '../../kube/kube-config.ts';
import { Transport } from '../../kube/transport.ts';
import { sleep, type Clock } from '../../lib/clock.ts';
import type { Manifest } from './samples.ts';

const vmTypes = vmKinds.map(({ type }) => type);
const types: readonly ResourceType[] = [namespaceType, secretType, configMapType, gpuAccountType, ...vmTypes];

/**
 * That of `kubectl apply --server-side`: whoever changes a sample and applies it so goes on where the demo has begun,
 * without conflicts.
 */
const fieldManager = 'kubectl';
const userAgent = 'gpuvm-demo';

const lookEveryMs = 100;

/** The demo's API server, as far as the demo itself uses it. */
export class DemoCluster implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #client: KubeClient;
  readonly #transport: Transport;

  constructor(kubeconfigPath: string, clock: Clock) {
    this.#clock = clock;
    const options = { connection: connectionFrom({ kubeconfigPath }), clock, userAgent };
    this.#client = new KubeClient({ ...options, fieldManager, random: Math.random });
    this.#transport = new Transport(options);
  }

  /** Resolves once the namespaces are there that the API server makes by itself, a moment after it is up. */
  async settle(signal: AbortSignal): Promise<void> {
    for (const name of ['default', 'kube-system']) {
      while ((await this.#client.get(namespaceType, { name })) === undefined) {
        await sleep(this.#clock, lookEveryMs, signal);
      }
    }
  }

  /** Server-side apply. Rejects with the API server's own message. */
  async apply(manifest: Manifest): Promise<void> {
    const type = types.find(({ kind }) => kind === manifest.kind);
    if (type === undefined) throw new Error(`the demo cannot apply a ${manifest.kind}`);
    const query = queryString({ fieldManager, force: 'true', fieldValidation: 'Strict' });
    await this.#transport.call({
      method: 'PATCH',
      path: objectPath(type, refOf(type, manifest)) + query,
      body: manifest,
      contentType: 'application/apply-patch+yaml',
    });
  }

  /** All GpuVms and SpotVms by name. */
  async vms(): Promise<readonly CustomObject[]> {
    const lists = await Promise.all(vmTypes.map((type) => this.#vmsOf(type)));
    return lists.flat().sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  /** Items of a list need not say what they are. */
  async #vmsOf(type: ResourceType): Promise<readonly CustomObject[]> {
    const { items } = await this.#client.list<CustomObject>(type);
    return items.map((object) => ({ ...object, kind: type.kind }));
  }

  async accounts(): Promise<readonly CustomObject[]> {
    return (await this.#client.list<CustomObject>(gpuAccountType)).items;
  }

  /** Asks for the deletion; the operator decides when the object goes. */
  async delete(object: CustomObject): Promise<void> {
    const type = object.kind === gpuAccountType.kind ? gpuAccountType : vmKindOf(object).type;
    try {
      await this.#client.delete(type, object.metadata);
    } catch (error) {
      if (!isKubeError(error, 'notFound')) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#client.close(), this.#transport.close()]);
  }
}

function refOf(type: ResourceType, { metadata }: Manifest): { namespace?: string; name: string } {
  return type.namespaced
    ? { namespace: metadata.namespace ?? 'default', name: metadata.name }
    : { name: metadata.name };
}
