import fc from 'fast-check';
import { expect, it } from 'vitest';

import { VmOwners } from './vm-owners.ts';

function settled(): VmOwners {
  const owners = new VmOwners();
  owners.settle();
  return owners;
}

it('of two resources that claim one VM, the first has it', () => {
  const owners = settled();
  expect(owners.claim('a', 'vm-1')).toBe(true);
  expect(owners.claim('b', 'vm-1')).toBe(false);
  expect(owners.claim('a', 'vm-1')).toBe(true);
  expect([owners.adopterOf('vm-1', 'a'), owners.adopterOf('vm-1', 'b')]).toEqual(['self', 'other']);
});

it('a VM that was let go can be claimed by another', () => {
  const owners = settled();
  owners.claim('a', 'vm-1');
  owners.claim('a', undefined);
  expect(owners.adopterOf('vm-1', 'a')).toBe('nobody');
  expect(owners.claim('b', 'vm-1')).toBe(true);
});

it('two statuses that name one VM when the process starts contest it until one gives way', () => {
  const owners = new VmOwners();
  owners.claim('a', 'vm-1');
  owners.claim('b', 'vm-1');
  owners.settle();
  expect(owners.claim('c', 'vm-1')).toBe(false);
  expect(['a', 'b', 'c'].map((uid) => owners.adopterOf('vm-1', uid))).toEqual(['contested', 'contested', 'other']);
  owners.claim('a', undefined);
  expect(owners.adopterOf('vm-1', 'b')).toBe('self');
});

it('whatever is claimed in whatever order, no VM has two owners and no owner two VMs', () => {
  const claim = fc.tuple(
    fc.constantFrom('a', 'b', 'c'),
    fc.option(fc.constantFrom('vm-1', 'vm-2', 'vm-3'), { nil: undefined }),
  );
  fc.assert(
    fc.property(fc.array(claim), (claims) => {
      const owners = settled();
      const vmOf = new Map<string, string>();
      for (const [uid, vm] of claims) {
        const isTaken = vm !== undefined && [...vmOf].some(([owner, owned]) => owner !== uid && owned === vm);
        expect(owners.claim(uid, vm)).toBe(!isTaken);
        if (isTaken) continue;
        if (vm === undefined) vmOf.delete(uid);
        else vmOf.set(uid, vm);
        for (const id of ['vm-1', 'vm-2', 'vm-3']) {
          expect(owners.ownersOf(id)).toEqual([...vmOf].flatMap(([owner, owned]) => (owned === id ? [owner] : [])));
        }
      }
    }),
  );
});
