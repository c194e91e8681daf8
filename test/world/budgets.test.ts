import { describe, expect, it } from 'vitest';

import { gpuAccountType, gpuBudgetType } from '../../src/api/group.ts';
import { conditionOf } from '../../src/api/conditions.ts';
import { namespaceType } from '../../src/controllers/objects.ts';
import { createWorld, type SimulatedWorld, type WorldOptions } from './world.ts';

const second = 1000;
const minute = 60 * second;

/** 30 VMs at once, in a world with room for all of them, whose provider is looked at whenever something happens there. */
const names = Array.from({ length: 30 }, (_, index) => `vm-${String(index).padStart(2, '0')}`);

interface Watched {
  readonly world: SimulatedWorld;
  /** The most VMs that lived at once so far. */
  readonly most: () => number;
}

async function watched(options: Partial<WorldOptions> = {}): Promise<Watched> {
  const world = await createWorld({
    seed: 7,
    simulator: { hosts: 40, bootDelayMs: 3_000, deleteDelayMs: 3_000, ...options.simulator },
    requestsPerSecond: 5,
    ...options,
  });
  let most = 0;
  const { machine } = world.provider;
  const exchange = machine.exchange.bind(machine);
  machine.exchange = (request, now) => {
    const answer = exchange(request, now);
    most = Math.max(most, alive(world));
    return answer;
  };
  return { world, most: () => most };
}

function alive(world: SimulatedWorld): number {
  return world.vms().filter(({ status }) => status !== 'Terminated').length;
}

async function limit(world: SimulatedWorld, hard: object, more: object = {}, name = 'team'): Promise<void> {
  const ref = { namespace: 'research', name };
  if (world.api.peek(gpuBudgetType, `research/${name}`) !== undefined) {
    await world.api.mergePatch(gpuBudgetType, ref, { spec: { hard, ...more } });
    return;
  }
  await world.api.create(gpuBudgetType, {
    apiVersion: 'gpuvm.dev/v1alpha1',
    kind: 'GpuBudget',
    metadata: ref,
    spec: { hard, ...more },
  });
}

/** In the order in which they are given, each a second younger than the one before. */
async function createAll(world: SimulatedWorld, order: readonly string[] = names, apartMs = 0): Promise<void> {
  for (const name of order) {
    await world.apply(name);
    if (apartMs > 0) await world.advance(apartMs);
  }
}

function running(world: SimulatedWorld): string[] {
  return names.filter((name) => world.conditionOf(name, 'Ready') === 'True Running');
}

function waitingFor(world: SimulatedWorld, reason: string): string[] {
  return names.filter((name) => world.conditionOf(name, 'Ready') === `False ${reason}`);
}

function said(world: SimulatedWorld, name: string): string {
  return conditionOf(world.statusOf(name)?.conditions ?? [], 'Ready')?.message ?? '';
}

async function untilRunning(world: SimulatedWorld, count: number): Promise<void> {
  const took = await world.until(() => running(world).length === count && world.isOperatorAlive, 20 * minute);
  expect(took, `${String(running(world).length)} run\n${world.trace.slice(-60).join('\n')}`).toBeDefined();
}

describe('30 VMs that are created at once under a budget of 20', () => {
  it('are 20 that run, the oldest, and 10 that say in words that they wait for room', async () => {
    const { world, most } = await watched();
    await limit(world, { vms: 20 });
    await createAll(world, names, second);
    await untilRunning(world, 20);
    await world.advance(5 * minute);
    expect(running(world)).toEqual(names.slice(0, 20));
    expect(waitingFor(world, 'OverBudget')).toEqual(names.slice(20));
    expect(said(world, 'vm-29')).toBe(
      'GpuBudget "team" allows 20 VMs (hard.vms), 20 VMs are taken, and older ones that wait want 9 VMs: no room for 1 VM more. The VM is deployed by itself once there is room, the oldest first.',
    );
    expect(most()).toBe(20);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('get in by age when the budget is raised, and when others leave', async () => {
    const { world, most } = await watched();
    await limit(world, { vms: 20 });
    await createAll(world, names, second);
    await untilRunning(world, 20);
    await limit(world, { vms: 23 });
    await untilRunning(world, 23);
    expect(running(world)).toEqual(names.slice(0, 23));
    for (const name of ['vm-03', 'vm-04']) await world.delete(name);
    await world.until(() => world.resource('vm-04') === undefined, 5 * minute);
    await untilRunning(world, 23);
    expect(running(world)).toEqual(names.slice(0, 25).filter((name) => name !== 'vm-03' && name !== 'vm-04'));
    expect(most()).toBe(23);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('are never more than 20 while the process is killed again and again', async () => {
    const { world, most } = await watched();
    world.restartAfterMs = 3_000;
    await limit(world, { vms: 20 });
    await createAll(world);
    for (let round = 0; round < 25; round++) {
      world.crashAfter(1 + ((round * 7) % 13));
      await world.advance(20 * second);
    }
    world.clearFaults();
    await untilRunning(world, 20);
    expect(most()).toBe(20);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('are never more than 20 while answers to deploy calls are lost', async () => {
    const { world, most } = await watched();
    await limit(world, { vms: 20 });
    world.fault({ endpoint: 'client/deploy/single', kind: 'lost-answer', count: 5 });
    world.fault({ endpoint: 'client/deploy/single', kind: 'lost-request', count: 5 });
    await createAll(world);
    await untilRunning(world, 20);
    expect(most()).toBe(20);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('are never more than 20 when another process takes over whose watches lag behind', async () => {
    const { world, most } = await watched({ replicas: 2 });
    await limit(world, { vms: 20 });
    await createAll(world);
    await world.until(() => alive(world) >= 8, 5 * minute, 100);
    world.holdWatches(true);
    await world.until(() => alive(world) >= 14, 5 * minute, 100);
    // Nor does the provider tell it of all that there is.
    world.fault({ endpoint: 'client/list', kind: 'stale-list' });
    world.retire(world.replicas[0]?.isLeading === true ? 0 : 1);
    await world.advance(2 * minute);
    world.holdWatches(false);
    world.clearFaults();
    await untilRunning(world, 20);
    expect(most()).toBe(20);
    expect(world.watchdog.breaches).toEqual([]);
  });
});

describe('the account', () => {
  it('has limits of its own, which hold for all namespaces', async () => {
    const { world, most } = await watched();
    await world.api.mergePatch(gpuAccountType, { name: 'default' }, { spec: { limits: { maxVms: 4 } } });
    await createAll(world, names.slice(0, 6), second);
    await untilRunning(world, 4);
    await world.advance(2 * minute);
    expect(waitingFor(world, 'OverAccountLimit')).toEqual(['vm-04', 'vm-05']);
    expect(most()).toBe(4);
  });

  it('serves only namespaces with its labels; who loses them keeps what there is', async () => {
    const { world } = await watched();
    const spec = { allowedNamespaces: { matchLabels: { gpu: 'allowed' } } };
    await world.api.mergePatch(gpuAccountType, { name: 'default' }, { spec });
    await world.apply('vm-00');
    await world.until(() => waitingFor(world, 'NamespaceNotAllowed').length === 1, minute);
    expect(said(world, 'vm-00')).toBe(
      'GpuAccount "default" serves namespaces with the label gpu=allowed (allowedNamespaces), which "research" does not have: ask the platform team.',
    );
    await world.api.mergePatch(namespaceType, { name: 'research' }, { metadata: { labels: { gpu: 'allowed' } } });
    await untilRunning(world, 1);
    await world.api.mergePatch(namespaceType, { name: 'research' }, { metadata: { labels: { gpu: null } } });
    await world.apply('vm-01');
    await world.until(() => waitingFor(world, 'NamespaceNotAllowed').length === 1, minute);
    expect(running(world)).toEqual(['vm-00']);
  });
});

describe('what VMs cost', () => {
  it('is limited, too: a cheaper host may still do, and what is released leaves room', async () => {
    const { world } = await watched();
    await limit(world, { hourlyCost: '0.50' });
    await createAll(world, names.slice(0, 6), second);
    await world.until(() => waitingFor(world, 'OverBudget').length > 0 && running(world).length > 0, 10 * minute);
    await world.advance(2 * minute);
    const before = running(world);
    const cost = (): number =>
      names.reduce((sum, name) => sum + Number(world.statusOf(name)?.hourlyPrice?.billedNow ?? 0), 0);
    expect(cost()).toBeLessThanOrEqual(0.5);
    await world.apply(before[0] ?? '', { powerState: 'Released' });
    await world.until(
      () => running(world).length === before.length && !running(world).includes(before[0] ?? ''),
      10 * minute,
    );
    expect(cost()).toBeLessThanOrEqual(0.5);
    expect(running(world)).toHaveLength(before.length);
    await world.apply(before[0] ?? '', { powerState: 'Running' });
    await world.until(() => waitingFor(world, 'OverBudget').includes(before[0] ?? ''), minute);
    expect(said(world, before[0] ?? '')).toMatch(/^GpuBudget "team" allows \$0\.50 per hour/);
  });
});
