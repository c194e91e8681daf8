import { expect, it } from 'vitest';

import { Store } from '../../kube/store.ts';
import { silentLogger } from '../../lib/logger.ts';
import type { CustomObject } from '../objects.ts';
import { moneyHolds } from './hold.ts';

const valid = {
  endpoint: 'https://dashboard.tensordock.com',
  credentialsSecretRef: { namespace: 'gpuvm-system', name: 'tensordock' },
  limits: { minRunway: '6h', releaseBelowRunway: '2h' },
};
const metadata = { name: 'trainer', namespace: 'research', uid: 'uid-1', resourceVersion: '1', generation: 1 };
const spec = { accountName: 'default', gpu: { count: 1 } };
const vm: CustomObject = { apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', metadata, spec };

it.each<[string, object, string, number]>([
  ['is', valid, 'uid-1', 1],
  ['of another one is not', valid, 'uid-2', 0],
  ['by a spec that this release cannot read is, too', { limits: 'later' }, 'uid-1', 1],
  ['is not where nobody sets that limit any more', { ...valid, limits: {} }, 'uid-1', 0],
])('a VM that the account keeps released %s held', (_, accountSpec, uid, holds) => {
  const budgets = new Store<CustomObject>({ log: silentLogger, indexes: { namespace: () => [] } });
  const accountsStore = new Store<CustomObject>({ log: silentLogger });
  const status = { stopped: [{ kind: 'GpuVm', namespace: 'research', name: 'trainer', uid }] };
  accountsStore.applyWrite({
    ...vm,
    kind: 'GpuAccount',
    metadata: { ...metadata, name: 'default', namespace: undefined },
    spec: accountSpec,
    status,
  });
  const found = moneyHolds({ budgets, accountsStore }, vm);
  expect(found.map(({ reason }) => reason)).toEqual(Array.from({ length: holds }, () => 'StoppedForBalance'));
});
