import { expect, it } from 'vitest';

import { cloudVm, installation, markedName, priceOf, snapshotOf } from '../../../test/support/builders.ts';
import type { Snapshot } from '../../fleet/contract.ts';
import { Store } from '../../kube/store.ts';
import { silentLogger } from '../../lib/logger.ts';
import type { CloudVm } from '../../provider/contract.ts';
import type { AccountRuntime } from '../accounts.ts';
import type { CustomObject } from '../objects.ts';
import { Strays } from './strays.ts';

const running = cloudVm('vm-1', { name: markedName(1), price: priceOf('0.5', '0.1') });
const others = cloudVm('vm-2', { name: 'somebody-elses', price: priceOf('0.3') });

/** By one list, and then by another one. */
function strays(): { readonly strays: Strays; readonly list: (vms: readonly CloudVm[]) => void } {
  const fleet: { snapshot: Snapshot } = { snapshot: snapshotOf([]) };
  const runtime = { fleet } as unknown as AccountRuntime;
  const vms = new Store<CustomObject>({ log: silentLogger, indexes: { uid: () => [], vm: () => [] } });
  return {
    strays: new Strays({ vms, installation, accounts: { runtime: () => runtime } }),
    list: (listed) => {
      fleet.snapshot = snapshotOf(listed);
    },
  };
}

it.each<[string, readonly CloudVm[], readonly CloudVm[], boolean]>([
  ['the same', [running, others], [running, others], false],
  ['more', [running], [running, others], false],
  ['a VM that is gone, and whose resource was gone before', [running], [], true],
  ['such a VM that is terminated', [running], [cloudVm('vm-1', { ...running, state: 'terminated' })], true],
  ['such a VM that costs less', [running], [cloudVm('vm-1', { ...running, state: 'released' })], true],
  ['one of somebody else that is gone', [running, others], [running], true],
])('a list that shows %s leaves more room, or does not', (_, before, after, isLess) => {
  const { strays: seen, list } = strays();
  list(before);
  seen.unmanaged('default');
  list(after);
  expect(seen.isLessNow('default')).toBe(isLess);
});

it('a list may leave more room than one that nobody remembers, or that somebody has seen before it was told of', () => {
  const { strays: seen, list } = strays();
  list([running]);
  expect(seen.isLessNow('default')).toBe(true);
  expect(seen.isLessNow('default')).toBe(true);
});
