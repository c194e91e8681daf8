import fc from 'fast-check';
import { expect, it } from 'vitest';

import { VmOwners } from './vm-owners.ts';

it('of two resources that claim one VM, the first has it', () => {
  const owners = new VmOwners();
  expect(owners.claim('a', 'vm-1')).toBe(true);
  expect(owners.claim('b', 'vm-1')).toBe(false);
  expect(owners.claim('a', 'vm-1')).toBe(true);
  expect(owners.ownerOf('vm-1')).toBe('a');
});

it('a VM that was let go can be claimed by another', () => {
  const owners = new VmOwners();
  owners.claim('a', 'vm-1');
  owners.claim('a', undefined);
  expect(owners.ownerOf('vm-1')).toBeUndefined();
  expect(owners.claim('b', 'vm-1')).toBe(true);
});

it('whatever is claimed in whatever order, no VM has two owners and no owner two VMs', () => {
  const claim = fc.tuple(
    fc.constantFrom('a', 'b', 'c'),
    fc.option(fc.constantFrom('vm-1', 'vm-2', 'vm-3'), { nil: undefined }),
  );
  fc.assert(
    fc.property(fc.array(claim), (claims) => {
      const owners = new VmOwners();
      const vmOf = new Map<string, string>();
      for (const [key, vm] of claims) {
        const isTaken = vm !== undefined && [...vmOf].some(([owner, owned]) => owner !== key && owned === vm);
        expect(owners.claim(key, vm)).toBe(!isTaken);
        if (isTaken) continue;
        if (vm === undefined) vmOf.delete(key);
        else vmOf.set(key, vm);
        for (const id of ['vm-1', 'vm-2', 'vm-3']) {
          expect(owners.ownerOf(id)).toBe([...vmOf].find(([, owned]) => owned === id)?.[0]);
        }
      }
    }),
  );
});
