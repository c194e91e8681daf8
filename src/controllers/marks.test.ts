import { expect, it } from 'vitest';

import { cloudVm, installation, markedName, snapshotOf, uid } from '../../test/support/builders.ts';
import { markedVmsOf, markIndex } from './marks.ts';

const other = uid.replace('0', '1');

it('the VMs of a resource are those with its mark that are not over, the oldest attempt first', () => {
  const snapshot = snapshotOf([
    cloudVm('third', { name: markedName(3) }),
    cloudVm('first', { name: markedName(1) }),
    cloudVm('over', { name: markedName(2), state: 'terminated' }),
    cloudVm('theirs', { name: markedName(1, other) }),
    cloudVm('by-hand', { name: 'by-hand' }),
  ]);
  expect(markedVmsOf(snapshot, installation, uid).map(({ id }) => id)).toEqual(['first', 'third']);
  expect([...markIndex(snapshot, installation).keys()].sort()).toEqual([uid, other].sort());
});

it('another installation has none of them', () => {
  expect(markedVmsOf(snapshotOf([cloudVm('vm-1')]), 'ffffffff', uid)).toEqual([]);
});
