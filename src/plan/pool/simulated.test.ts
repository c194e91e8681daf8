import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { GpuPoolSpec, GpuPoolStatus } from '../../api/gpu-pool.ts';
import { activeOf, isAvailable, wantedOf } from './members.ts';
import type { PoolMember, PoolObservation } from './observation.ts';
import { planPool, type PoolPlan } from './plan.ts';
import { mostProbes } from './repair.ts';
import { templateHash } from './template.ts';
import { building, memberOf, minute, poolOf, poolSpec, running, start } from './testing/builders.ts';

/** A pool through time: what is planned is carried out, and members fare as chance has it. */
class SimulatedPool {
  spec: GpuPoolSpec;
  status: GpuPoolStatus = {};
  members: PoolMember[] = [];
  now = start;
  made = 0;
  /** What of the template is broken: VMs of these sizes never become Ready. */
  readonly brokenVcpus = new Set<number>();

  constructor(spec: GpuPoolSpec) {
    this.spec = spec;
  }

  observe(): PoolObservation {
    const { now, spec, status, members } = this;
    return poolOf({ now, spec, status, members });
  }

  get active(): PoolMember[] {
    return activeOf(this.observe());
  }

  countAvailable(members = this.active): number {
    return members.filter((member) => isAvailable(member, this.observe())).length;
  }

  step(): PoolPlan {
    const plan = planPool(this.observe());
    const going = new Set(plan.deletions.map(({ member }) => member.uid));
    expect(going.size).toBe(plan.deletions.length);
    this.members = this.members.map((member) => (going.has(member.uid) ? { ...member, isDeleting: true } : member));
    for (const { kind, name, annotations } of plan.creations) {
      this.made += 1;
      const repairedSince = annotations['gpuvm.dev/repaired-since'];
      const made = {
        kind,
        name,
        uid: `uid-${this.made}`,
        createdAt: this.now,
        repairedSince,
        spec: { vcpus: this.spec.template.spec.vcpus },
      };
      this.members = [...this.members, memberOf(this.spec, 0, made)];
    }
    this.status = plan.status;
    return plan;
  }

  change(index: number, fields: Partial<PoolMember>): void {
    const chosen = this.members[index % Math.max(1, this.members.length)];
    this.members = this.members.map((member) => (member === chosen ? { ...member, ...fields } : member));
  }

  finishDeletions(): void {
    this.members = this.members.filter((member) => !member.isDeleting);
  }

  /** All that wait get their VM, and all of them work that are not of a broken template. */
  bringUp(): void {
    this.members = this.members.map((member) => {
      if (member.vmSince !== undefined) return member;
      const isBroken = this.brokenVcpus.has(Number(member.spec['vcpus']));
      return { ...member, ...(isBroken ? building(this.now) : running(this.now)) };
    });
  }
}

const strategies = fc
  .record({ maxSurge: fc.nat(3), maxUnavailable: fc.nat(3) })
  .filter(({ maxSurge, maxUnavailable }) => maxSurge + maxUnavailable > 0)
  .map((sizes) => ({ type: 'RollingUpdate', ...sizes }) as const);

const deeds = fc.oneof(
  fc.record({ deed: fc.constant('scale'), value: fc.nat(8) }),
  fc.record({ deed: fc.constant('template'), value: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ deed: fc.constant('base'), value: fc.nat(4) }),
  fc.record({
    deed: fc.constantFrom('getVm', 'ready', 'fail', 'remove', 'deleteFirst', 'finish', 'look', 'wait', 'bringUp'),
    value: fc.nat(20),
  }),
);
type Deed = typeof deeds extends fc.Arbitrary<infer T> ? T : never;

function perform(pool: SimulatedPool, { deed, value }: Deed): void {
  const { spec } = pool;
  const { template, capacity } = spec;
  switch (deed) {
    case 'scale':
      pool.spec = { ...spec, replicas: value };
      break;
    case 'template':
      pool.spec = { ...spec, template: { ...template, spec: { ...template.spec, vcpus: 2 * value } } };
      break;
    case 'base':
      pool.spec = { ...spec, capacity: { ...capacity, onDemandBase: value } };
      break;
    case 'getVm':
      pool.change(value, building(pool.now));
      break;
    case 'ready':
      pool.change(value, running(pool.now));
      break;
    case 'fail':
      pool.change(value, {
        ready: { isTrue: false, since: pool.now, reason: 'NotReachable', message: '' },
        brokenSince: pool.now,
      });
      break;
    case 'remove':
      pool.change(value, { isDeleting: true });
      break;
    case 'deleteFirst':
      pool.change(value, { isDeleteFirst: true });
      break;
    case 'finish':
      pool.finishDeletions();
      break;
    case 'bringUp':
      pool.bringUp();
      break;
    case 'wait':
      pool.now += value * minute;
      break;
    case 'look':
      break;
  }
}

function simulate(run: (pool: SimulatedPool, deeds: readonly Deed[]) => void): void {
  const scenarios = fc.record({
    replicas: fc.nat(8),
    updateStrategy: strategies,
    minReadySeconds: fc.constantFrom(0, 30),
    isSpot: fc.boolean(),
    deeds: fc.array(deeds, { maxLength: 60 }),
  });
  fc.assert(
    fc.property(scenarios, ({ isSpot, deeds: chosen, ...fields }) => {
      const capacity = isSpot ? { type: 'Spot', bid: { price: '0.10' }, onDemandBase: 1 } : { type: 'OnDemand' };
      run(new SimulatedPool(poolSpec({ ...fields, capacity })), chosen);
    }),
    { numRuns: 200 },
  );
}

/** Long enough for every rollout: what is planned is carried out, and all VMs work. */
function settle(pool: SimulatedPool): void {
  for (let round = 0; round < 40; round++) {
    pool.now += minute;
    pool.step();
    pool.finishDeletions();
    pool.bringUp();
  }
}

describe('a pool through scale, new templates and failing members', () => {
  it('is never brought above replicas + maxSurge by what is made', () => {
    simulate((pool, chosen) => {
      for (const deed of chosen) {
        perform(pool, deed);
        const plan = pool.step();
        const most = pool.spec.replicas + pool.spec.updateStrategy.maxSurge;
        if (plan.creations.length > 0) expect(pool.active.length).toBeLessThanOrEqual(most);
      }
    });
  });

  it('is never brought below replicas - maxUnavailable by what is deleted', () => {
    simulate((pool, chosen) => {
      for (const deed of chosen) {
        perform(pool, deed);
        const before = pool.countAvailable();
        pool.step();
        const least = Math.min(before, pool.spec.replicas - pool.spec.updateStrategy.maxUnavailable);
        expect(pool.countAvailable()).toBeGreaterThanOrEqual(least);
      }
    });
  });

  it('gives no two members one name', () => {
    simulate((pool, chosen) => {
      for (const deed of chosen) {
        perform(pool, deed);
        pool.step();
        expect(new Set(pool.members.map(({ name }) => name)).size).toBe(pool.members.length);
      }
    });
  });

  it('comes to as many members of each kind as are wanted, all of this template, and then does nothing more', () => {
    simulate((pool, chosen) => {
      for (const deed of chosen) {
        perform(pool, deed);
        pool.step();
      }
      // What was broken by hand is repaired, or not; here it heals by itself.
      pool.members = pool.members.map((member) => ({ ...member, ...running(start) }));
      settle(pool);
      const wanted = wantedOf(pool.spec);
      const kinds = (kind: string): PoolMember[] => pool.active.filter((member) => member.kind === kind);
      expect([kinds('GpuVm').length, kinds('SpotVm').length]).toEqual([wanted.GpuVm, wanted.SpotVm]);
      expect(pool.active.every(({ hash }) => hash === templateHash(pool.spec))).toBe(true);
      const { made } = pool;
      const plan = pool.step();
      expect([plan.creations.length, plan.deletions.length, pool.made]).toEqual([0, 0, made]);
      expect(plan.status).toMatchObject({ replicas: pool.spec.replicas, readyReplicas: pool.spec.replicas });
      expect(plan.status.conditions?.some(({ type }) => type === 'Reconciling')).toBe(false);
    });
  });
});

describe('a template whose VMs never become Ready', () => {
  it('costs a bounded number of VMs, however long that goes on', () => {
    const scenarios = fc.record({
      replicas: fc.integer({ min: 1, max: 8 }),
      maxFailures: fc.integer({ min: 1, max: 5 }),
      updateStrategy: strategies,
    });
    fc.assert(
      fc.property(scenarios, ({ replicas, maxFailures, updateStrategy }) => {
        const repair = { readyDeadline: '20m', maxUnhealthyPercent: 100, maxFailures };
        const pool = new SimulatedPool(poolSpec({ replicas, updateStrategy, repair }, { vcpus: 4 }));
        settle(pool);
        const { made } = pool;
        pool.brokenVcpus.add(8);
        perform(pool, { deed: 'template', value: 4 });
        for (let round = 0; round < 400; round++) {
          pool.now += 5 * minute;
          pool.step();
          pool.finishDeletions();
          pool.bringUp();
        }
        // Those of the rollout, those that were to replace them, and probes.
        expect(pool.made - made).toBeLessThanOrEqual(replicas + updateStrategy.maxSurge + 2 * maxFailures + mostProbes);
        expect(pool.countAvailable()).toBeGreaterThanOrEqual(replicas - updateStrategy.maxUnavailable);
        expect(pool.status.breaker?.openedAt).toBeDefined();
        expect(pool.status.conditions).toContainEqual(
          expect.objectContaining({ type: 'Stalled', reason: 'BreakerOpen' }),
        );
        // A template that works takes it from there.
        perform(pool, { deed: 'template', value: 3 });
        settle(pool);
        expect(pool.status).toMatchObject({ readyReplicas: replicas, updatedReplicas: replicas });
        expect(pool.status.breaker).toBeUndefined();
      }),
      {
        numRuns: 20,
        // All of a rollout broke at once, and what replaced one was not looked at before the others had been replaced as well.
        examples: [
          [{ replicas: 3, maxFailures: 1, updateStrategy: { type: 'RollingUpdate', maxSurge: 0, maxUnavailable: 3 } }],
        ],
      },
    );
  });
});

describe('a fault that all members share', () => {
  /** Members are made from what is broken all the time, or for a while. */
  function withBrokenMembers(fields: object): SimulatedPool {
    const pool = new SimulatedPool(poolSpec(fields, { vcpus: 4 }));
    pool.brokenVcpus.add(4);
    pool.step();
    pool.bringUp();
    return pool;
  }

  function pass(pool: SimulatedPool, hours: number, afterStep: () => void): void {
    for (let round = 0; round < hours * 12; round++) {
      pool.now += 5 * minute;
      pool.step();
      pool.finishDeletions();
      afterStep();
      pool.bringUp();
    }
  }

  const scenarios = fc.record({ replicas: fc.integer({ min: 2, max: 8 }), updateStrategy: strategies });

  it('costs a few single VMs, never two at once, and then a person is told', () => {
    fc.assert(
      fc.property(scenarios, (fields) => {
        const pool = withBrokenMembers(fields);
        let before = pool.made;
        pass(pool, 24, () => {
          expect(pool.made - before).toBeLessThanOrEqual(1);
          before = pool.made;
        });
        expect(pool.made).toBe(fields.replicas + mostProbes);
        expect(pool.active).toHaveLength(fields.replicas);
        expect(pool.status.conditions).toContainEqual(
          expect.objectContaining({ type: 'Stalled', reason: 'TooManyUnhealthy' }),
        );
      }),
      { numRuns: 20 },
    );
  });

  it('heals by itself once it has passed', () => {
    fc.assert(
      fc.property(scenarios, fc.integer({ min: 1, max: 3 }), (fields, hours) => {
        const pool = withBrokenMembers(fields);
        pass(pool, hours, () => undefined);
        expect(pool.countAvailable()).toBe(0);
        pool.brokenVcpus.clear();
        pass(pool, 6, () => undefined);
        expect(pool.status).toMatchObject({ replicas: fields.replicas, availableReplicas: fields.replicas });
        // Each but the one that was being tried is replaced once.
        expect(pool.made).toBeLessThanOrEqual(2 * fields.replicas + mostProbes);
        expect(pool.status.breaker).toBeUndefined();
      }),
      { numRuns: 20 },
    );
  });
});

describe('a pool that becomes larger while too many of its members are unhealthy', () => {
  const repair = { readyDeadline: '20m', maxUnhealthyPercent: 40, maxFailures: 3 };

  /** Half of ten members are broken, and nothing has been replaced yet. */
  function withHalfBroken(): SimulatedPool {
    const pool = new SimulatedPool(poolSpec({ replicas: 10, repair }, { vcpus: 4 }));
    pool.step();
    pool.bringUp();
    for (let index = 0; index < 5; index++) pool.change(index, building(pool.now));
    pool.now += 20 * minute;
    expect(pool.step().deletions).toEqual([]);
    expect(pool.status.breaker).toMatchObject({ failures: 0, probes: 0 });
    return pool;
  }

  function scaleTo(pool: SimulatedPool, replicas: number): PoolPlan {
    perform(pool, { deed: 'scale', value: replicas });
    return pool.step();
  }

  function deleted({ deletions }: PoolPlan): string[] {
    return deletions.map(({ member }) => member.name);
  }

  function marks({ creations }: PoolPlan): number {
    return creations.filter(({ annotations }) => annotations['gpuvm.dev/repaired-since'] !== undefined).length;
  }

  /** By themselves. */
  function recover(pool: SimulatedPool, first: number, until: number): void {
    for (let index = first; index < until; index++) pool.change(index, running(pool.now));
  }

  it.each([14, 20])(
    'repairs the one that is left broken, though the new ones find no offer (%i members)',
    (replicas) => {
      const pool = withHalfBroken();
      expect(marks(scaleTo(pool, replicas))).toBe(0);
      recover(pool, 0, 4);
      const plan = pool.step();
      expect([deleted(plan), marks(plan)]).toEqual([['pool-4'], 1]);
      expect(pool.status.conditions).toContainEqual(expect.objectContaining({ type: 'Repairing', status: 'True' }));
    },
  );

  it.each([14, 20])('repairs it also where the one that is being tried finds none either (%i members)', (replicas) => {
    const pool = withHalfBroken();
    pool.now += 10 * minute;
    const tried = pool.step();
    expect([deleted(tried), marks(tried)]).toEqual([['pool-0'], 1]);
    pool.finishDeletions();
    expect(marks(scaleTo(pool, replicas))).toBe(0);
    recover(pool, 0, 3);
    expect(deleted(pool.step())).toEqual(['pool-4']);
  });

  it('awaits a single one of those that are made together with the one that is tried', () => {
    const pool = withHalfBroken();
    pool.now += 10 * minute;
    const plan = scaleTo(pool, 12);
    expect([deleted(plan).length, plan.creations.length, marks(plan)]).toEqual([1, 3, 1]);
  });

  it('awaits the one that is tried also where that is made only by the process that comes next', () => {
    const pool = withHalfBroken();
    pool.now += 10 * minute;
    const before = pool.members;
    const [name] = deleted(pool.step());
    pool.members = before.filter((member) => member.name !== name);
    expect(marks(pool.step())).toBe(1);
  });

  it('tries a single one after 10 minutes, however many of the new ones have become Ready by then', () => {
    const pool = withHalfBroken();
    for (const replicas of [11, 12]) {
      scaleTo(pool, replicas);
      pool.bringUp();
      pool.now += 5 * minute;
    }
    expect(deleted(pool.step())).toEqual(['pool-0']);
  });

  it('counts each new one as a replacement while repairs go on, or have stopped as too many failed', () => {
    for (const breaker of [
      { failures: 1 },
      { failures: 3, openedAt: '2026-01-01T00:00:00Z', probes: 1, nextProbeAt: '2026-01-01T09:00:00Z' },
    ]) {
      const pool = withHalfBroken();
      pool.members = pool.members.map((member) => ({ ...member, ...running(start) }));
      const since = '2026-01-01T00:00:00.000Z';
      pool.status = { breaker: { since, templateHash: templateHash(pool.spec), ...breaker } };
      expect(marks(scaleTo(pool, 13))).toBe(3);
    }
  });
});
