import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

import { keyFingerprint } from '../../src/api/key-fingerprint.ts';
import { gpuAccountType } from '../../src/api/group.ts';
import { installationId, markOf } from '../../src/api/vm-name.ts';
import { kinds } from '../../src/api/kinds.ts';
import { namespaceType, secretType, type CustomObject } from '../../src/controllers/objects.ts';
import type { KubeObject, ResourceType } from '../../src/kube/contract.ts';
import type { Cluster } from './cluster.ts';
import { manifestsIn } from './helm.ts';
import { Organization, pair, type SimVm } from './organization.ts';

const folder = fileURLToPath(new URL('../fixtures/upgrade/', import.meta.url));

/** The CRDs of the release that was recorded. */
export const crdsBefore = `${folder}crds`;

type RecordedVm = Pick<
  SimVm,
  'id' | 'name' | 'status' | 'hostnode' | 'gpuModel' | 'gpuCount' | 'vcpus' | 'ram' | 'storage' | 'bid' | 'portForwards'
>;

interface RecordedProvider {
  readonly namespace: string;
  readonly account: string;
  readonly vms: readonly RecordedVm[];
}

type RecordedObject = KubeObject & {
  readonly apiVersion: string;
  readonly kind: string;
  readonly status?: Readonly<Record<string, unknown>>;
};

/** All else of it an API server chooses. */
const keptMetadata = ['name', 'namespace', 'labels', 'annotations', 'finalizers', 'ownerReferences'] as const;

const types = new Map<string, ResourceType>([
  ...kinds.map(({ type }): [string, ResourceType] => [type.kind, type]),
  [secretType.kind, secretType],
]);

/**
 * What an older release has left behind, put into another cluster and another provider: hack/upgrade/record.ts.
 *
 * An API server gives every object a new UID, and the provider every VM a new id, which nobody can choose. VMs say by the
 * UID in their names whose they are, so wherever something recorded names one of these, it is written anew with what is in
 * its place now: in the names of VMs, in statuses, in owner references, and in sentences. Objects in etcd could have kept their UIDs, but
 * then nobody would have looked whether the API server takes what is recorded by the old CRDs. All else stays as it is, the
 * names of namespace and account, too: the members of a pool carry a hash of a template that names the account.
 */
export class Recording {
  readonly objects: readonly RecordedObject[];
  readonly vms: readonly RecordedVm[];
  readonly namespace: string;
  readonly account: string;
  /** What is there now in place of what was recorded: ids of VMs, UIDs in both of their forms, and so on. */
  readonly #now = new Map<string, string>();

  private constructor(objects: readonly RecordedObject[], { namespace, account, vms }: RecordedProvider) {
    this.objects = objects;
    this.vms = vms;
    this.namespace = namespace;
    this.account = account;
  }

  static async read(): Promise<Recording> {
    const objects = manifestsIn(await readFile(`${folder}objects.yaml`, 'utf8')) as unknown as RecordedObject[];
    const provider = await readFile(`${folder}provider.yaml`, 'utf8');
    return new Recording(objects, parse(provider) as RecordedProvider);
  }

  /** The recorded thing as it is named now. */
  now<T>(recorded: T): T {
    const names = [...this.#now.keys()];
    if (names.length === 0) return recorded;
    // All at once: what has taken the place of one thing may be the name of another one.
    const text = JSON.stringify(recorded).replaceAll(new RegExp(names.join('|'), 'g'), (name) => this.#now.get(name)!);
    return JSON.parse(text) as T;
  }

  object(kind: string, name: string): RecordedObject {
    const found = this.objects.find((one) => one.kind === kind && one.metadata.name === name);
    if (found === undefined) throw new Error(`no ${kind} ${name} was recorded`);
    return this.now(found);
  }

  /** Makes all of it: the objects, then the VMs, then the statuses that tell of them, and the deletions that were asked for. */
  async restore(cluster: Cluster): Promise<Organization> {
    await this.#nameInstallation(cluster);
    await cluster.kube.create(namespaceType, {
      ...{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: this.namespace } },
    });
    const { namespace } = this;
    const organization = await Organization.found(cluster, { namespace, hosts: 7, deleteDelayMs: 200 });
    for (const object of this.objects) await this.#create(cluster, object);
    await this.#nameKey(organization);
    for (const vm of this.vms) await this.#deploy(organization, vm);
    for (const object of this.objects) await this.#putBack(cluster, object);
    return organization;
  }

  async #nameInstallation(cluster: Cluster): Promise<void> {
    const system = await cluster.kube.get(namespaceType, { name: 'kube-system' });
    const recorded = markOf(this.vms[0]?.name ?? '')?.installation;
    if (system === undefined || recorded === undefined) throw new Error('there is nothing to tell installations by');
    this.#now.set(`gpuvm-${recorded}-`, `gpuvm-${installationId(system.metadata.uid)}-`);
  }

  /** The account is there already, as its provider has an address of its own. */
  async #create(cluster: Cluster, recorded: RecordedObject): Promise<void> {
    const type = types.get(recorded.kind)!;
    const { metadata, ...rest } = this.now(recorded);
    const kept = Object.fromEntries(keptMetadata.map((name) => [name, metadata[name]]));
    const created =
      type === gpuAccountType
        ? await cluster.kube.mergePatch(type, metadata, { metadata: { finalizers: metadata.finalizers } })
        : await cluster.kube.create(type, { ...rest, status: undefined, metadata: kept });
    const [before, now] = [recorded.metadata.uid, created.metadata.uid];
    this.#now.set(before, now);
    this.#now.set(before.replaceAll('-', ''), now.replaceAll('-', ''));
  }

  /** By it an account knows a key again, and it holds the account's UID and address. */
  async #nameKey(organization: Organization): Promise<void> {
    const { metadata, status, spec } = this.objects.find(({ kind }) => kind === 'GpuAccount') as unknown as Account;
    const before = { uid: metadata.uid, endpoint: spec.endpoint, apiKey: pair.api_key };
    const recorded = status.organization.keyFingerprint;
    if (keyFingerprint(before) !== recorded) throw new Error('fingerprints of keys are made in another way now');
    const now = (await organization.accountObject()) as unknown as Account;
    const { endpoint } = now.spec;
    this.#now.set(recorded, keyFingerprint({ uid: now.metadata.uid, endpoint, apiKey: pair.api_key }));
  }

  /** By the provider's API, as the operator did. */
  async #deploy(organization: Organization, recorded: RecordedVm): Promise<void> {
    const { hostnode, gpuModel, gpuCount, vcpus, ram, storage, bid, portForwards, status } = recorded;
    const answer = await organization.call('client/deploy/single', {
      ...{ name: this.now(recorded.name), password: 'superC0mplexPassword', operating_system: 'Ubuntu 22.04 LTS' },
      ...{ hostnode, gpu_model: gpuModel, gpu_count: gpuCount, vcpus, ram, storage },
      external_ports: `{${Object.keys(portForwards).join(', ')}}`,
      internal_ports: `{${Object.values(portForwards).join(', ')}}`,
      ...(bid === null ? {} : { price_type: 'spot', price: bid }),
    });
    const id = answer['server'];
    if (typeof id !== 'string') throw new Error(`${recorded.name} was not deployed: ${JSON.stringify(answer)}`);
    this.#now.set(recorded.id, id);
    if (status === 'Deleting') await organization.call('client/delete/single', { server: id });
    else if (status !== 'Running') await organization.changeVm(id, { status });
  }

  async #putBack(cluster: Cluster, recorded: RecordedObject): Promise<void> {
    const type = types.get(recorded.kind)!;
    const { metadata, status } = this.now(recorded);
    if (metadata.deletionTimestamp !== undefined) await cluster.kube.delete(type, metadata);
    if (status !== undefined) await cluster.kube.mergePatch<CustomObject>(type, metadata, { status }, 'status');
  }
}

interface Account {
  readonly metadata: { readonly uid: string };
  readonly spec: { readonly endpoint: string };
  readonly status: { readonly organization: { readonly keyFingerprint: string } };
}
