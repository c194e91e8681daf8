import { expect, it } from 'vitest';

import type { PoolMember } from './observation.ts';
import { inVictimOrder } from './scale-in.ts';
import { building, memberOf, minute, poolOf, poolSpec, running, start } from './testing/builders.ts';

const spec = poolSpec({ minReadySeconds: 60 });

function order(policy: 'MostExpensive' | 'Newest' | 'Oldest', members: readonly Partial<PoolMember>[]): string[] {
  const observation = poolOf({ now: start + 10 * minute, spec: { ...spec, scaleIn: { policy } } });
  const made = members.map((fields, index) => memberOf(spec, index, fields));
  return inVictimOrder(made, observation).map(({ name }) => name);
}

const ready = running(start);

it.each<[string, 'MostExpensive' | 'Newest' | 'Oldest', Partial<PoolMember>[], string[]]>([
  ['those without a VM go before those with one', 'Oldest', [ready, building(), {}], ['pool-2', 'pool-1', 'pool-0']],
  [
    'those that have just become Ready go before those that are available',
    'Oldest',
    [ready, running(start + 9.5 * minute)],
    ['pool-1', 'pool-0'],
  ],
  [
    'an annotated one goes before the others, but after those that nobody misses',
    'MostExpensive',
    [ready, { ...running(start, '0.10'), isDeleteFirst: true }, building()],
    ['pool-2', 'pool-1', 'pool-0'],
  ],
  [
    'one of an older template goes before one of this',
    'MostExpensive',
    [running(start, '0.90'), { ...running(start, '0.10'), hash: 'older' }],
    ['pool-1', 'pool-0'],
  ],
  [
    'the most expensive goes first',
    'MostExpensive',
    [running(start, '0.30'), running(start, '0.09'), running(start, '0.50')],
    ['pool-2', 'pool-0', 'pool-1'],
  ],
  [
    'one whose price nobody knows goes after those of which it is known',
    'MostExpensive',
    [{ ...ready, price: undefined }, running(start, '0.09')],
    ['pool-1', 'pool-0'],
  ],
  [
    'the newest goes first, where that is the policy',
    'Newest',
    [
      { ...ready, createdAt: start + 2 },
      { ...ready, createdAt: start + 3 },
      { ...ready, createdAt: start + 1 },
    ],
    ['pool-1', 'pool-0', 'pool-2'],
  ],
  [
    'the oldest goes first, where that is the policy',
    'Oldest',
    [
      { ...ready, createdAt: start + 2 },
      { ...ready, createdAt: start + 3 },
      { ...ready, createdAt: start + 1 },
    ],
    ['pool-2', 'pool-0', 'pool-1'],
  ],
  [
    'of equals the one with the highest number goes',
    'MostExpensive',
    [ready, ready, ready],
    ['pool-2', 'pool-1', 'pool-0'],
  ],
])('%s', (_, policy, members, expected) => {
  expect(order(policy, members)).toEqual(expected);
});
