import { describe, expect, it } from 'vitest';

import { annotations, gpuAccountType, gpuVmType, spotVmType } from '../../src/api/group.ts';
import type { KubeObject, ListSelector, ResourceType } from '../../src/kube/contract.ts';
import { intercept } from './interception.ts';
import {
  accountCondition,
  accountStatus,
  confirmSweep,
  addOrganization,
  otherPair,
  setSecret,
} from './organizations.ts';
import { play, type Scenario } from './scenario.ts';
import { deployStray } from './unmanaged-perform.ts';
import { createWorld, easySpec, installation, type SimulatedWorld, type WorldOptions } from './world.ts';

/** VMs that carry this installation's mark, and have no resource: who is told, which of them go, and when. */

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const sweeping = { account: { unmanagedVms: 'Delete', unmanagedVmsGracePeriod: '20m' } };
const deletion = 'client/delete/single';

function isReady(world: SimulatedWorld, name: string): boolean {
  return world.conditionOf(name, 'Ready') === 'True Running';
}

async function worldWith(names: readonly string[], options: Partial<WorldOptions> = sweeping): Promise<SimulatedWorld> {
  const world = await createWorld({ seed: 80, ...options });
  for (const name of names) await world.apply(name);
  expect(await world.until(() => names.every((name) => isReady(world, name)), 5 * minute)).toBeDefined();
  return world;
}

function idOf(world: SimulatedWorld, name: string): string {
  return world.statusOf(name)?.vm?.id ?? '';
}

function isThere(world: SimulatedWorld, id: string): boolean {
  return world.vms().some((vm) => vm.id === id);
}

function eventsOf(world: SimulatedWorld, reason: string): number {
  return world.api.calls.filter(
    ({ verb, body }) => verb === 'create' && (body as { reason?: string } | undefined)?.reason === reason,
  ).length;
}

describe('a VM whose resource is gone', () => {
  it('is told of, and stays, where the account only reports', async () => {
    const world = await worldWith(['trainer', 'beside'], {});
    const id = idOf(world, 'trainer');
    await world.deleteByForce('trainer');
    await world.advance(24 * hour);
    expect(isThere(world, id)).toBe(true);
    expect(accountStatus(world).unmanagedVms).toMatchObject([{ id }]);
    expect(accountStatus(world)).toMatchObject({ installation, vms: { total: 2, managed: 1, unmanaged: 1 } });
    expect(accountCondition(world, 'UnmanagedVms')).toBe('True UnmanagedVmsReported');
    expect(eventsOf(world, 'UnmanagedVmsFound')).toBe(1);
    expect(world.requestsOf(deletion)).toBe(0);
  });

  it('goes when the grace period is over, and not before; VMs of others and of resources stay', async () => {
    const world = await worldWith(['trainer', 'beside']);
    const [id, beside] = [idOf(world, 'trainer'), idOf(world, 'beside')];
    const others = [world.deployForeign(), deployStray(world, 'ffffffff')];
    await world.deleteByForce('trainer');
    await world.advance(20 * minute - second);
    expect(isThere(world, id)).toBe(true);
    expect(accountCondition(world, 'UnmanagedVms')).toBe('True UnmanagedVmsToBeDeleted');
    expect(await world.until(() => !isThere(world, id), 2 * minute)).toBeDefined();
    expect(await world.until(() => accountStatus(world).unmanagedVms === undefined, 2 * minute)).toBeDefined();
    expect(accountCondition(world, 'UnmanagedVms')).toBeUndefined();
    expect(accountStatus(world).vms).toEqual({ total: 3, managed: 1, unmanaged: 0, kept: 0, foreign: 2 });
    await world.advance(second);
    expect(eventsOf(world, 'UnmanagedVmsDeleting')).toBe(1);
    expect(eventsOf(world, 'UnmanagedVmsGone')).toBe(1);
    await world.advance(24 * hour);
    expect(world.requestsOf(deletion)).toBe(1);
    expect([beside, ...others].every((one) => isThere(world, one))).toBe(true);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('has its intent written before the call leaves', async () => {
    const world = await worldWith(['beside']);
    const id = deployStray(world);
    const said: (string | undefined)[] = [];
    world.onRequest(({ path }) => {
      if (path === deletion) said.push(accountStatus(world).unmanagedVms?.find((vm) => vm.id === id)?.deletingSince);
    });
    expect(await world.until(() => !isThere(world, id), 25 * minute)).toBeDefined();
    expect(said).toEqual([expect.any(String)]);
  });

  it('is asked to go until a later list shows that it is gone', async () => {
    const world = await worldWith(['beside']);
    const id = deployStray(world);
    world.fault({ endpoint: deletion, kind: 'error-500', count: 3 });
    const said = (): string => accountStatus(world).unmanagedVms?.find((vm) => vm.id === id)?.message ?? '';
    const isSaid = (): boolean => said().startsWith('It could not be deleted, tried again for ever');
    expect(await world.until(isSaid, 25 * minute)).toBeDefined();
    expect(await world.until(() => !isThere(world, id), 5 * minute)).toBeDefined();
    expect(world.requestsOf(deletion)).toBe(4);
  });

  it('is asked again when the provider confirms and does nothing', async () => {
    const world = await worldWith(['beside']);
    const id = deployStray(world);
    world.providerWeather.vainDeletions = 1;
    await world.advance(30 * minute);
    expect(isThere(world, id)).toBe(true);
    expect(await world.until(() => !isThere(world, id), 10 * minute)).toBeDefined();
  });

  it('goes though the process is killed again and again: what was counted is written down', async () => {
    const world = await worldWith(['beside']);
    const id = deployStray(world);
    for (let round = 0; round < 4; round++) {
      await world.advance(5 * minute);
      expect(isThere(world, id)).toBe(true);
      await world.restart();
    }
    expect(await world.until(() => !isThere(world, id), 8 * minute)).toBeDefined();
  });

  it('does not go sooner by the clock of another machine, however far that is ahead', async () => {
    const world = await worldWith(['beside'], { ...sweeping, skewsMs: [0, 48 * hour], movesMachines: true });
    const id = deployStray(world);
    await world.advance(7 * minute);
    await world.restart();
    await world.advance(13 * minute - second);
    expect(isThere(world, id)).toBe(true);
    expect(await world.until(() => !isThere(world, id), 6 * minute)).toBeDefined();
  });

  it('has the whole grace period again when a resource took it over meanwhile', async () => {
    const world = await worldWith(['beside']);
    const id = deployStray(world);
    await world.advance(18 * minute);
    await world.apply('heir', easySpec, { [annotations.adopt]: id });
    expect(await world.until(() => isReady(world, 'heir'), minute)).toBeDefined();
    await world.deleteByForce('heir');
    await world.advance(19 * minute);
    expect(isThere(world, id)).toBe(true);
    expect(await world.until(() => !isThere(world, id), 6 * minute)).toBeDefined();
  });

  it('is left alone while nobody knows its status', async () => {
    const world = await worldWith(['beside']);
    const id = deployStray(world);
    world.control('POST', `vms/${id}`, { status: 'Migrating' });
    await world.advance(hour);
    expect(accountStatus(world).unmanagedVms).toMatchObject([
      { id, message: expect.stringContaining('Migrating') as string },
    ]);
    expect(world.requestsOf(deletion)).toBe(0);
    world.control('POST', `vms/${id}`, { status: 'Running' });
    expect(await world.until(() => !isThere(world, id), 2 * minute)).toBeDefined();
  });

  it('is one of those that a restored resource leaves, which is another one to the API server', async () => {
    const world = await worldWith(['trainer', 'beside']);
    const id = idOf(world, 'trainer');
    await world.deleteByForce('trainer');
    await world.apply('trainer');
    expect(
      await world.until(() => isReady(world, 'trainer') && idOf(world, 'trainer') !== id, 5 * minute),
    ).toBeDefined();
    expect(await world.until(() => !isThere(world, id), 25 * minute)).toBeDefined();
    await world.advance(hour);
    expect(isThere(world, idOf(world, 'trainer'))).toBe(true);
  });

  it('goes through the gate, before calls that spend, and no faster than the account allows', async () => {
    const world = await worldWith(['beside'], { ...sweeping, requestsPerSecond: 1 });
    const ids = Array.from({ length: 10 }, () => deployStray(world));
    expect(await world.until(() => accountStatus(world).unmanagedHold !== undefined, minute)).toBeDefined();
    await confirmSweep(world);
    expect(await world.until(() => ids.every((id) => !isThere(world, id)), 25 * minute)).toBeDefined();
    expect(world.requestsOf(deletion)).toBe(10);
    expect(world.watchdog.breaches).toEqual([]);
  });
});

describe('a VM that somebody wanted kept', () => {
  it.each<[string, object, Readonly<Record<string, string>>]>([
    ['by deletionPolicy Retain', { deletionPolicy: 'Retain' }, {}],
    ['by the annotation abandon', {}, { [annotations.abandon]: 'true' }],
  ])('%s is never deleted, and that is written down before its resource goes', async (_, spec, given) => {
    const world = await worldWith(['trainer', 'beside']);
    const id = idOf(world, 'trainer');
    await world.apply('trainer', spec, given);
    await world.delete('trainer');
    const goneAfter = await world.until(() => world.resource('trainer') === undefined, minute, 10);
    expect(goneAfter).toBeDefined();
    expect(accountStatus(world).keptVms).toMatchObject([{ resource: 'GpuVm research/trainer', ids: [id] }]);
    for (let round = 0; round < 3; round++) {
      await world.advance(hour);
      await world.restart();
    }
    expect(isThere(world, id)).toBe(true);
    expect(accountStatus(world).unmanagedVms).toMatchObject([{ id, kept: expect.any(String) as string }]);
    expect(accountStatus(world).vms).toMatchObject({ unmanaged: 0, kept: 1 });
    expect(accountCondition(world, 'UnmanagedVms')).toBeUndefined();
    expect(world.requestsOf(deletion)).toBe(0);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('is so though the process is killed at each moment of the release', async () => {
    for (let points = 1; points < 12; points++) {
      const world = await worldWith(['trainer', 'beside']);
      world.restartAfterMs = 3_000;
      const id = idOf(world, 'trainer');
      await world.apply('trainer', { deletionPolicy: 'Retain' });
      await world.delete('trainer');
      world.crashAfter(points);
      expect(await world.until(() => world.resource('trainer') === undefined, 5 * minute)).toBeDefined();
      await world.advance(hour);
      expect(isThere(world, id), `killed after ${points} points`).toBe(true);
      expect(world.watchdog.breaches).toEqual([]);
      world.end();
    }
  });

  it('is so when its deployment was in doubt, and the VM comes after the resource has gone', async () => {
    const world = await worldWith(['beside']);
    let isHeldUp = true;
    intercept(world, (request, usual) => {
      if (request.path !== 'client/deploy/single' || !isHeldUp) return undefined;
      isHeldUp = false;
      world.clock.after(5 * minute, usual);
      return { kind: 'cut', delayMs: 0, carriedOut: false };
    });
    await world.apply('trainer', { ...easySpec, deletionPolicy: 'Retain' });
    expect(await world.until(() => world.statusOf('trainer')?.launch?.outcome === 'Uncertain', minute)).toBeDefined();
    await world.delete('trainer');
    expect(await world.until(() => world.resource('trainer') === undefined, minute)).toBeDefined();
    await world.advance(2 * hour);
    expect(accountStatus(world).vms).toMatchObject({ total: 2, kept: 1 });
  });

  it('is so as well when the finalizer was taken off by hand, where an operator sees it', async () => {
    const world = await worldWith(['trainer', 'beside']);
    const id = idOf(world, 'trainer');
    await world.apply('trainer', { deletionPolicy: 'Retain' });
    await world.advance(minute);
    await world.deleteByForce('trainer');
    await world.advance(minute);
    await world.restart();
    await world.advance(hour);
    expect(isThere(world, id)).toBe(true);
  });

  it('is so as well when its status was emptied before its finalizer was taken off', async () => {
    const world = await worldWith(['trainer', 'beside']);
    const id = idOf(world, 'trainer');
    await world.apply('trainer', { deletionPolicy: 'Retain' });
    await world.advance(minute);
    const ref = { namespace: 'research', name: 'trainer' };
    const edits = [
      world.api.mergePatch(gpuVmType, ref, { status: { vm: null, launch: null } }, 'status'),
      world.deleteByForce('trainer'),
    ];
    await Promise.all(edits);
    await world.advance(2 * hour);
    expect(isThere(world, id)).toBe(true);
  });

  it('is not, where a budget does not allow that VMs are left behind, and somebody takes the finalizer off', async () => {
    const world = await worldWith(['trainer', 'beside']);
    const id = idOf(world, 'trainer');
    await world.allow({ vms: 5 });
    await world.apply('trainer', { deletionPolicy: 'Retain' });
    await world.advance(minute);
    await world.deleteByForce('trainer');
    expect(await world.until(() => !isThere(world, id), 25 * minute)).toBeDefined();
  });

  it('is so when the account names it, also at the last moment and though no watch tells of it', async () => {
    const world = await worldWith(['beside']);
    const id = deployStray(world);
    await world.advance(20 * minute - 30 * second);
    world.holdWatches(true);
    await world.changeAccount({ keepVms: [id] });
    await world.advance(10 * minute);
    expect(isThere(world, id)).toBe(true);
    world.holdWatches(false);
    await world.advance(hour);
    expect(accountStatus(world).unmanagedVms).toMatchObject([{ id, kept: 'spec.keepVms' }]);
    expect(world.requestsOf(deletion)).toBe(0);
  });
});

describe('VMs that lose their resources all at once', () => {
  const held = 'True UnmanagedVmsHeld';

  it('stay, as in a clone whose GpuVms were removed, until somebody confirms that these very VMs go', async () => {
    const world = await worldWith(['one', 'two', 'three']);
    const ids = ['one', 'two', 'three'].map((name) => idOf(world, name));
    for (const name of ['one', 'two', 'three']) await world.deleteByForce(name);
    await world.advance(2 * hour);
    expect(accountCondition(world, 'UnmanagedVms')).toBe(held);
    expect(eventsOf(world, 'UnmanagedVmsHeld')).toBe(1);
    // Somebody tries the clone, and a leader goes: neither says anything of the other VMs.
    await world.apply('trial');
    await world.restart();
    await world.advance(2 * hour);
    expect(isReady(world, 'trial')).toBe(true);
    expect(world.requestsOf(deletion)).toBe(0);
    expect(accountCondition(world, 'UnmanagedVms')).toBe(held);
    await confirmSweep(world);
    expect(await world.until(() => ids.every((id) => !isThere(world, id)), 5 * minute)).toBeDefined();
    await world.advance(hour);
    expect(accountStatus(world).unmanagedHold).toBeUndefined();
    expect(isThere(world, idOf(world, 'trial'))).toBe(true);
    expect(world.requestsOf(deletion)).toBe(3);
  });

  it('stay also where some others keep theirs', async () => {
    const world = await worldWith(['beside']);
    const ids = Array.from({ length: 6 }, () => deployStray(world));
    await world.advance(2 * hour);
    expect(accountCondition(world, 'UnmanagedVms')).toBe(held);
    expect(ids.every((id) => isThere(world, id))).toBe(true);
    expect(world.requestsOf(deletion)).toBe(0);
  });
});

const foundOthersKey: Scenario = {
  seed: 1151690063,
  ...{ bootDelayMs: 90_000, deleteDelayMs: 7_000, stopDelayMs: 7_000, delayMs: 0 },
  ...{ cap: '0.60', requestsPerSecond: 20, grace: '20s', confirms: true, market: undefined },
  ...{ replicas: 'two leaders', skewsMs: [0, 0] },
  actions: [
    { do: 'apply', vm: 'vm-a', spec: { instant: 'Prefer' }, thenMs: 0 },
    { do: 'objectLate', vm: 'vm-c', afterMs: 8_000, by: 'heir', thenMs: 2_022 },
    { do: 'apply', vm: 'vm-c', spec: {}, thenMs: 2_889 },
    { do: 'delete', vm: 'vm-c', thenMs: 68 },
    { do: 'vanish', nth: 4, thenMs: 5 },
    { do: 'delete', vm: 'vm-c', thenMs: 269_407 },
    {
      do: 'readyMade',
      made: { count: 1, vcpus: 8, gpuCount: 1, operatingSystem: 'Ubuntu 20.04 LTS', listedPrice: '0.05' },
      ...{ vm: 'vm-b', thenMs: 60_006 },
    },
    { do: 'secret', holds: 'other', thenMs: 0 },
    { do: 'crash', afterPoints: 3, thenMs: 26_927 },
  ],
};

describe('no VM is deleted for want of a resource', () => {
  it('by an operator whose API server answers late when it starts', async () => {
    const world = await worldWith(['trainer', 'beside'], {
      account: { ...sweeping.account, unmanagedVmsGracePeriod: '1s' },
    });
    const ids = [idOf(world, 'trainer'), idOf(world, 'beside')];
    world.crash();
    const list = world.api.list.bind(world.api);
    const isLate = { gpuvms: true };
    world.api.list = async <T extends KubeObject>(type: ResourceType, selector?: ListSelector) => {
      // All else is there at once, and for an hour nobody says which VMs there are to be.
      while (type.plural === gpuVmType.plural && isLate.gpuvms) {
        await new Promise<void>((resolve) => world.clock.after(10 * second, resolve));
      }
      return list<T>(type, selector);
    };
    await world.start();
    await world.advance(hour);
    expect(world.requestsOf(deletion)).toBe(0);
    isLate.gpuvms = false;
    await world.advance(hour);
    expect(ids.every((id) => isThere(world, id))).toBe(true);
    expect(world.requestsOf(deletion)).toBe(0);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('where a resource wants to take it over, and no watch has told of that', async () => {
    const world = await worldWith(['beside']);
    const id = deployStray(world);
    await world.advance(20 * minute - 30 * second);
    world.holdWatches(true);
    await world.apply('heir', easySpec, { [annotations.adopt]: id });
    await world.advance(10 * minute);
    expect(isThere(world, id)).toBe(true);
    world.holdWatches(false);
    expect(await world.until(() => isReady(world, 'heir') && idOf(world, 'heir') === id, 2 * minute)).toBeDefined();
    expect(world.requestsOf(deletion)).toBe(0);
  });

  it('where another account of the same organization lists it, too', async () => {
    const world = await worldWith(['beside'], {});
    const id = deployStray(world);
    const { spec } = world.api.peek(gpuAccountType, 'default') as unknown as { spec: object };
    const metadata = { name: 'renamed' };
    await world.api.create(gpuAccountType, {
      ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuAccount', metadata },
      spec: { ...spec, ...sweeping.account },
    });
    await world.advance(2 * hour);
    expect(isThere(world, id)).toBe(true);
    expect(world.requestsOf(deletion)).toBe(0);
  });

  it('while the API server does not say which resources there are', async () => {
    const world = await worldWith(['beside']);
    const id = deployStray(world);
    await world.advance(15 * minute);
    const list = world.api.list.bind(world.api);
    const never = Promise.withResolvers<never>().promise;
    world.api.list = <T extends KubeObject>(type: ResourceType, selector?: ListSelector) =>
      type.plural === spotVmType.plural ? never : list<T>(type, selector);
    await world.advance(30 * minute);
    expect(isThere(world, id)).toBe(true);
    expect(world.requestsOf(deletion)).toBe(0);
  });

  it('when the account has come to say Report, though no watch has told of that', async () => {
    const world = await worldWith(['beside']);
    const id = deployStray(world);
    await world.advance(20 * minute - 30 * second);
    world.holdWatches(true);
    await world.changeAccount({ unmanagedVms: 'Report' });
    await world.advance(10 * minute);
    expect(isThere(world, id)).toBe(true);
    world.holdWatches(false);
    await world.advance(hour);
    expect(world.requestsOf(deletion)).toBe(0);
  });

  it("with another organization's credentials, in whichever of the two it is", async () => {
    const world = await worldWith(['trainer', 'beside']);
    const other = addOrganization(world, {});
    const id = deployStray(world);
    await world.advance(18 * minute);
    await setSecret(world, otherPair);
    await world.advance(hour);
    expect(accountCondition(world, 'OrganizationUnproven')).toBe('True OrganizationUnproven');
    expect(isThere(world, id)).toBe(true);
    expect(other.machine.world.vms.size).toBe(0);
    expect(world.requestsOf(deletion)).toBe(0);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it("nor is another organization asked about it, by a process that finds that one's key when it starts", async () => {
    // Found by a random world: the account says that the VM has no resource when the process comes, whose first list is that of the others.
    const { breaches } = await play(foundOthersKey);
    expect(breaches).toEqual([]);
  });

  it('by an account that is being deleted', async () => {
    const world = await worldWith(['trainer', 'beside']);
    const id = deployStray(world);
    await world.advance(5 * minute);
    await world.api.delete(gpuAccountType, { name: 'default' });
    await world.advance(2 * hour);
    expect(isThere(world, id)).toBe(true);
  });

  it('while the list cannot be trusted', async () => {
    const world = await worldWith(['trainer', 'beside']);
    const id = deployStray(world);
    await world.advance(15 * minute);
    const own = idOf(world, 'trainer');
    world.providerWeather.omits = (vmId) => vmId === own;
    await world.advance(30 * minute);
    expect(isThere(world, id)).toBe(true);
    world.providerWeather.omits = undefined;
    expect(await world.until(() => !isThere(world, id), 10 * minute)).toBeDefined();
  });
});

it('somebody who deletes such VMs by hand does not make the list doubtful for minutes', async () => {
  const world = await worldWith(['trainer'], {});
  const ids = Array.from({ length: 4 }, () => deployStray(world));
  await world.advance(2 * minute);
  for (const id of ids) world.control('POST', `vms/${id}`, { remove: true });
  const isDoubtful = (): boolean => accountCondition(world, 'ListDistrusted') !== undefined;
  expect(await world.until(isDoubtful, minute)).toBeDefined();
  expect(await world.until(() => !isDoubtful(), 2 * minute)).toBeDefined();
  expect(accountStatus(world).unmanagedVms).toBeUndefined();
  expect(world.requestsOf('client/get/single')).toBeLessThanOrEqual(2 * ids.length);
});
