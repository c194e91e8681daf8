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
