import { expect, it } from 'vitest';

import type { PoolMember } from './observation.ts';
import { sizeOf } from './rollout.ts';
import { building, memberOf, poolOf, poolSpec, running } from './testing/builders.ts';

const old = { hash: 'older' };
const oldUp = { ...running(), ...old };
const oldDown = { ...building(), ...old };

function many(count: number, fields: Partial<PoolMember>): Partial<PoolMember>[] {
  return Array.from({ length: count }, () => fields);
}

function size(spec: object, members: readonly Partial<PoolMember>[]): { create: number[]; delete: string[] } {
  const parsed = poolSpec(spec);
  const made = members.map((fields, index) => memberOf(parsed, index, fields));
  const { create, delete: going } = sizeOf(poolOf({ spec: parsed, members: made }), made);
  return { create: [create.GpuVm, create.SpotVm], delete: going.map(({ member }) => member.name).sort() };
}

const says = (reason: string): Partial<PoolMember> => ({
  ready: { isTrue: false, since: 0, reason, message: '' },
});
const powerState = (state: string): object => ({
  template: { spec: { ...poolSpec().template.spec, powerState: state } },
});

const spot = { type: 'Spot', bid: { price: '0.10' }, onDemandBase: 2 };
const onDelete = { updateStrategy: { type: 'OnDelete' } };
const oneAway = { updateStrategy: { maxSurge: 0, maxUnavailable: 1 } };

it.each<[string, object, Partial<PoolMember>[], number[], string[]]>([
  ['a new pool makes all at once', { replicas: 3 }, [], [3, 0], []],
  ['a pool that is complete does nothing', { replicas: 3 }, many(3, running()), [0, 0], []],
  ['a rollout begins with the surge', { replicas: 3 }, many(3, oldUp), [1, 0], []],
  ['an old one goes once a new one is available', { replicas: 3 }, [...many(3, oldUp), running()], [1, 0], ['pool-2']],
  ['no old one goes while the new one is not', { replicas: 3 }, [...many(3, oldUp), building()], [0, 0], []],
  ['without surge an old one goes first', { replicas: 3, ...oneAway }, many(3, oldUp), [1, 0], ['pool-2']],
  [
    'of the old ones the one that is down goes first',
    { replicas: 3, ...oneAway },
    [oldDown, oldUp, oldUp],
    [1, 0],
    ['pool-0'],
  ],
  [
    'one that is down is kept while the new ones are down as well',
    { replicas: 3 },
    [oldDown, oldUp, oldUp, building()],
    [0, 0],
    [],
  ],
  [
    'one whose spec was edited a moment ago is not counted on, and goes first',
    { replicas: 2, ...oneAway },
    [{ ...oldUp, isObserved: false }, oldUp],
    [1, 0],
    ['pool-0'],
  ],
  [
    'spot members that are to go, and were edited a moment ago, stay until others take their place',
    { replicas: 2 },
    many(2, { ...running(), kind: 'SpotVm', isObserved: false }),
    [1, 0],
    [],
  ],
  [
    'and until those are available',
    { replicas: 2 },
    [building(), ...many(2, { ...running(), kind: 'SpotVm', isObserved: false })],
    [0, 0],
    [],
  ],
  [
    'no old one goes while a new one was edited a moment ago',
    { replicas: 2, ...oneAway },
    [{ ...running(), isObserved: false }, oldUp],
    [0, 0],
    [],
  ],
  ['old ones without a VM go at once', { replicas: 3 }, many(3, old), [3, 0], ['pool-0', 'pool-1', 'pool-2']],
  ['with OnDelete old ones stay', { replicas: 3, ...onDelete }, many(3, oldUp), [0, 0], []],
  ['and go when there are too many', { replicas: 2, ...onDelete }, [oldUp, running(), running()], [0, 0], ['pool-0']],
  ['of a spot pool the base is on demand', { replicas: 5, capacity: spot }, [], [2, 3], []],
  [
    'a smaller spot pool keeps its base',
    { replicas: 2, capacity: spot },
    [...many(2, running()), ...many(3, { ...running(), kind: 'SpotVm' as const })],
    [0, 0],
    ['pool-2', 'pool-3', 'pool-4'],
  ],
  [
    'a pool that is stopped is rolled, though nobody is Ready',
    { replicas: 2, ...oneAway, ...powerState('Stopped') },
    many(2, { ...oldDown, ...says('Stopped') }),
    [1, 0],
    ['pool-1'],
  ],
  [
    'so is one in off hours',
    { replicas: 2, ...oneAway, schedule: { start: '0 8 * * *', stop: '0 18 * * *' } },
    many(2, { ...oldDown, ...says('OffHours') }),
    [1, 0],
    ['pool-1'],
  ],
  [
    'a new one that somebody has stopped is not available: the old one stays',
    { replicas: 1 },
    [oldUp, { ...building(), ...says('Stopped') }],
    [0, 0],
    [],
  ],
  [
    'nor is one that says OffHours when they are over',
    { replicas: 1, schedule: { start: '0 0 * * *', stop: '0 18 * * *' } },
    [oldUp, { ...building(), ...says('OffHours') }],
    [0, 0],
    [],
  ],
  [
    'nor is one that is paused, in a pool that is stopped',
    { replicas: 1, ...powerState('Released') },
    [
      { ...oldDown, ...says('Released') },
      { ...building(), ...says('Released'), isSynced: false },
    ],
    [0, 0],
    [],
  ],
])('%s', (_, spec, members, create, going) => {
  expect(size(spec, members)).toEqual({ create, delete: going });
});
