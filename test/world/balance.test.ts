import { describe, expect, it } from 'vitest';

import { conditionOf } from '../../src/api/conditions.ts';
import { eventType } from '../../src/kube/events.ts';
import { balanceOf, hoursLeft, limitRunway, rateOf, setBalance } from './balances.ts';
import { secretType } from '../../src/controllers/objects.ts';
import { acceptOnly, accountCondition, accountStatus, otherPair } from './organizations.ts';
import { createWorld, easySpec as easy, type SimulatedWorld, type WorldOptions } from './world.ts';

const minute = 60_000;
const hour = 60 * minute;

/** Three VMs whose importance is not their age, and more than enough money. */
const priorities = { 'vm-a': 5, 'vm-b': -5, 'vm-c': 0 } as const;
const names = Object.keys(priorities);

async function threeVms(options: Partial<WorldOptions> = {}): Promise<SimulatedWorld> {
  const world = await createWorld({
    seed: 11,
    simulator: { hosts: 20, bootDelayMs: 3_000, stopDelayMs: 3_000 },
    ...options,
  });
  for (const [name, priority] of Object.entries(priorities)) {
    await world.apply(name, { ...easy, priority });
    await world.advance(1_000);
  }
  await untilRunning(world, names);
  return world;
}

function running(world: SimulatedWorld): string[] {
  return names.filter((name) => world.conditionOf(name, 'Ready') === 'True Running');
}

async function untilRunning(world: SimulatedWorld, expected: readonly string[]): Promise<void> {
  const took = await world.until(() => running(world).join() === expected.join(), 15 * minute);
  expect(took, `${running(world).join()} run\n${world.trace.slice(-40).join('\n')}`).toBeDefined();
}

async function untilSaid(world: SimulatedWorld, reason: string, limitMs: number): Promise<void> {
  const said = (): string | undefined => accountCondition(world, 'BalanceHealthy');
  const took = await world.until(() => said() === reason, limitMs, 10_000);
  expect(took, `${said() ?? ''} ${balanceOf(world)}\n${world.trace.slice(-40).join('\n')}`).toBeDefined();
}

/** As many dollars as last for so many hours at the rate of now. */
function leave(world: SimulatedWorld, hours: number): void {
  setBalance(world, (rateOf(world) * hours).toFixed(9));
}

function stopped(world: SimulatedWorld): string[] {
  return (accountStatus(world).stopped ?? []).map(({ name }) => name);
}

function said(world: SimulatedWorld, name: string): string {
  return conditionOf(world.statusOf(name)?.conditions ?? [], 'Ready')?.message ?? '';
}

async function eventsOf(world: SimulatedWorld, kind: string): Promise<string[]> {
  const { items } = await world.api.list(eventType);
  const of = items as unknown as readonly { reason: string; regarding: { kind: string } }[];
  return of.filter(({ regarding }) => regarding.kind === kind).map(({ reason }) => reason);
}

describe('a balance that is used up', () => {
  it('is warned of, then keeps new VMs away, then releases the least important ones, and is not used up before', async () => {
    const world = await threeVms();
    await limitRunway(world, { minRunway: '6h', releaseBelowRunway: '2h' });
    leave(world, 12.5);
    await untilSaid(world, 'False BalanceShort', hour);
    expect(running(world)).toEqual(names);
    await untilSaid(world, 'False BalanceLow', 8 * hour);
    expect(hoursLeft(world)).toBeGreaterThan(5.9);
    await world.apply('vm-d');
    await world.until(() => world.conditionOf('vm-d', 'Ready') === 'False BalanceLow', minute);
    expect(said(world, 'vm-d')).toBe(
      'The balance of GpuAccount "default" does not last for 6h (limits.minRunway) with another VM: recharge it at the provider, or have VMs released. The VM is deployed by itself once there is room, the oldest first.',
    );
    await untilSaid(world, 'False BalanceCritical', 8 * hour);
    expect(hoursLeft(world)).toBeGreaterThan(1.9);
    await untilRunning(world, ['vm-a', 'vm-c']);
    expect(stopped(world)).toEqual(['vm-b']);
    await world.until(() => world.conditionOf('vm-b', 'Ready') === 'False StoppedForBalance', minute);
    expect(said(world, 'vm-b')).toMatch(
      /^The balance of GpuAccount "default" was too low for all VMs to run for 2h \(limits\.releaseBelowRunway\), and this one is kept released by its priority until it lasts for 6h with it \(limits\.minRunway\):/,
    );
    await world.until(() => stopped(world).length === 2, 24 * hour, minute);
    expect(stopped(world)).toEqual(['vm-b', 'vm-c']);
    await world.until(() => stopped(world).length === 3, 48 * hour, minute);
    expect(stopped(world)).toEqual(['vm-b', 'vm-c', 'vm-a']);
    await world.advance(5 * minute);
    expect(running(world)).toEqual([]);
    expect(balanceOf(world)).toBeGreaterThan(0);
    expect(world.vms()).toHaveLength(3);
    expect(world.requestsOf('client/deploy/single')).toBe(3);

    setBalance(world, '1000');
    await untilRunning(world, names);
    await world.until(() => world.conditionOf('vm-d', 'Ready') === 'True Running', 10 * minute);
    expect(stopped(world)).toEqual([]);
    expect(accountCondition(world, 'BalanceHealthy')).toBe('True BalanceSufficient');
    await world.advance(minute);
    expect(await eventsOf(world, 'GpuAccount')).toEqual([
      'BalanceShort',
      'BalanceLow',
      'BalanceCritical',
      'BalanceSufficient',
    ]);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('is not shared out again before it lasts for the longer of the two times', async () => {
    const world = await threeVms();
    await limitRunway(world, { minRunway: '6h', releaseBelowRunway: '2h' });
    const whole = rateOf(world);
    leave(world, 1.9);
    await untilRunning(world, ['vm-a', 'vm-c']);
    setBalance(world, (whole * 5.9).toFixed(9));
    await world.advance(30 * minute);
    expect(running(world)).toEqual(['vm-a', 'vm-c']);
    expect(conditionOf(accountStatus(world).conditions, 'BalanceHealthy')?.message).toMatch(
      /^The balance is too low for all VMs to run for 6h \(limits\.minRunway\)/,
    );
    setBalance(world, (whole * 6.5).toFixed(9));
    await untilRunning(world, names);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('is kept for those that run: a VM is deployed only where it lasts for so long with that one', async () => {
    const world = await threeVms();
    await limitRunway(world, { minRunway: '6h' });
    const one = rateOf(world) / 3;
    leave(world, 6.2);
    await world.advance(6 * minute);
    await world.apply('vm-d');
    await world.until(() => world.conditionOf('vm-d', 'Ready') === 'False BalanceLow', 5 * minute);
    expect(said(world, 'vm-d')).toMatch(/ with \$0\.\d+ per hour more: recharge it/);
    expect(accountCondition(world, 'BalanceHealthy')).toBe('False BalanceShort');
    setBalance(world, (one * 4.5 * 6.2).toFixed(9));
    await world.until(() => world.conditionOf('vm-d', 'Ready') === 'True Running', 10 * minute);
    expect(hoursLeft(world)).toBeGreaterThan(6);
  });

  it('is spent by VMs of others, too', async () => {
    const world = await threeVms();
    await limitRunway(world, { minRunway: '6h', releaseBelowRunway: '2h' });
    leave(world, 8);
    for (let vms = 0; vms < 9; vms++) world.deployForeign();
    await untilRunning(world, ['vm-a', 'vm-c']);
    expect(Number(accountStatus(world).burnRate)).toBeGreaterThan(1);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('keeps released VMs from being started, and lets one that is Stopped be started, which costs no more', async () => {
    const world = await threeVms();
    await limitRunway(world, { minRunway: '6h' });
    await world.apply('vm-a', { powerState: 'Released' });
    await world.apply('vm-b', { powerState: 'Stopped' });
    const states = (): string[] => names.map((name) => world.statusOf(name)?.phase ?? '');
    await world.until(() => states().join() === 'Released,Stopped,Running', 5 * minute);
    leave(world, 3);
    await untilSaid(world, 'False BalanceLow', 10 * minute);
    await world.apply('vm-a', { powerState: 'Running' });
    await world.apply('vm-b', { powerState: 'Running' });
    await untilRunning(world, ['vm-b', 'vm-c']);
    expect(world.conditionOf('vm-a', 'Ready')).toBe('False BalanceLow');
    expect(said(world, 'vm-a')).toContain('The VM is started by itself once there is room');
    await world.apply('vm-c', { vcpus: 4 });
    await world.until(() => world.conditionOf('vm-c', 'UpToDate') === 'False BalanceLow', 5 * minute);
    setBalance(world, '1000');
    await world.until(() => world.statusOf('vm-c')?.size?.vcpus === 4, 10 * minute);
    await untilRunning(world, names);
  });

  it('is released for by importance as it is now, though the process that takes over has not heard of that', async () => {
    const world = await threeVms({ replicas: 2 });
    await limitRunway(world, { minRunway: '6h', releaseBelowRunway: '2h' });
    await world.advance(minute);
    world.holdWatches(true);
    world.retire(world.replicas[0]?.isLeading === true ? 0 : 1);
    await world.apply('vm-b', { priority: 20 });
    leave(world, 1.8);
    expect(await world.until(() => stopped(world).length > 0, 20 * minute)).toBeDefined();
    expect(stopped(world)).toEqual(['vm-c']);
  });

  it('is released for by the same choice in a process that was started afterwards', async () => {
    const world = await threeVms();
    world.restartAfterMs = 3_000;
    await limitRunway(world, { minRunway: '6h', releaseBelowRunway: '2h' });
    leave(world, 1.9);
    for (let round = 0; round < 12; round++) {
      world.crashAfter(1 + ((round * 5) % 11));
      await world.advance(45_000);
    }
    world.clearFaults();
    await untilRunning(world, ['vm-a', 'vm-c']);
    expect(stopped(world)).toEqual(['vm-b']);
    await world.restart();
    await world.advance(10 * minute);
    expect(running(world)).toEqual(['vm-a', 'vm-c']);
    expect(world.watchdog.breaches).toEqual([]);
  });
});

describe('a balance that is not known', () => {
  const balance = 'billing/balance';

  it('keeps VMs from being deployed where it has to last, and only there', async () => {
    const world = await createWorld({ seed: 12 });
    world.fault({ endpoint: balance, kind: 'error-500' });
    await limitRunway(world, { minRunway: '6h' });
    await world.apply('vm-a');
    await world.until(() => world.conditionOf('vm-a', 'Ready') === 'False BalanceUnknown', 10 * minute);
    await untilSaid(world, 'Unknown BalanceUnknown', 10 * minute);
    await world.advance(hour);
    expect(world.vms()).toEqual([]);
    await limitRunway(world, null);
    await world.until(() => world.conditionOf('vm-a', 'Ready') === 'True Running', 5 * minute);
    await limitRunway(world, { minRunway: '6h' });
    await world.apply('vm-b');
    await world.until(() => world.conditionOf('vm-b', 'Ready') === 'False BalanceUnknown', minute);
    world.clearFaults();
    await world.until(() => world.conditionOf('vm-b', 'Ready') === 'True Running', 10 * minute);
    expect(accountCondition(world, 'BalanceHealthy')).toBe('True BalanceSufficient');
  });

  it('releases nothing, however long ago it was read, and lets nothing be started again', async () => {
    const world = await threeVms();
    await limitRunway(world, { minRunway: '6h', releaseBelowRunway: '2h' });
    leave(world, 1.9);
    await untilRunning(world, ['vm-a', 'vm-c']);
    world.fault({ endpoint: balance, kind: 'malformed' });
    setBalance(world, (rateOf(world) * 0.9).toFixed(9));
    await world.advance(40 * minute);
    expect(running(world)).toEqual(['vm-a', 'vm-c']);
    setBalance(world, '1000');
    await world.advance(2 * hour);
    expect(running(world)).toEqual(['vm-a', 'vm-c']);
    expect(accountCondition(world, 'BalanceHealthy')).toBe('Unknown BalanceUnknown');
    world.clearFaults();
    await untilRunning(world, names);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('is believed for half an hour after the last answer', async () => {
    const world = await threeVms();
    await limitRunway(world, { minRunway: '6h' });
    await world.advance(5 * minute);
    world.fault({ endpoint: balance, kind: 'lost-answer' });
    await world.advance(15 * minute);
    await world.apply('vm-d');
    await world.until(() => world.conditionOf('vm-d', 'Ready') === 'True Running', 5 * minute);
    await world.advance(20 * minute);
    await world.apply('vm-e');
    await world.until(() => world.conditionOf('vm-e', 'Ready') === 'False BalanceUnknown', minute);
  });

  it.each<[string, (world: SimulatedWorld) => unknown, RegExp]>([
    [
      'the provider refuses key and token',
      (world) => {
        acceptOnly(world, otherPair);
      },
      / by itself: .*refuse|invalid|unauthorized/i,
    ],
    [
      'the Secret is gone',
      (world) => world.api.delete(secretType, { namespace: 'gpuvm-system', name: 'tensordock' }),
      / by itself: There is no Secret/,
    ],
  ])('is said to be so where %s, also by a process that was started since', async (_, happens, why) => {
    const world = await threeVms();
    await limitRunway(world, { minRunway: '6h', releaseBelowRunway: '2h' });
    await untilSaid(world, 'True BalanceSufficient', 10 * minute);
    await happens(world);
    await world.restart();
    await untilSaid(world, 'Unknown BalanceUnknown', 15 * minute);
    expect(conditionOf(accountStatus(world).conditions ?? [], 'BalanceHealthy')?.message).toMatch(why);
    await world.advance(hour);
    expect(accountCondition(world, 'BalanceHealthy')).toBe('Unknown BalanceUnknown');
    expect(running(world)).toEqual(names);
  });

  it('is lost half an hour after the last answer where nobody may ask for another one', async () => {
    const world = await threeVms();
    await limitRunway(world, { minRunway: '6h' });
    await untilSaid(world, 'True BalanceSufficient', 10 * minute);
    acceptOnly(world, otherPair);
    await world.advance(20 * minute);
    expect(accountCondition(world, 'BalanceHealthy')).toBe('True BalanceSufficient');
    await untilSaid(world, 'Unknown BalanceUnknown', 15 * minute);
  });

  it('is not taken for used up by one answer that says so', async () => {
    const world = await threeVms();
    await limitRunway(world, { minRunway: '6h', releaseBelowRunway: '2h' });
    for (let slips = 0; slips < 3; slips++) {
      world.providerWeather.balanceSlips = 1;
      await world.until(() => world.providerWeather.balanceSlips === 0, 10 * minute);
      await world.advance(10 * minute);
      expect(running(world)).toEqual(names);
    }
    expect(stopped(world)).toEqual([]);
  });
});

describe('a list that is old', () => {
  const list = 'client/list';

  it('releases nothing and starts nothing, and the account says so', async () => {
    const world = await threeVms();
    await limitRunway(world, { minRunway: '6h', releaseBelowRunway: '2h' });
    const others = Array.from({ length: 9 }, () => world.deployForeign());
    await world.advance(2 * minute);
    world.fault({ endpoint: list, kind: 'error-500' });
    await world.advance(minute);
    // By the last list this is no hour; but the others are gone, as the provider's own sum shows.
    for (const server of others) world.provider.call('client/delete/single', { server });
    await world.advance(minute);
    leave(world, 4);
    await world.advance(30 * minute);
    expect(stopped(world)).toEqual([]);
    leave(world, 1.9);
    await world.advance(20 * minute);
    expect(stopped(world)).toEqual([]);
    expect(accountCondition(world, 'BalanceHealthy')).toBe('False BalanceCritical');
    const { message } = conditionOf(accountStatus(world).conditions ?? [], 'BalanceHealthy') ?? {};
    expect(message).toContain('before there is a list of VMs again');
    world.clearFaults();
    await untilRunning(world, ['vm-a', 'vm-c']);
    world.fault({ endpoint: list, kind: 'error-500' });
    await world.advance(2 * minute);
    setBalance(world, '1000');
    await world.advance(hour);
    expect(stopped(world)).toEqual(['vm-b']);
    world.clearFaults();
    await untilRunning(world, names);
    expect(world.watchdog.breaches).toEqual([]);
  });
});

it('a balance that hardly changes is read twelve times in an hour, and never written', async () => {
  const world = await threeVms();
  await limitRunway(world, { minRunway: '6h', releaseBelowRunway: '2h' });
  await world.advance(hour);
  const [asked, writes] = [world.requestsOf('billing/balance'), world.writes];
  await world.advance(hour);
  expect(world.requestsOf('billing/balance') - asked).toBe(12);
  expect(world.writes).toBe(writes);
  expect(accountStatus(world)).toMatchObject({ balance: '100000.00' });
});
