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
const spec = {
  ...{ accountName: 'default', gpu: { models: ['v100-pcie-16gb'], count: 1 }, vcpus: 4, memoryGB: 16, storageGB: 100 },
  maxHourlyPrice: '0.80',
};
const vm: CustomObject = { apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', metadata, spec };

function storesWith(accountSpec: object, uid: string): Parameters<typeof moneyHolds>[0] {
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
  return { budgets, accountsStore };
}

it.each<[string, object, string, number]>([
  ['is', valid, 'uid-1', 1],
  ['of another one is not', valid, 'uid-2', 0],
  ['by a spec that this release cannot read is, too', { limits: 'later' }, 'uid-1', 1],
  ['is not where nobody sets that limit any more', { ...valid, limits: {} }, 'uid-1', 0],
])('a VM that the account keeps released %s held', (_, accountSpec, uid, holds) => {
  const found = moneyHolds(storesWith(accountSpec, uid), vm);
  expect(found.map(({ reason }) => reason)).toEqual(Array.from({ length: holds }, () => 'StoppedForBalance'));
});

it('a VM that the account keeps released says by which limit it was, and by which it stays so', () => {
  const [hold] = moneyHolds(storesWith(valid, 'uid-1'), vm);
  expect(hold?.message).toBe(
    'The balance of GpuAccount "default" was too low for all VMs to run for 2h (limits.releaseBelowRunway), and this one is kept released by its priority until it lasts for 6h with it (limits.minRunway): it is started by itself once there is room. Recharge the balance at the provider.',
  );
});
