import { expect, it } from 'vitest';

import type { PoolMember } from './observation.ts';
import { planPool } from './plan.ts';
import { templateHash } from './template.ts';
import { building, memberOf, minute, poolOf, poolSpec, running, start } from './testing/builders.ts';

const spec = poolSpec({ replicas: 3 });
const since = '2026-01-01T00:00:00.000Z';
const open = { since, failures: 3, templateHash: templateHash(spec), openedAt: since, probes: 1 };
const now = start + 60 * minute;

function said(members: readonly Partial<PoolMember>[], breaker: object): string {
  const made = members.map((fields, index) => memberOf(spec, index, fields));
  return (
    planPool(poolOf({ now, spec, members: made, status: { breaker: { ...open, ...breaker } } })).status.message ?? ''
  );
}

const broken = building(start);
const tried: Partial<PoolMember> = { ...building(now - minute), repairedSince: since };

it.each<[string, Partial<PoolMember>[], object, string]>([
  [
    'when the next one is tried',
    [broken, running(), running()],
    { nextProbeAt: '2026-01-01T01:05:00Z' },
    'A single one is tried again at 2026-01-01T01:05:00Z. Correct',
  ],
  [
    'that the last one is still awaited, and why, once that time is over',
    [broken, tried, running()],
    { nextProbeAt: '2026-01-01T00:55:00Z' },
    'The last replacement is still awaited; 1 Building. pool-1: The VM is being built. A single one is tried again should it fail. Correct',
  ],
  [
    'that the next one is tried when there is something to repair',
    [running(), running(), running()],
    { nextProbeAt: '2026-01-01T00:55:00Z' },
    'A single one is tried again as soon as a member is broken. Correct',
  ],
  [
    'that the last of all is being tried, and why that takes time',
    [broken, tried, running()],
    { probes: 5 },
    'A last single one is being tried: 1 Building. pool-1: The VM is being built. Correct',
  ],
])('a pool whose repairs have stopped says %s', (_, members, breaker, expected) => {
  expect(said(members, breaker)).toContain(expected);
});

const many = { failures: 0, openedAt: undefined };
const stopped = 'more than repair.maxUnhealthyPercent (40) allows: that is no matter of single VMs, so they are left';

it.each<[string, Partial<PoolMember>[], object, string[]]>([
  [
    'when a single one is tried, and what a person can do',
    [broken, broken, running()],
    { ...many, probes: 0, nextProbeAt: '2026-01-01T01:05:00Z' },
    [
      `2 of 3 members are unhealthy, ${stopped} as they are, and billed. A single one is tried again at 2026-01-01T01:05:00Z. `,
      'delete members to have them replaced at once, or annotate the pool with a new gpuvm.dev/reconcile-requested-at to begin anew; 2 Building. ',
    ],
  ],
  [
    'how many are not counted, as they have no VM yet',
    [broken, broken, {}],
    { ...many, probes: 0, nextProbeAt: '2026-01-01T01:05:00Z' },
    [`2 of 2 members are unhealthy, besides 1 without a VM, ${stopped}`],
  ],
  [
    'that one is being tried',
    [broken, tried, running()],
    { ...many, nextProbeAt: '2026-01-01T00:55:00Z' },
    [
      `2 of 3 members are unhealthy or still being tried, ${stopped}`,
      'The last replacement is still awaited; 1 Building.',
    ],
  ],
  [
    'that nothing is tried any more',
    [broken, broken, running()],
    { ...many, probes: 5 },
    ['5 single tries since then failed as well; there are no more. See what they have in common'],
  ],
])('a pool of which too many are unhealthy says %s', (_, members, breaker, expected) => {
  const message = said(members, breaker);
  for (const words of expected) expect(message).toContain(words);
});

it('a pool of which too many stay unhealthy is stalled once nothing is tried any more', () => {
  const members = [0, 1, 2].map((index) => memberOf(spec, index, broken));
  const breaker = { ...open, ...many, probes: 5 };
  expect(planPool(poolOf({ now, spec, members, status: { breaker } })).status.conditions).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ type: 'Repairing', status: 'False', reason: 'TooManyUnhealthy' }),
      expect.objectContaining({ type: 'Stalled', status: 'True', reason: 'TooManyUnhealthy' }),
    ]),
  );
});
