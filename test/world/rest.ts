import { annotations } from '../../src/api/group.ts';
import type { GpuBudgetSpec } from '../../src/api/gpu-budget.ts';
import { gpuPoolSpecSchema } from '../../src/api/gpu-pool.ts';
import { markOf } from '../../src/api/vm-name.ts';
import type { SpotVmSpec } from '../../src/api/spot-vm.ts';
import type { VmSpec, VmStatus } from '../../src/api/vm.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import { isKubeError } from '../../src/kube/contract.ts';
import type { Host, Vm } from '../../src/sim/state.ts';
import { isAtRest, isPoolConverged } from '../support/convergence.ts';
import {
  acceptedPair,
  acceptOnly,
  confirmAcceptedKey,
  confirmSweep,
  isAcceptedKeyUnproven,
  setSecret,
} from './organizations.ts';
import { limitRunway, setBalance } from './balances.ts';
import { liftCosts } from './pool-perform.ts';
import type { Replica } from './replica.ts';
import { setPrice, setRoom, spotHosts, spotModels } from './spot-perform.ts';
import { dropReady } from './ready-made.ts';
import { plantedSecrets, type SimulatedWorld } from './world.ts';

const settleLimitMs = 4 * 3_600_000;
/** Two polls. */
const oldNewsMs = 15_000;

/** Trouble ends; then everything has to become as the resources say, within a bounded time. Returns how long it took. */
export async function comeToRest(world: SimulatedWorld, winnable?: Winnable): Promise<number | undefined> {
  await endTrouble(world);
  await heedBudget(world);
  if (winnable !== undefined) {
    restoreMarket(world, winnable);
    // Until lists have told who loses a place by that.
    await world.advance(90_000);
  }
  if (!world.isOperatorAlive) await world.start();
  let awakeSince: number | undefined;
  const isQuiet = (): boolean => {
    // All recorded VMs may have vanished while the key was rotated: then a person has to say that it is the right one.
    const isUnproven = isAcceptedKeyUnproven(world);
    void confirmAcceptedKey(world);
    // So it may be that none of them has a resource.
    void confirmSweep(world);
    // While the only one that is left is frozen, nobody has looked at what was said last; and who wakes up says first what
    // it heard before.
    awakeSince = world.replicas.some(isAwake) ? (awakeSince ?? world.clock.now()) : undefined;
    return (
      !isUnproven &&
      awakeSince !== undefined &&
      world.clock.now() - awakeSince >= oldNewsMs &&
      world.resources().every(isAtRest) &&
      world.pools().every((one) => isPoolAtRest(world, one)) &&
      world.watchdog.unmanaged.isQuiet()
    );
  };
  const settledMs = await world.until(isQuiet, settleLimitMs, 5_000);
  if (settledMs === undefined) {
    for (const object of world.resources().filter((one) => !isAtRest(one))) {
      world.watchdog.complain(`${object.metadata.name} does not converge: ${describe(object)}`);
    }
    for (const { metadata, spec, status } of world.pools().filter((one) => !isPoolAtRest(world, one)))
      world.watchdog.complain(`${metadata.name} does not converge: ${JSON.stringify({ metadata, spec, status })}`);
  }
  // Whatever was on its way when things became quiet, the longest pause after failures, and the next look at the balance.
  await world.advance(400_000);
  // A call of a process that was killed may have made a VM in the meantime, whose resource had been taken away by force.
  if (!isQuiet()) {
    await world.until(isQuiet, settleLimitMs, 5_000);
    await world.advance(400_000);
  }
  // As long as it takes until each account has been polled and looked at once more.
  await expectNoWrites(world, 35_000);
  world.watchdog.checkQuiet(world.resources(), world.released);
  const { duplicateNames } = world.provider.machine.world;
  if (duplicateNames > 0) world.watchdog.complain(`${String(duplicateNames)} times two VMs had one name`);
  return settledMs;
}

function isAwake({ isAlive, isFrozen }: Replica): boolean {
  return isAlive && !isFrozen;
}

/** Lists are read and everything is looked at meanwhile; nobody writes that nothing has changed. */
async function expectNoWrites(world: SimulatedWorld, forMs: number): Promise<void> {
  // Whoever wakes up from long ago has old news to write.
  const wasFrozen = world.replicas.some((replica) => replica.isFrozen);
  const before = world.writes;
  await world.advance(forMs);
  if (wasFrozen) return;
  const writes = world.writes - before;
  if (writes > 0) world.watchdog.complain(`${String(writes)} writes while everything is as it should be`);
}

/** Of one that somebody has made too big a person has to decide. */
function isPoolAtRest(world: SimulatedWorld, pool: CustomObject): boolean {
  return isPoolConverged(pool, overpricedOf(world, pool.metadata.uid));
}

function overpricedOf(world: SimulatedWorld, poolUid: string): number {
  const isOverpriced = (one: CustomObject): boolean =>
    (one.status as VmStatus | undefined)?.resize?.outcome === 'Overpriced';
  const isMember = ({ metadata }: CustomObject): boolean =>
    metadata.ownerReferences?.some(({ uid }) => uid === poolUid) === true;
  return world.resources().filter((one) => isMember(one) && isOverpriced(one)).length;
}

/** On which hosts bids win in the end. */
export type Winnable = 'everywhere' | 'somewhere';

/** Below every bid that is made, and above all of them. */
const [wins, loses] = ['0.04', '9.00'];

/** For every SpotVm a bid within its limits wins: where its VM is, if none may take its place, and on the dearest host. */
function restoreMarket(world: SimulatedWorld, winnable: Winnable): void {
  const hosts = spotHosts(world);
  // Where the dearest host is full, no bid wins anywhere for a member that is to go back to spot.
  const room = world.pools().length > 0 ? 12 : 4;
  for (const host of hosts) setRoom(world, host, room);
  // Members that have to be apart do not all find room on the dearest host.
  const isSpread = world.pools().some(({ spec }) => gpuPoolSpecSchema.parse(spec).spread !== undefined);
  const isEverywhere = winnable === 'everywhere' || isSpread;
  setPrice(world, isEverywhere ? wins : loses);
  if (isEverywhere) return;
  const waiting = world.vms().filter((vm) => vm.bid !== undefined && isItsOwnersOnly(world, vm));
  const dearest = hosts.toSorted((a, b) => onDemandPrice(b) - onDemandPrice(a))[0];
  for (const host of new Set([dearest, ...waiting.map((vm) => vm.host)])) setPrice(world, wins, host);
}

/** It has to win where it is: nothing takes its place. */
function isItsOwnersOnly(world: SimulatedWorld, { id, name, status, size }: Vm): boolean {
  const owner = world.resources().find(({ metadata, status: said }) => {
    return markOf(name)?.uid === metadata.uid || (said as VmStatus | undefined)?.vm?.id === id;
  });
  const { onOutbid = 'Wait', ...wanted } = (owner?.spec ?? {}) as Partial<SpotVmSpec>;
  // Also one that nobody has yet: a process that was cut off may take it over by an annotation that is gone.
  const isAdopted = markOf(name) === undefined;
  // One that is stopped, or about to be, and has its GPU, is not replaced; and who gets another size is stopped for that.
  const isStopped = status === 'Stopped' || status === 'Stopping' || isOtherSize(size, wanted);
  return isAdopted || (owner !== undefined && (onOutbid === 'Wait' || isStopped));
}

function isOtherSize(size: Vm['size'], { gpu, vcpus, memoryGB, storageGB }: Partial<SpotVmSpec>): boolean {
  const { gpuCount, ram, storage } = size;
  return gpu?.count !== gpuCount || vcpus !== size.vcpus || memoryGB !== ram || storageGB !== storage;
}

function onDemandPrice(host: Host): number {
  return Math.max(...spotModels.map((model) => host.gpus.get(model)?.price ?? 0));
}

async function endTrouble(world: SimulatedWorld): Promise<void> {
  world.clearFaults();
  world.holdWatches(false);
  // They hold the GPUs that a released VM needs to start again.
  dropReady(world);
  if (!releasesVms(world)) await world.allow(null);
  await limitRunway(world, null);
  setBalance(world, '100000');
  await unlessGone(liftCosts(world));
  const own = { ...acceptedPair(world), apiToken: plantedSecrets.apiToken };
  acceptOnly(world, own);
  await setSecret(world, own);
  for (const host of world.provider.machine.world.hosts.values()) {
    world.control('POST', `hosts/${host.id}`, { online: true, cpu: { price: '0.003' } });
  }
  // Whoever is, or will be, released may find that others have its GPUs by then, and may keep them.
  for (const { host } of world.vms()) setRoom(world, host, 8);
  for (const vm of world.vms()) {
    if (vm.status === 'Migrating') world.control('POST', `vms/${vm.id}`, { status: 'Running' });
  }
  // What was to be adopted may be gone, and then nothing is deployed until somebody says so.
  const untold = { [annotations.paused]: null, [annotations.adopt]: null };
  for (const { metadata } of world.resources()) {
    await unlessGone(world.annotate(metadata.name, untold));
    // By the clock there is no rest.
    if (isClockwork(world, metadata.name))
      await unlessGone(world.apply(metadata.name, { schedule: null, expireAfter: null }));
  }
}

function releasesVms(world: SimulatedWorld): boolean {
  return (world.budget()?.spec as Partial<GpuBudgetSpec> | undefined)?.onExceeded === 'StopByPriority';
}

/** Nobody pauses, or is late, for that long. */
const heededMs = 20 * 60_000;
const steadyMs = 10 * 60_000;

/** What a budget keeps down it keeps down in the end, once and not in turns, before the team may have what it wants. */
async function heedBudget(world: SimulatedWorld): Promise<void> {
  if (!releasesVms(world)) return;
  if (!world.isOperatorAlive) await world.start();
  await world.advance(heededMs);
  world.watchdog.budgets.releases.checkKept();
  const powerCalls = (): number =>
    ['client/start/single', 'client/stop/single'].reduce((sum, path) => sum + (world.requests.get(path) ?? 0), 0);
  const before = powerCalls();
  await world.advance(steadyMs);
  const calls = powerCalls() - before;
  if (calls > 0 && !world.replicas.some((replica) => replica.isFrozen))
    world.watchdog.complain(`${String(calls)} calls to start and stop VMs under a budget that has not changed`);
  await world.allow(null);
}

/** Is left, and has something that happens by the clock. */
function isClockwork(world: SimulatedWorld, name: string): boolean {
  const { schedule, expireAfter } = (world.resource(name)?.spec ?? {}) as Partial<VmSpec>;
  return schedule !== undefined || expireAfter !== undefined;
}

/** The operator goes on meanwhile, and deletes members. */
async function unlessGone(change: Promise<void>): Promise<void> {
  try {
    await change;
  } catch (error) {
    if (!isKubeError(error, 'notFound')) throw error;
  }
}

function describe({ metadata, status }: CustomObject): string {
  const { conditions, launch, vm: recorded, retiring } = (status ?? {}) as VmStatus;
  const ready = conditions?.find(({ type }) => type === 'Ready');
  return JSON.stringify({ deleted: metadata.deletionTimestamp, ready, launch, vm: recorded?.id, retiring });
}
