import fc from 'fast-check';
import { expect, it } from 'vitest';

import { launchOf, recordedVm, retiringVm } from '../../../test/support/builders.ts';
import { gpuAccountStatusSchema } from '../../api/gpu-account.ts';
import { mostKept, type KeptVms } from '../../api/unmanaged-vms.ts';
import { isNoted, keptAfter, leftBehind, readableIds } from './kept.ts';

const kept = (uid: string, ...ids: string[]): KeptVms => ({
  uid,
  resource: `GpuVm research/${uid}`,
  why: 'Retained',
  ids,
});
const full = Array.from({ length: mostKept }, (_, at) => kept(`old-${at}`));
const uidsOf = (entries: readonly KeptVms[]): string[] => entries.map(({ uid }) => uid);

it('what is new comes last, and what is known keeps its place with the ids that are new', () => {
  const after = keptAfter([kept('a', 'vm-1'), kept('b')], [kept('a', 'vm-2'), kept('c', 'vm-3')], () => true);
  expect(after).toEqual([kept('a', 'vm-1', 'vm-2'), kept('b'), kept('c', 'vm-3')]);
  expect(isNoted(after, 'a', ['vm-2'])).toBe(true);
  expect(isNoted(after, 'b', ['vm-2'])).toBe(false);
});

it('where there is no more room the oldest goes that the list shows no VM of', () => {
  const after = keptAfter(full, [kept('new')], ({ uid }) => uid === 'old-0');
  expect(uidsOf(after)).toEqual(['old-0', ...uidsOf(full).slice(2), 'new']);
});

it('while no list can be trusted, or all VMs are there, none goes, and what is new has to wait', () => {
  expect(keptAfter(full, [kept('new')], undefined)).toEqual(full);
  expect(keptAfter(full, [kept('new')], () => true)).toEqual(full);
});

it('no VM that a list shows is ever forgotten, and no more are written than may be', () => {
  const some = fc.uniqueArray(fc.nat({ max: 700 }), { minLength: 400, maxLength: 700 });
  const all = fc.tuple(some, some, fc.func(fc.boolean()));
  fc.assert(
    fc.property(all, ([before, added, isListed]) => {
      const stored = before.slice(0, mostKept).map((at) => kept(`${at}`));
      const after = keptAfter(
        stored,
        added.map((at) => kept(`${at}`)),
        ({ uid }) => isListed(uid),
      );
      gpuAccountStatusSchema.parse({ keptVms: after });
      expect(uidsOf(after)).toEqual(expect.arrayContaining(uidsOf(stored).filter((uid) => isListed(uid))));
    }),
    { numRuns: 30 },
  );
});

it.each<[string, Parameters<typeof leftBehind>[0], readonly string[] | undefined]>([
  ['had none', {}, undefined],
  ['was refused one', { launch: launchOf({ outcome: 'Refused' }) }, undefined],
  ['has one', { vm: recordedVm('vm-1'), launch: launchOf() }, ['vm-1']],
  ['has others on their way out', { vm: recordedVm('vm-2'), retiring: [retiringVm('vm-1')] }, ['vm-2', 'vm-1']],
  ['does not know of a deployment whether it made one', { launch: launchOf({ outcome: 'Uncertain' }) }, []],
])('a resource that %s leaves behind %j', (_, journal, expected) => {
  expect(leftBehind(journal)).toEqual(expected);
});

it('of ids that a damaged status has only those are noted that can be, and no more than may be', () => {
  expect(readableIds([undefined, null, 5, {}, '', 'x'.repeat(101), 'vm-1'])).toEqual(['vm-1']);
  expect(readableIds(Array.from({ length: 20 }, (_, at) => `vm-${at}`))).toHaveLength(9);
});
