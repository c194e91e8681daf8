import { customResourceDefinition } from '../../../src/api/crd.ts';
import { kinds } from '../../../src/api/kinds.ts';
import { namespaceType } from '../../../src/controllers/objects.ts';
import type { KubeApi } from '../../../src/kube/contract.ts';
import { MemoryApi } from '../../../src/kube/testing/memory-api.ts';
import { customKind } from '../../../src/kube/testing/kind-rules.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { twinTypes } from './kinds.ts';
import type { Request } from './requests.ts';
import { Twins } from './twins.ts';
import type { Namespaces } from './vocabulary.ts';

function namespace(metadata: object): { apiVersion: string; kind: string; metadata: object } {
  return { apiVersion: 'v1', kind: 'Namespace', metadata };
}

const customKinds = kinds.map((kind) => customKind(customResourceDefinition(kind)));

/** A model that knows the kinds and namespaces of the sequence. */
async function newModel(namespaces: Namespaces): Promise<MemoryApi> {
  const model = new MemoryApi({
    clock: systemClock,
    kinds: [
      ...customKinds,
      { type: twinTypes.secret },
      { type: twinTypes.configMap },
      { type: twinTypes.lease },
      { type: twinTypes.event },
      { type: twinTypes.service },
      { type: twinTypes.endpointSlice },
      { type: namespaceType },
    ],
    namespaces: Object.values(namespaces),
  });
  await model.delete(namespaceType, { name: namespaces.terminating });
  return model;
}

export interface RealSide {
  readonly api: KubeApi;
  /** A namespace that is on its way out, and stays so. */
  readonly terminating: string;
  /** Compacts the history of Events. */
  readonly forgetEvents: () => Promise<void>;
}

/** Plays one sequence from the beginning in namespaces of its own. Rejects with the first difference. */
export async function playSequence(real: RealSide, requests: readonly Request[]): Promise<void> {
  const made = await real.api.create(namespaceType, namespace({ generateName: 'twin-' }));
  const home = made.metadata.name;
  const other = `${home}-2`;
  await real.api.create(namespaceType, namespace({ name: other }));
  const namespaces = { home, other, terminating: real.terminating };
  const model = await newModel(namespaces);
  const forgetEvents = async (): Promise<void> => {
    model.compact(twinTypes.event);
    await real.forgetEvents();
  };
  const twins = new Twins({ apis: { model, real: real.api }, namespaces, forgetEvents });
  try {
    for (const request of requests) await twins.play(request);
    await twins.close(new Set(requests.map(({ kind }) => kind)));
  } finally {
    await twins.cleanUp();
  }
}
