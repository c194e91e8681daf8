import { expect, it } from 'vitest';

import type { PoolMember, PoolObservation } from './observation.ts';
import { planPool, type PoolPlan } from './plan.ts';
import { building, memberOf, minute, poolOf, poolSpec, running, start } from './testing/builders.ts';

/** A pool whose container cannot be rendered, as a Secret of its environment is gone: it can make no member. */

const old: Partial<PoolMember> = { hash: 'older' };
const broken = building(start - 60 * minute);

function plan(spec: object, members: readonly Partial<PoolMember>[], seen: Partial<PoolObservation> = {}): PoolPlan {
  const parsed = poolSpec(spec);
  const made = members.map((fields, index) => memberOf(parsed, index, fields));
  const blocked = { reason: 'SecretNotFound', message: 'Secret "env" does not exist.' } as const;
  return planPool(poolOf({ now: start + minute, spec: parsed, members: made, blocked, ...seen }));
}

function gone({ deletions }: PoolPlan): string[] {
  return deletions.map(({ member }) => member.name);
}

function many(count: number, fields: Partial<PoolMember>): Partial<PoolMember>[] {
  return Array.from({ length: count }, () => fields);
}

const unavailable = { updateStrategy: { maxSurge: 0, maxUnavailable: 1 } };

it.each<[string, object, Partial<PoolMember>[], Partial<PoolObservation>, string[]]>([
  ['repairs nobody', { replicas: 3 }, [...many(2, running()), broken], {}, []],
  ['replaces nobody of an older template', { replicas: 2, ...unavailable }, many(2, { ...running(), ...old }), {}, []],
  ['nor one that has no VM', { replicas: 2 }, many(2, old), {}, []],
  ['nor anybody where its status is gone', { replicas: 2, ...unavailable }, many(2, running()), { hash: '' }, []],
  ['keeps what a rollout has made', { replicas: 2 }, [...many(2, { ...running(), ...old }), building()], {}, []],
  ['becomes smaller', { replicas: 1 }, many(3, running()), {}, ['pool-2', 'pool-1']],
  ['becomes smaller where its status is gone', { replicas: 1 }, many(2, running()), { hash: '' }, ['pool-1']],
  [
    'becomes smaller by what is not available first, also in the middle of a rollout',
    { replicas: 2 },
    [...many(2, { ...running(), ...old }), ...many(2, building())],
    {},
    ['pool-3'],
  ],
])('a pool that can make no member %s', (_, spec, members, seen, expected) => {
  expect(gone(plan(spec, members, seen))).toEqual(expected);
});

it('a pool that can make no member counts no try that it does not make', () => {
  const since = '2026-01-01T00:00:00.000Z';
  const breaker = { since, failures: 3, templateHash: 'now', openedAt: since, nextProbeAt: since, probes: 1 };
  const { status, deletions } = plan({ replicas: 1 }, [broken], { hash: 'now', status: { breaker } });
  expect([status.breaker, deletions]).toEqual([breaker, []]);
});

it('a pool that is paused counts no repair and no probe that it does not make', () => {
  const since = '2026-01-01T00:00:00.000Z';
  const meta = { isPaused: true };
  for (const breaker of [
    { since, failures: 1, templateHash: 'now' },
    { since, failures: 3, templateHash: 'now', openedAt: since, nextProbeAt: since, probes: 1 },
  ]) {
    const seen = { hash: 'now', status: { breaker }, meta };
    const { status } = plan({ replicas: 1 }, [{ ...broken, repairedSince: since }], seen as never);
    expect(status.breaker).toEqual(breaker);
  }
});

it('a pool whose status is gone says of no member that it is of an older template', () => {
  const { status } = plan({ replicas: 2 }, many(2, running()), { hash: '' });
  expect(status).toMatchObject({ updatedReplicas: 2, replicas: 2 });
  expect(status.templateHash).toBeUndefined();
});
