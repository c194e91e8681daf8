import { parseAccount } from '../../src/controllers/spending/books.ts';
import { annotations } from '../../src/api/group.ts';
import { markOf, vmNameOf } from '../../src/api/vm-name.ts';
import type { Vm } from '../../src/sim/state.ts';
import { accountOf } from './organizations.ts';
import type { Objector, UnmanagedDeed } from './unmanaged-deeds.ts';
import { easySpec, installation, type SimulatedWorld } from './world.ts';

/** Leaves VMs without a resource, and says what is to become of them. */
export async function leaveUnmanaged(
  world: SimulatedWorld,
  one: UnmanagedDeed,
  want: (vm: string) => Promise<void>,
): Promise<void> {
  if ('vm' in one && !mayVanish(world, one.vm)) return;
  switch (one.do) {
    case 'force':
      return world.deleteByForce(one.vm);
    case 'restore':
      if (world.resource(one.vm) === undefined) return;
      await world.deleteByForce(one.vm);
      return want(one.vm);
    case 'abandon':
      if (world.resource(one.vm) === undefined) return;
      await world.annotate(one.vm, { [annotations.abandon]: 'true' });
      return world.delete(one.vm);
    case 'stray':
      deployStray(world, one.isOurs ? installation : 'ffffffff');
      return;
    case 'claim':
      return claim(world, one);
    case 'objectLate':
      return objectLate(world, one);
    case 'sweep':
      return world.changeAccount({ unmanagedVms: one.policy, unmanagedVmsGracePeriod: one.grace });
    case 'keepVm':
      return keep(world, one.nth);
  }
}

/** Of two that act each may make another member for one that is gone at once, under another name: that is an assumption, and no promise. */
function mayVanish(world: SimulatedWorld, vm: string): boolean {
  return world.isOneActing || !vm.startsWith('pool-');
}

/** By world, how many there were. */
const strays = new WeakMap<SimulatedWorld, number>();

/** A VM with a mark of whose resource nothing is left, such as a deploy call makes that takes effect when all is over. */
export function deployStray(world: SimulatedWorld, of = installation): string {
  const count = (strays.get(world) ?? 0) + 1;
  strays.set(world, count);
  const uid = `99999999-9999-4999-8999-${String(count).padStart(12, '0')}`;
  return world.deployForeign(undefined, vmNameOf({ installation: of, uid, attempt: 1 }));
}

/** As it is, whatever anybody believes. */
function unownedIn(world: SimulatedWorld): Vm[] {
  const uids = new Set(world.resources().map(({ metadata }) => metadata.uid));
  return world.vms().filter(({ name, status }) => {
    const mark = markOf(name);
    return mark?.installation === installation && !uids.has(mark.uid) && status !== 'Terminated';
  });
}

/** Longer than anything is waited for that is due. */
const heldMs = 180_000;

async function objectLate(world: SimulatedWorld, one: Extract<UnmanagedDeed, { do: 'objectLate' }>): Promise<void> {
  const id = world.statusOf(one.vm)?.vm?.id ?? deployStray(world);
  await world.deleteByForce(one.vm);
  world.clock.after(one.afterMs, () => {
    if (world.isTroubleOver) return;
    if (one.by === 'failure') {
      world.fault({ endpoint: 'client/delete/single', kind: 'error-500', count: 2 });
      return;
    }
    holdWatches(world, heldMs);
    void object(world, id, one.by);
  });
}

async function object(world: SimulatedWorld, id: string, by: Exclude<Objector, 'failure'>): Promise<void> {
  switch (by) {
    case 'heir':
      if (world.resource('vm-heir') !== undefined) return;
      return world.apply('vm-heir', easySpec, { [annotations.adopt]: id });
    case 'keepVms':
      return world.changeAccount({ keepVms: [id] });
    case 'report':
      return world.changeAccount({ unmanagedVms: 'Report' });
  }
}

function holdWatches(world: SimulatedWorld, ms: number): void {
  world.holdWatches(true);
  world.clock.after(ms, () => {
    if (!world.isTroubleOver) world.holdWatches(false);
  });
}

async function claim(world: SimulatedWorld, one: Extract<UnmanagedDeed, { do: 'claim' }>): Promise<void> {
  const unowned = unownedIn(world);
  const chosen = unowned[one.nth % Math.max(1, unowned.length)];
  if (chosen === undefined || world.resource('vm-heir') !== undefined) return;
  if (one.heldMs > 0) holdWatches(world, one.heldMs);
  await world.apply('vm-heir', easySpec, { [annotations.adopt]: chosen.id });
}

async function keep(world: SimulatedWorld, nth: number): Promise<void> {
  const unowned = unownedIn(world);
  const chosen = unowned[nth % Math.max(1, unowned.length)];
  const account = accountOf(world);
  const { keepVms = [] } = (account && parseAccount(account)) ?? {};
  if (chosen === undefined || keepVms.includes(chosen.id)) return;
  await world.changeAccount({ keepVms: [...keepVms, chosen.id] });
}
