import { isDeepStrictEqual } from 'node:util';

import { describe, expect, it } from 'vitest';

import { gpuAccountType, gpuBudgetType } from '../../src/api/group.ts';
import { conditionOf } from '../../src/api/conditions.ts';
import type { GpuBudgetStatus } from '../../src/api/gpu-budget.ts';
import { namespaceType, type CustomObject } from '../../src/controllers/objects.ts';
import { createWorld, easySpec as easy, type SimulatedWorld, type WorldOptions } from './world.ts';

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

function budget(world: SimulatedWorld): GpuBudgetStatus {
  return (world.api.peek(gpuBudgetType, 'research/team') as CustomObject | undefined)?.status ?? {};
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
      'GpuBudget "team" allows 20 VMs (hard.vms), and there is no room for 1 VM more. The VM is deployed by itself once there is room, the oldest first.',
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

describe('a VM under a budget of GPUs that is just large enough for it', () => {
  it('grows from one GPU to two: it is stopped, changed and started once', async () => {
    const { world } = await watched();
    await limit(world, { gpus: 2 });
    await world.apply('vm-00');
    await untilRunning(world, 1);
    await world.apply('vm-00', { gpu: { count: 2 } });
    await world.advance(20 * minute);
    expect(running(world)).toEqual(['vm-00']);
    expect(world.vms()).toMatchObject([{ size: { gpuCount: 2 } }]);
    const calls = ['stop', 'modify', 'start'].map((call) => world.requestsOf(`client/${call}/single`));
    expect(calls).toEqual([1, 1, 1]);
    expect(budget(world).used?.gpus).toBe(2);
    expect(world.watchdog.breaches).toEqual([]);
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

describe('a GpuBudget', () => {
  it('says what is used, who waits, and what was spent, and writes no more often than that', async () => {
    const { world } = await watched();
    await limit(world, { vms: 2, dailyCost: '100' });
    await createAll(world, names.slice(0, 3), second);
    await untilRunning(world, 2);
    await world.until(() => budget(world).waiting === 1, minute);
    expect(budget(world)).toMatchObject({ hard: { vms: 2 }, used: { vms: 2, gpus: 2 }, waiting: 1 });
    expect(conditionOf(budget(world).conditions, 'Ready')).toMatchObject({
      ...{ status: 'False', reason: 'BudgetUsedUp' },
      message: 'hard.vms: 2 VMs of 2 VMs. No further VM is deployed or started.',
    });
    expect(conditionOf(budget(world).conditions, 'NearLimit')?.message).toBe('80 % or more is used of hard.vms.');
    const rate = Number(budget(world).used?.hourlyCost);
    await world.advance(6 * minute);
    const { at = '', dailyCost } = budget(world).used ?? {};
    const writes = world.writes;
    await world.advance(60 * minute);
    expect(world.writes - writes).toBeLessThanOrEqual(12);
    const hours = (Date.parse(budget(world).used?.at ?? '') - Date.parse(at)) / 3_600_000;
    expect(Number(budget(world).used?.dailyCost) - Number(dailyCost)).toBeCloseTo(rate * hours, 3);
  });

  it('goes on counting what is spent after a restart, and begins anew each day', async () => {
    const { world } = await watched();
    await limit(world, { monthlyCost: '1000' });
    await world.apply('vm-00');
    await untilRunning(world, 1);
    const startedAt = world.clock.now();
    for (let hour = 0; hour < 5; hour++) {
      await world.advance(57 * minute);
      world.crash();
      await world.advance(3 * minute);
      await world.start();
    }
    await world.advance(10 * minute);
    const rate = Number(world.statusOf('vm-00')?.hourlyPrice?.running);
    const hours = (world.clock.now() - startedAt) / 3_600_000;
    expect(Number(budget(world).used?.dailyCost)).toBeGreaterThanOrEqual(rate * (hours - 0.1));
    expect(Number(budget(world).used?.dailyCost)).toBeLessThan(rate * (hours + 0.1));
    await world.advance(24 * 60 * minute);
    const { dailyCost, monthlyCost } = budget(world).used ?? {};
    expect(Number(dailyCost)).toBeLessThan(rate * 24);
    expect(Number(monthlyCost)).toBeGreaterThan(rate * 24);
    await world.delete('vm-00');
    await world.advance(30 * minute);
    const writes = world.writes;
    await world.advance(4 * 60 * minute);
    expect(world.writes - writes).toBe(0);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('lets nothing be deployed once the day is spent, and the oldest of those that wait on the next day', async () => {
    const { world } = await watched();
    await limit(world, { dailyCost: '1.00' });
    await world.apply('vm-00');
    await untilRunning(world, 1);
    await world.until(
      () => conditionOf(budget(world).conditions, 'Ready')?.status === 'False',
      12 * 60 * minute,
      minute,
    );
    await world.apply('vm-01');
    await world.until(() => waitingFor(world, 'OverBudget').length === 1, 5 * minute);
    expect(said(world, 'vm-01')).toMatch(
      /^GpuBudget "team" allows \$1\.00 today \(UTC\) \(hard\.dailyCost\), and that is spent/,
    );
    expect(running(world)).toEqual(['vm-00']);
    await world.until(() => running(world).length === 2, 25 * 60 * minute, minute);
    expect(running(world)).toEqual(['vm-00', 'vm-01']);
  });

  it('releases the least important VMs when it is lowered, and starts them again when it is raised', async () => {
    const { world } = await watched();
    const stopping = { onExceeded: 'StopByPriority' };
    await limit(world, { gpus: 4 }, stopping);
    for (const [index, name] of names.slice(0, 4).entries()) {
      await world.apply(name, { ...easy, priority: index === 1 ? -5 : index === 3 ? 7 : 0 });
      await world.advance(second);
    }
    await untilRunning(world, 4);
    await limit(world, { gpus: 2 });
    await untilRunning(world, 2);
    expect(running(world)).toEqual(['vm-00', 'vm-03']);
    await world.until(() => waitingFor(world, 'StoppedByBudget').length === 2, 5 * minute);
    expect(waitingFor(world, 'StoppedByBudget')).toEqual(['vm-01', 'vm-02']);
    expect(budget(world).stopped?.map(({ name }) => name)).toEqual(['vm-01', 'vm-02']);
    await world.advance(30 * minute);
    expect(running(world)).toEqual(['vm-00', 'vm-03']);
    await limit(world, { gpus: 3 });
    await untilRunning(world, 3);
    expect(running(world)).toEqual(['vm-00', 'vm-02', 'vm-03']);
    await limit(world, { gpus: 4 });
    await untilRunning(world, 4);
    expect(budget(world).stopped ?? []).toEqual([]);
    expect(world.vms()).toHaveLength(4);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it.each<[string, boolean]>([
    ['a younger one', false],
    ['an older one', true],
  ])('keeps the room of those that it has released from %s that is less important', async (_, isOlder) => {
    const { world } = await watched();
    const important = ['vm-01', 'vm-02', 'vm-03'];
    await limit(world, { gpus: 3 }, { onExceeded: 'StopByPriority' });
    if (isOlder) await world.apply('vm-00', easy, { 'gpuvm.dev/paused': 'true' });
    for (const name of important) {
      await world.advance(second);
      await world.apply(name, { ...easy, priority: 10 });
    }
    await untilRunning(world, 3);
    if (isOlder) await world.annotate('vm-00', { 'gpuvm.dev/paused': null });
    else await world.apply('vm-00');
    await world.until(() => waitingFor(world, 'OverBudget').length === 1, 5 * minute);
    await limit(world, { gpus: 1 });
    await untilRunning(world, 1);
    for (const gpus of [2, 3]) {
      await world.advance(2 * minute);
      await limit(world, { gpus });
      await untilRunning(world, gpus);
      expect(running(world)).toEqual(important.slice(0, gpus));
    }
    await world.advance(2 * minute);
    expect([running(world), world.requestsOf('client/deploy/single')]).toEqual([important, 3]);
    await limit(world, { gpus: 4 });
    await untilRunning(world, 4);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('keeps the room that others leave, bit by bit, for a large one that it has released', async () => {
    const { world } = await watched();
    await limit(world, { gpus: 4 }, { onExceeded: 'StopByPriority' });
    await world.apply('vm-01', { ...easy, priority: 10, gpu: { ...easy.gpu, count: 2 } });
    for (const name of ['vm-02', 'vm-03']) await world.apply(name, { ...easy, priority: 20 });
    await untilRunning(world, 3);
    await world.apply('vm-04');
    await limit(world, { gpus: 2 });
    await untilRunning(world, 2);
    expect(running(world)).toEqual(['vm-02', 'vm-03']);
    await world.delete('vm-02');
    await world.advance(10 * minute);
    expect([running(world), waitingFor(world, 'OverBudget')]).toEqual([['vm-03'], ['vm-04']]);
    await world.delete('vm-03');
    await world.advance(10 * minute);
    expect([running(world), waitingFor(world, 'OverBudget')]).toEqual([['vm-01'], ['vm-04']]);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('keeps room for nobody that it has released and that does not want it: who is less important goes in', async () => {
    const { world } = await watched();
    await limit(world, { gpus: 2 }, { onExceeded: 'StopByPriority' });
    for (const name of ['vm-01', 'vm-02']) {
      await world.apply(name, { ...easy, priority: 10 });
      await world.advance(second);
    }
    await untilRunning(world, 2);
    await world.apply('vm-03');
    await limit(world, { gpus: 0 });
    await untilRunning(world, 0);
    await world.annotate('vm-01', { 'gpuvm.dev/paused': 'true' });
    await world.apply('vm-02', { powerState: 'Released' });
    await world.advance(2 * minute);
    await limit(world, { gpus: 1 });
    await untilRunning(world, 1);
    expect(running(world)).toEqual(['vm-03']);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('releases the least important VM though it is paused, or is stopped with its GPU kept', async () => {
    const { world } = await watched();
    await limit(world, { gpus: 3 }, { onExceeded: 'StopByPriority' });
    for (const [index, name] of names.slice(0, 3).entries()) await world.apply(name, { ...easy, priority: -index });
    await untilRunning(world, 3);
    await world.apply('vm-02', { ...easy, priority: -2, powerState: 'Stopped' });
    await world.until(() => world.conditionOf('vm-02', 'Ready') === 'False Stopped', 5 * minute);
    for (const name of ['vm-01', 'vm-02']) await world.annotate(name, { 'gpuvm.dev/paused': 'true' });
    await limit(world, { gpus: 1 });
    await world.until(() => budget(world).used?.gpus === 1, 5 * minute);
    await world.advance(5 * minute);
    expect(budget(world).used?.gpus).toBe(1);
    expect(running(world)).toEqual(['vm-00']);
    expect(world.statusOf('vm-01')?.phase).toBe('Released');
    expect(world.statusOf('vm-02')?.phase).toBe('Released');
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('releases the least important VM though it is deleted to be left behind, or has a schedule that nobody can follow', async () => {
    const { world } = await watched();
    await limit(world, { gpus: 3 }, { onExceeded: 'StopByPriority' });
    for (const [index, name] of names.slice(0, 3).entries()) await world.apply(name, { ...easy, priority: -index });
    await untilRunning(world, 3);
    await world.apply('vm-01', { schedule: { timeZone: 'Mars/X', start: '0 8 * * *', stop: '0 18 * * *' } });
    await world.apply('vm-02', { deletionPolicy: 'Retain' });
    await world.delete('vm-02');
    await world.until(() => world.conditionOf('vm-02', 'Ready') === 'False RetainNotAllowed', 5 * minute);
    await limit(world, { gpus: 1 });
    await world.until(() => budget(world).used?.gpus === 1, 5 * minute);
    await world.advance(5 * minute);
    expect(running(world)).toEqual(['vm-00']);
    expect(budget(world).used?.gpus).toBe(1);
    // The one that goes is not started again: it keeps the room from nobody.
    await world.apply('vm-01', { schedule: null });
    await world.apply('vm-02', { priority: 100 });
    await limit(world, { gpus: 2 });
    await world.until(() => running(world).length === 2, 5 * minute);
    expect(running(world)).toEqual(['vm-00', 'vm-01']);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('has the next VM released where one does not stop, and starts that again when the first one has', async () => {
    const { world } = await watched();
    await limit(world, { gpus: 3 }, { onExceeded: 'StopByPriority' });
    for (const [index, name] of names.slice(0, 3).entries()) await world.apply(name, { ...easy, priority: -index });
    await untilRunning(world, 3);
    world.fault({ endpoint: 'client/stop/single', kind: 'error-500' });
    await limit(world, { gpus: 2 });
    const stopped = (): string[] => (budget(world).stopped ?? []).map(({ name }) => name).sort();
    await world.advance(4 * minute);
    expect(stopped()).toEqual(['vm-02']);
    await world.advance(3 * minute);
    expect(stopped()).toEqual(['vm-01', 'vm-02']);
    world.clearFaults();
    const expected = ['vm-00', 'vm-01'];
    expect(await world.until(() => isDeepStrictEqual(running(world), expected), 15 * minute)).toBeDefined();
    expect(stopped()).toEqual(['vm-02']);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('releases the VM that is the least important by now, though the process that takes over has not heard of that', async () => {
    const { world } = await watched({ replicas: 2 });
    await limit(world, { gpus: 3 }, { onExceeded: 'StopByPriority' });
    for (const [name, priority] of [['vm-00', 0] as const, ['vm-01', 10] as const, ['vm-02', 5] as const])
      await world.apply(name, { ...easy, priority });
    await untilRunning(world, 3);
    await world.apply('vm-01', { powerState: 'Released' });
    await world.until(() => world.conditionOf('vm-01', 'Ready') === 'False Released', 5 * minute);
    await limit(world, { gpus: 2 });
    await world.advance(minute);
    world.holdWatches(true);
    world.retire(world.replicas[0]?.isLeading === true ? 0 : 1);
    await world.apply('vm-00', { priority: 20 });
    world.provider.call('client/start/single', { server: world.statusOf('vm-01')?.vm?.id ?? '' });
    const stopped = (): string[] => (budget(world).stopped ?? []).map(({ name }) => name);
    expect(await world.until(() => stopped().length > 0, 5 * minute)).toBeDefined();
    expect(stopped()).toEqual(['vm-02']);
    world.holdWatches(false);
    await untilRunning(world, 2);
    expect(running(world)).toEqual(['vm-00', 'vm-02']);
  });

  it('keeps a VM from being left behind, unless it allows that', async () => {
    const { world } = await watched();
    await limit(world, { vms: 2 });
    await world.apply('vm-00', { ...easy, deletionPolicy: 'Retain' });
    await untilRunning(world, 1);
    await world.delete('vm-00');
    await world.until(() => world.conditionOf('vm-00', 'Ready') === 'False RetainNotAllowed', minute);
    await world.annotate('vm-00', { 'gpuvm.dev/abandon': 'true' });
    await world.advance(5 * minute);
    expect(world.conditionOf('vm-00', 'Ready')).toBe('False RetainNotAllowed');
    expect(budget(world).used?.vms).toBe(1);
    await limit(world, { vms: 2 }, { allowRetain: true });
    await world.until(() => world.resource('vm-00') === undefined, 5 * minute);
    expect(alive(world)).toBe(1);
  });
});
