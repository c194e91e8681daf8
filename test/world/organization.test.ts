import { describe, expect, it } from 'vitest';

import { annotations, gpuAccountType } from '../../src/api/group.ts';
import {
  acceptOnly,
  accountCondition,
  accountName,
  accountOf,
  accountStatus,
  addOrganization,
  confirmOrganization,
  lookAtAccount,
  otherPair,
  ownPair,
  setSecret,
  type Pair,
} from './organizations.ts';
import { createWorld, type SimulatedWorld, type WorldOptions } from './world.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const deploy = 'client/deploy/single';
const rotated: Pair = { apiKey: 'rotated-key-of-the-same', apiToken: 'rotated-token-of-the-same' };
/** The Secret is read every half minute; the list comes at once after that, and a second for each request on the way. */
const soon = 35 * second;

function isReady(world: SimulatedWorld, name: string): boolean {
  return world.conditionOf(name, 'Ready') === 'True Running';
}

/** Each of these GpuVms runs, and there is another organization with room for all of them. */
async function worldWith(names: readonly string[], options: Partial<WorldOptions> = {}) {
  const world = await createWorld({ seed: 70, ...options });
  for (const name of names) await world.apply(name);
  expect(await world.until(() => names.every((name) => isReady(world, name)), 5 * minute)).toBeDefined();
  await world.until(() => accountCondition(world, 'Ready') === 'True Polling', minute);
  return { world, other: addOrganization(world, { seed: 70 }) };
}

function recordedIds(world: SimulatedWorld): (string | undefined)[] {
  return world.resources().map(({ status }) => (status as { vm?: { id: string } }).vm?.id);
}

function eventsOf(world: SimulatedWorld, reason: string): number {
  return world.api.calls.filter(
    ({ verb, body }) => verb === 'create' && (body as { reason?: string } | undefined)?.reason === reason,
  ).length;
}

describe("another organization's credentials", () => {
  it('make nobody deploy or lose anything, and the account says what to do', async () => {
    const { world, other } = await worldWith(['a', 'b', 'c', 'd']);
    const ids = recordedIds(world);
    await setSecret(world, otherPair);
    await world.advance(hour);
    expect(recordedIds(world)).toEqual(ids);
    expect([world.vms().length, other.machine.world.vms.size]).toEqual([4, 0]);
    expect(eventsOf(world, 'VmLost')).toBe(0);
    expect(accountCondition(world, 'Ready')).toBe('False OrganizationUnproven');
    expect(accountCondition(world, 'CredentialsValid')).toBe('True CredentialsAccepted');
    expect(accountCondition(world, 'OrganizationUnproven')).toBe('True OrganizationUnproven');
    expect(accountStatus(world).vms).toEqual({ total: 4, managed: 4, unmanaged: 0, kept: 0, foreign: 0 });
    expect(eventsOf(world, 'OrganizationUnproven')).toBe(1);
    expect(world.conditionOf('a', 'Ready')).toBe('True Running');
    expect(world.conditionOf('a', 'Synced')).toBe('False OrganizationUnproven');
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('cost no more calls than others while somebody has to look', async () => {
    const { world } = await worldWith(['a', 'b']);
    await setSecret(world, otherPair);
    await world.advance(5 * minute);
    const before = world.totalRequests;
    await world.advance(hour);
    expect(world.totalRequests - before).toBeLessThanOrEqual(121);
  });

  it('let no resource go whose VM lives, and it is deleted once the right ones are back', async () => {
    const { world } = await worldWith(['trainer']);
    await setSecret(world, otherPair);
    await world.advance(31 * second);
    await world.delete('trainer');
    await world.advance(hour);
    expect(world.vms()).toHaveLength(1);
    expect(world.conditionOf('trainer', 'Synced')).toBe('False OrganizationUnproven');
    await setSecret(world, ownPair);
    expect(await world.until(() => world.resource('trainer') === undefined, 2 * minute)).toBeDefined();
    expect(world.vms()).toEqual([]);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('let nobody go whose delete call was confirmed, neither before nor right after they are taken back', async () => {
    const { world } = await worldWith(['trainer'], { simulator: { deleteDelayMs: 2 * hour } });
    await world.delete('trainer');
    expect(await world.until(() => world.requestsOf('client/delete/single') === 1, minute, 10)).toBeDefined();
    await setSecret(world, otherPair);
    await world.advance(hour);
    // The last list is still the other organization's when this pair is the current one again.
    await setSecret(world, ownPair);
    await lookAtAccount(world);
    await world.advance(10 * minute);
    expect(world.resource('trainer')).toBeDefined();
    expect(await world.until(() => world.resource('trainer') === undefined, 2 * hour)).toBeDefined();
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('prove nothing about a deployment in doubt', async () => {
    const { world, other } = await worldWith([]);
    world.fault({ endpoint: deploy, kind: 'lost-answer', count: 1 });
    await world.apply('trainer');
    expect(
      await world.until(() => world.statusOf('trainer')?.launch?.outcome === 'Uncertain', minute, 10),
    ).toBeDefined();
    // The first organization's list does not get through any more before the other one's does.
    world.fault({ endpoint: 'client/list', kind: 'error-500' });
    await setSecret(world, otherPair);
    await world.advance(hour);
    expect(world.statusOf('trainer')?.launch).toMatchObject({ attempt: 1, outcome: 'Uncertain' });
    world.clearFaults();
    expect(other.machine.world.vms.size).toBe(0);
    await setSecret(world, ownPair);
    expect(await world.until(() => isReady(world, 'trainer'), 2 * minute)).toBeDefined();
    expect(world.requestsOf(deploy)).toBe(1);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('are found out by a process that was started afterwards, too', async () => {
    const { world, other } = await worldWith(['a', 'b', 'c', 'd']);
    const ids = recordedIds(world);
    world.crash();
    await setSecret(world, otherPair);
    await world.start();
    await world.advance(hour);
    expect(accountCondition(world, 'Ready')).toBe('False OrganizationUnproven');
    await world.restart();
    await world.advance(hour);
    expect(recordedIds(world)).toEqual(ids);
    expect([world.vms().length, other.machine.world.vms.size]).toEqual([4, 0]);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('leave nothing behind when they are taken back', async () => {
    const { world, other } = await worldWith(['trainer']);
    await setSecret(world, otherPair);
    await world.advance(10 * minute);
    await world.apply('second');
    await world.advance(10 * minute);
    expect(world.conditionOf('second', 'Ready')).toBe('False AccountNotReady');
    await setSecret(world, ownPair);
    expect(await world.until(() => accountCondition(world, 'Ready') === 'True Polling', soon)).toBeDefined();
    expect(accountStatus(world).organization?.unprovenKeyFingerprint).toBeUndefined();
    expect(await world.until(() => isReady(world, 'second'), minute)).toBeDefined();
    expect([world.vms().length, other.machine.world.vms.size]).toEqual([2, 0]);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('that are exchanged in the moment before a deploy call leaves keep it from leaving', async () => {
    const { world, other } = await worldWith(['beside']);
    world.kubeWeather.delay = { least: 1_500, most: 1_500 };
    const isWritten = (): boolean => world.statusOf('trainer')?.launch?.outcome === 'Pending';
    await world.apply('trainer');
    expect(await world.until(isWritten, minute, 1)).toBeDefined();
    // The answer to the write of the intent is on its way for 1.5 s more; the Secret is read before that.
    world.kubeWeather.delay = { least: 0, most: 0 };
    await setSecret(world, otherPair);
    await world.api.mergePatch(gpuAccountType, { name: accountName }, { spec: { requestsPerSecond: 2 } });
    await world.advance(5 * minute);
    expect(world.requestsOf(deploy)).toBe(1);
    expect(other.machine.world.vms.size).toBe(0);
    expect(world.watchdog.breaches).toEqual([]);
  });
});

describe('a pair of the same organization', () => {
  it('counts while VMs run, with the first list and nobody having to look', async () => {
    const { world } = await worldWith(['a', 'b']);
    acceptOnly(world, rotated);
    await setSecret(world, rotated);
    const before = accountStatus(world).organization?.keyFingerprint;
    const isProven = (): boolean => accountStatus(world).organization?.keyFingerprint !== before;
    expect(await world.until(isProven, soon)).toBeDefined();
    await world.apply('c');
    expect(await world.until(() => isReady(world, 'c'), minute)).toBeDefined();
    expect(eventsOf(world, 'OrganizationUnproven')).toBe(0);
    await world.delete('a');
    expect(await world.until(() => world.resource('a') === undefined, minute)).toBeDefined();
    expect(accountCondition(world, 'Ready')).toBe('True Polling');
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('needs one list, and the one before is not made the longer by a pause after failures', async () => {
    const { world } = await worldWith(['a']);
    acceptOnly(world, rotated);
    expect(
      await world.until(() => accountCondition(world, 'Ready') === 'False InvalidCredentials', minute),
    ).toBeDefined();
    await world.advance(20 * minute);
    const lists = world.requestsOf('client/list');
    await setSecret(world, rotated);
    await lookAtAccount(world);
    expect(await world.until(() => accountCondition(world, 'Ready') === 'True Polling', 6 * second, 100)).toBeDefined();
    expect(world.requestsOf('client/list') - lists).toBe(1);
  });

  it('lets a VM be deployed after that one list', async () => {
    const { world } = await worldWith(['a']);
    await world.advance(5 * minute);
    acceptOnly(world, rotated);
    await setSecret(world, rotated);
    const lists = world.requestsOf('client/list');
    await world.apply('b');
    await lookAtAccount(world);
    expect(await world.until(() => world.requestsOf(deploy) === 2, minute, 10)).toBeDefined();
    expect(world.requestsOf('client/list') - lists).toBe(1);
  });

  it('counts while there is no VM', async () => {
    const { world } = await worldWith([]);
    acceptOnly(world, rotated);
    await setSecret(world, rotated);
    expect(await world.until(() => accountCondition(world, 'Ready') === 'True Polling', soon)).toBeDefined();
    await world.advance(soon);
    await world.apply('trainer');
    expect(await world.until(() => isReady(world, 'trainer'), minute)).toBeDefined();
    expect(eventsOf(world, 'OrganizationUnproven')).toBe(0);
  });

  it('counts after the last resource has gone', async () => {
    const { world } = await worldWith(['trainer']);
    await world.delete('trainer');
    expect(await world.until(() => world.resource('trainer') === undefined, minute)).toBeDefined();
    await setSecret(world, otherPair);
    await world.advance(soon);
    expect(accountCondition(world, 'Ready')).toBe('True Polling');
  });

  it('with a wrong token is refused, and no more is said of it', async () => {
    const { world } = await worldWith(['trainer']);
    acceptOnly(world, rotated);
    await setSecret(world, { ...rotated, apiToken: 'mistyped' });
    await world.advance(10 * minute);
    expect(accountCondition(world, 'Ready')).toBe('False InvalidCredentials');
    expect(accountCondition(world, 'CredentialsValid')).toBe('False InvalidCredentials');
    expect(accountCondition(world, 'OrganizationUnproven')).toBeUndefined();
    expect(world.conditionOf('trainer', 'Ready')).toBe('True Running');
    expect(world.conditionOf('trainer', 'Synced')).toBe('False InvalidCredentials');
    await setSecret(world, rotated);
    expect(await world.until(() => accountCondition(world, 'Ready') === 'True Polling', soon)).toBeDefined();
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('refuses a deletion, which is asked for again as soon as the token is corrected', async () => {
    const { world } = await worldWith(['trainer']);
    await setSecret(world, { ...ownPair, apiToken: 'mistyped' });
    await world.advance(minute);
    await world.delete('trainer');
    await world.advance(30 * minute);
    const refused = world.requestsOf('client/delete/single');
    // Right after a refusal: the next one would be minutes later.
    expect(await world.until(() => world.requestsOf('client/delete/single') > refused, 10 * minute)).toBeDefined();
    await world.advance(3_000);
    expect(world.vms()).toHaveLength(1);
    await setSecret(world, ownPair);
    expect(await world.until(() => world.vms().length === 0, 40_000)).toBeDefined();
  });
});

describe('the annotation that confirms an organization', () => {
  it('gives up the VMs of the one before, and deploys them anew', async () => {
    const { world, other } = await worldWith(['a', 'b']);
    await setSecret(world, otherPair);
    await world.advance(minute);
    for (const vm of world.vms()) world.control('POST', `vms/${vm.id}`, { remove: true });
    await confirmOrganization(world);
    expect(await world.until(() => other.machine.world.vms.size === 2, 5 * minute)).toBeDefined();
    expect(await world.until(() => isReady(world, 'a') && isReady(world, 'b'), 5 * minute)).toBeDefined();
    expect(accountCondition(world, 'Ready')).toBe('True Polling');
    expect(accountCondition(world, 'OrganizationUnproven')).toBeUndefined();
    expect(eventsOf(world, 'OrganizationConfirmed')).toBe(1);
  });

  it('counts once: the next exchange has to be confirmed again', async () => {
    const { world } = await worldWith(['a']);
    await setSecret(world, otherPair);
    await world.advance(minute);
    for (const vm of world.vms()) world.control('POST', `vms/${vm.id}`, { remove: true });
    await confirmOrganization(world);
    expect(await world.until(() => world.requestsOf(deploy) === 2, 5 * minute)).toBeDefined();
    await world.delete('a');
    expect(await world.until(() => world.resource('a') === undefined, 5 * minute)).toBeDefined();
    await setSecret(world, ownPair);
    await world.advance(soon);
    await world.apply('b');
    expect(await world.until(() => isReady(world, 'b'), minute)).toBeDefined();
    await setSecret(world, otherPair);
    await world.advance(10 * minute);
    expect(accountOf(world)?.metadata.annotations?.[annotations.confirmOrganization]).toBe(
      accountStatus(world).organization?.unprovenKeyFingerprint,
    );
    expect(accountCondition(world, 'Ready')).toBe('False OrganizationUnproven');
    expect(world.watchdog.breaches).toEqual([]);
  });
});

describe('a leader that has not heard yet of the VM that the one before it has recorded', () => {
  it("does not believe another organization's credentials for want of anything to lose", async () => {
    const world = await createWorld({ seed: 70, replicas: 2 });
    const other = addOrganization(world, { seed: 70 });
    await world.advance(10 * second);
    // Before anything speaks of a deployment.
    world.atNext('before client/deploy/hostnodes', () => {
      world.api.holdWatches(true);
    });
    await world.apply('trainer');
    expect(await world.until(() => world.statusOf('trainer')?.vm !== undefined, minute, 10)).toBeDefined();
    world.replicas.find((replica) => replica.isLeading)?.kill();
    await setSecret(world, otherPair);
    expect(await world.until(() => accountStatus(world).organization !== undefined, minute)).toBeDefined();
    await world.advance(minute);
    world.api.holdWatches(false);
    await world.advance(hour);
    expect(accountCondition(world, 'Ready')).toBe('False OrganizationUnproven');
    expect([world.vms().length, other.machine.world.vms.size]).toEqual([1, 0]);
    expect(eventsOf(world, 'VmLost')).toBe(0);
    expect(world.watchdog.breaches).toEqual([]);
  });
});

describe('an account that was made anew while resources use it', () => {
  async function makeAnew(world: SimulatedWorld): Promise<void> {
    const { spec } = accountOf(world) ?? {};
    await world.api.delete(gpuAccountType, { name: accountName });
    await world.api.mergePatch(gpuAccountType, { name: accountName }, { metadata: { finalizers: null } });
    await world.api.create(gpuAccountType, {
      apiVersion: 'gpuvm.dev/v1alpha1',
      kind: 'GpuAccount',
      metadata: { name: accountName },
      spec,
    });
  }

  it('goes on with credentials of the same organization', async () => {
    const { world } = await worldWith(['trainer']);
    const id = world.statusOf('trainer')?.vm?.id;
    await makeAnew(world);
    expect(await world.until(() => accountCondition(world, 'Ready') === 'True Polling', soon)).toBeDefined();
    await world.delete('trainer');
    expect(await world.until(() => world.resource('trainer') === undefined, minute)).toBeDefined();
    expect(world.vms().map((vm) => vm.id)).not.toContain(id);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it.each(['a running process', 'a process that is started afterwards'])(
    "is not believed with another organization's by %s",
    async (process) => {
      const { world, other } = await worldWith(['trainer']);
      if (process !== 'a running process') world.crash();
      await setSecret(world, otherPair);
      await makeAnew(world);
      await world.start();
      await world.advance(hour);
      expect(accountCondition(world, 'Ready')).toBe('False OrganizationUnproven');
      expect([world.vms().length, other.machine.world.vms.size]).toEqual([1, 0]);
      expect(world.watchdog.breaches).toEqual([]);
    },
  );
});
