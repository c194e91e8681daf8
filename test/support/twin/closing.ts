import type { KubeApi, NewObject, ObjectRef } from '../../../src/kube/contract.ts';
import { twinTypes, type TwinKind } from './kinds.ts';
import type { Selection } from './requests.ts';
import { selectedBy } from './selections.ts';
import type { Pair } from './sides.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Sound objects of each kind. */
export const soundFields: Readonly<Record<TwinKind, object>> = {
  gpuVm: { spec: { gpu: { models: ['v100-pcie-16gb'] }, vcpus: 2, memoryGB: 4, storageGB: 20 } },
  gpuAccount: { spec: { credentialsSecretRef: { namespace: 'gpuvm-system', name: 'tensordock' } } },
  secret: {},
  configMap: {},
  lease: {},
  event: {
    eventTime: '2026-01-01T00:00:00.000000Z',
    reportingController: 'gpuvm.dev/operator',
    reportingInstance: 'pod-1',
    type: 'Normal',
    reason: 'Closed',
    action: 'Close',
    note: 'The end.',
  },
  service: { spec: { ports: [{ name: 'ssh', port: 22 }] } },
  endpointSlice: { addressType: 'IPv4', endpoints: [], ports: [] },
};

/**
 * Objects that are written and deleted when all requests were played: once a watch has told of the deletion of one that it
 * selects, it has told everything.
 */
export class Closing {
  readonly #apis: Pair<KubeApi>;
  readonly #vocabulary: Vocabulary;
  readonly #written = new Map<string, Pair<string>>();

  constructor(apis: Pair<KubeApi>, vocabulary: Vocabulary) {
    this.#apis = apis;
    this.#vocabulary = vocabulary;
  }

  /** Writes and deletes what a watch selects. Returns its uids; undefined when nothing can be selected. */
  async write({
    kind,
    selection,
  }: {
    readonly kind: TwinKind;
    readonly selection: Selection;
  }): Promise<Pair<string> | undefined> {
    const selected = selectedBy(selection, twinTypes[kind].namespaced);
    if (selected === undefined) return undefined;
    const place = selection.place === 'other' ? 'other' : 'home';
    const name = this.#vocabulary.nameOf(kind, selected.name).model;
    const metadata = { name, ...this.#vocabulary.namespaceOf(kind, place), labels: selected.labels };
    const body = { ...soundFields[kind], ...this.#vocabulary.identityOf(kind, place), metadata } as NewObject;
    const key = JSON.stringify(body);
    const known = this.#written.get(key);
    if (known !== undefined) return known;
    const uids = {
      model: await createAndDelete(this.#apis.model, kind, body),
      real: await createAndDelete(this.#apis.real, kind, body),
    };
    this.#written.set(key, uids);
    return uids;
  }
}

async function createAndDelete(api: KubeApi, kind: TwinKind, body: NewObject): Promise<string> {
  const type = twinTypes[kind];
  const { name = '', namespace } = body.metadata;
  const ref = { name, namespace };
  await remove(api, kind, ref);
  const { metadata } = await api.create(type, body);
  await api.delete(type, ref);
  return metadata.uid;
}

/** Whatever holds it. */
export async function remove(api: KubeApi, kind: TwinKind, ref: ObjectRef): Promise<void> {
  const type = twinTypes[kind];
  const present = await api.get(type, ref);
  if (present === undefined) return;
  if (present.metadata.finalizers !== undefined) await api.mergePatch(type, ref, { metadata: { finalizers: null } });
  if ((await api.get(type, ref)) !== undefined) await api.delete(type, ref);
}
