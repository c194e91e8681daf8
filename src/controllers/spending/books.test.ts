import { describe, expect, it } from 'vitest';

import {
  cloudVm,
  installation,
  markedName,
  priceOf,
  recordedVm,
  snapshotOf,
  uid,
} from '../../../test/support/builders.ts';
import { Store } from '../../kube/store.ts';
import { silentLogger } from '../../lib/logger.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import { ratesOf } from '../../plan/balance/burn-rate.ts';
import { balanceTimings } from '../../plan/balance/view.ts';
import type { CloudVm } from '../../provider/contract.ts';
import type { AccountRuntime } from '../accounts.ts';
import type { CustomObject } from '../objects.ts';
import { Balances } from './balances.ts';
import { Books } from './books.ts';
import { SpendMeter } from './meter.ts';

const goneUid = '99999999-0000-4000-8000-000000000000';
const account: CustomObject = {
  apiVersion: 'gpuvm.dev/v1alpha1',
  kind: 'GpuAccount',
  metadata: object('default', 'a'),
};

function object(name: string, of: string): CustomObject['metadata'] {
  return { name, namespace: 'research', uid: of, resourceVersion: '1', generation: 1 };
}

function gpuVm(of: string, status: object, accountName = 'default'): CustomObject {
  const spec = { accountName, gpu: { count: 1 } };
  return { apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', metadata: object(of, of), spec, status };
}

/** What all costs per hour, by the books and by the list. */
function costs(listed: readonly CloudVm[], resources: readonly CustomObject[]): { used: string; billed: string } {
  const clock = new VirtualClock();
  const vms = new Store<CustomObject>({
    log: silentLogger,
    indexes: {
      account: ({ spec }) => [(spec as { accountName: string }).accountName],
      uid: ({ metadata }) => [metadata.uid],
      vm: ({ status }) => {
        const { vm, retiring = [] } = status as { vm?: { id: string }; retiring?: { id: string }[] };
        return [vm, ...retiring].flatMap((one) => one?.id ?? []);
      },
    },
  });
  for (const one of resources) vms.applyWrite(one);
  const none = new Store<CustomObject>({ log: silentLogger });
  const snapshot = snapshotOf(listed);
  const book = { last: undefined, before: undefined, failure: undefined };
  const runtime = { fleet: { snapshot }, balance: book } as unknown as AccountRuntime;
  const accounts = {
    runtime: (name: string) => (name === 'default' ? runtime : undefined),
    runtimes: () => [runtime],
  };
  const balances = new Balances({ clock, accounts, timings: balanceTimings(300_000) });
  const stores = { vms, budgets: none, accountsStore: none, pools: none, namespaces: none };
  const books = new Books({ ...stores, accounts, installation, meter: new SpendMeter(clock), balances }, new Map());
  return { used: books.spenderOf(account).used.toFixed(), billed: ratesOf(snapshot).billed.toFixed() };
}

const ofGone = cloudVm('vm-2', { name: markedName(1, goneUid), price: priceOf('0.30') });
const foreign = cloudVm('vm-3', { name: 'somebody-elses', price: priceOf('0.40') });
const adopted = (id: string, name: string): object => ({
  phase: 'Running',
  vm: recordedVm(id, { name, adopted: true, ownerUid: uid }),
});

describe('what all VMs of an account cost by the books is what they cost by the list', () => {
  it.each<[string, readonly CloudVm[], readonly CustomObject[]]>([
    ['with one that a resource has deployed', [cloudVm('vm-1')], [gpuVm(uid, { vm: recordedVm('vm-1') })]],
    ['with one that nobody has recorded yet', [cloudVm('vm-1')], [gpuVm(uid, {})]],
    ['with one whose resource is gone', [ofGone], []],
    [
      'with one whose resource is gone and that another one has adopted',
      [ofGone],
      [gpuVm(uid, adopted('vm-2', ofGone.name))],
    ],
    ['with one of somebody else', [foreign], []],
    ['with one of somebody else that was adopted', [foreign], [gpuVm(uid, adopted('vm-3', 'somebody-elses'))]],
    [
      'with one that a status names which says itself that it was written for another resource',
      [ofGone, foreign],
      [
        gpuVm(uid, { vm: recordedVm('vm-2', { ownerUid: goneUid }) }),
        gpuVm('other', { vm: recordedVm('vm-3', { ownerUid: goneUid }) }),
      ],
    ],
    [
      'with one that a resource of another account names',
      [ofGone, foreign],
      [
        gpuVm(uid, adopted('vm-2', ofGone.name), 'another'),
        gpuVm('other', { vm: recordedVm('vm-3', { ownerUid: 'other', adopted: true }) }, 'another'),
      ],
    ],
  ])('%s', (_, listed, resources) => {
    const { used, billed } = costs(listed, resources);
    expect(used).toBe(billed);
  });
});
