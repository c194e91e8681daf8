import { expect, it } from 'vitest';

import type { PoolMember, PoolObservation } from './observation.ts';
import { planPool } from './plan.ts';
import { memberOf, minute, poolOf, poolSpec, running, start } from './testing/builders.ts';

const lacking: Partial<PoolMember> = {
  kind: 'SpotVm',
  ready: { isTrue: false, since: start, reason: 'SecretConflict', message: 'The Secret belongs to somebody else.' },
};
const namesake = { ...lacking, hasNamesake: true };
const blocked = { reason: 'SecretNotFound', message: 'Secret "env" does not exist.' } as const;
const meta = { ...poolOf().meta, isPaused: true };

it.each<[string, Partial<PoolMember>, Partial<PoolObservation>, string[], string[]]>([
  ['is replaced where a resource of the other kind has its name', namesake, {}, ['pool-1'], ['SpotVm pool-2']],
  ['stays while no such resource is known: a person has to look', lacking, {}, [], []],
  ['stays where it has a VM', { ...namesake, vmSince: start }, {}, [], []],
  ['stays where something else is in the way as well', { hasNamesake: true }, {}, [], []],
  ['stays where nothing can be made in its place', namesake, { blocked }, [], []],
  ['stays while the pool is paused', namesake, { meta }, [], []],
])("a member whose connection Secret is somebody else's %s", (_, fields, seen, deleted, created) => {
  const spec = poolSpec({ replicas: 2, capacity: { type: 'Spot', bid: { price: '0.10' }, onDemandBase: 1 } });
  const members = [memberOf(spec, 0, running()), memberOf(spec, 1, { kind: 'SpotVm', ...fields })];
  const { deletions, creations } = planPool(poolOf({ spec, members, ...seen }));
  expect(deletions.map(({ member }) => member.name)).toEqual(deleted);
  expect(creations.map(({ kind, name }) => `${kind} ${name}`)).toEqual(created);
});

it('a pool looks again after a minute for whoever has the Secret that a member lacks', () => {
  const spec = poolSpec({ replicas: 1 });
  expect(planPool(poolOf({ spec, members: [memberOf(spec, 0, lacking)] })).lookAt).toBe(start + minute);
});
