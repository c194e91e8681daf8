import { sortedJson, type JsonObject } from './json.ts';
import { toNumber, toSixDecimals } from './nanos.ts';
import { addressOf, Status, type Forward, type Transition, type Vm, type World } from './state.ts';
import { giveBackCompute, giveBackPorts, giveBackStorage, takeCompute } from './stock.ts';

/** The only functions that add, change and remove VMs: each keeps stock, billing, names and the list in step. */

const keptTerminated = 10_000;

/** A VM that comes to rest in another status gives its compute back. */
const holdingStatuses: ReadonlySet<string> = new Set([Status.running, Status.stopped]);

/** Adds a VM whose resources were taken already, and starts its billing. */
export function addVm(world: World, vm: Vm): void {
  const sameName = world.names.get(vm.name) ?? 0;
  if (sameName > 0) world.duplicateNames += 1;
  world.names.set(vm.name, sameName + 1);
  world.vms.set(vm.id, vm);
  changed(world, vm);
}

/** Gives everything back and ends the billing. */
export function removeVm(world: World, vm: Vm): void {
  releaseCompute(world, vm);
  giveBackStorage(vm.host, vm.size.storage);
  giveBackPorts(vm.host, vm.forwards);
  world.vms.delete(vm.id);
  endTransition(world, vm);
  world.ledger.bill(vm.id, undefined);
  world.history.set(vm.id, undefined, world.now);
  const sameName = world.names.get(vm.name) ?? 0;
  if (sameName > 1) world.names.set(vm.name, sameName - 1);
  else world.names.delete(vm.name);
}

/** Removes it as client/delete/single does: the id stays known as terminated. */
export function terminateVm(world: World, vm: Vm): void {
  removeVm(world, vm);
  world.terminated.add(vm.id);
  const [oldest] = world.terminated;
  if (world.terminated.size > keptTerminated && oldest !== undefined) world.terminated.delete(oldest);
}

/** Sets the status, dropping a transition under way. */
export function setStatus(world: World, vm: Vm, status: string): void {
  vm.status = status;
  endTransition(world, vm);
  changed(world, vm);
}

export interface TransitionStep {
  readonly during: string;
  readonly to: string | undefined;
  readonly delayMs: number;
}

/** Shows `during` for `delayMs` and then `to` (undefined: gone); at once `to` when there is no delay. */
export function beginTransition(world: World, vm: Vm, step: TransitionStep): void {
  if (step.delayMs <= 0) {
    finishTransition(world, vm, step.to);
    return;
  }
  setStatus(world, vm, step.during);
  enterTransition(world, vm, { to: step.to, at: world.now + Math.ceil(step.delayMs) });
}

/** Keeps the list sorted by time. New ones are nearly always the last, so that it is not searched from the front. */
function enterTransition({ inTransition }: World, vm: Vm, transition: Transition): void {
  vm.transition = transition;
  let index = inTransition.length;
  while (index > 0 && (inTransition[index - 1]?.transition?.at ?? 0) > transition.at) index -= 1;
  inTransition.splice(index, 0, vm);
}

function endTransition({ inTransition }: World, vm: Vm): void {
  if (vm.transition === undefined) return;
  vm.transition = undefined;
  inTransition.splice(inTransition.indexOf(vm), 1);
}

export function finishTransition(world: World, vm: Vm, to: string | undefined): void {
  if (to === undefined) {
    terminateVm(world, vm);
    return;
  }
  if (!holdingStatuses.has(to)) releaseCompute(world, vm);
  setStatus(world, vm, to);
}

/** Throws a Refusal when the host has no room; the VM is unchanged then. */
export function acquireCompute(vm: Vm): void {
  if (vm.holdsCompute) return;
  takeCompute(vm.host, vm.size);
  vm.holdsCompute = true;
}

export function releaseCompute(world: World, vm: Vm): void {
  if (!vm.holdsCompute) return;
  giveBackCompute(vm.host, vm.size);
  vm.holdsCompute = false;
  changed(world, vm);
}

/** To be called after every change of a VM: bills it by what it holds and shows it in the list. */
export function changed(world: World, vm: Vm): void {
  const { gpuModel, gpuCount, vcpus, ram, storage } = vm.size;
  const rates = { compute: vm.holdsCompute ? vm.computeRate : 0, storage: vm.storageRate };
  world.ledger.bill(vm.id, { vmId: vm.id, hostId: vm.host.id, gpuModel, gpuCount, vcpus, ram, storage, rates });
  world.history.set(vm.id, sortedJson(describeVm(vm)), world.now);
}

/** A VM as client/list shows it (API reference, 5.2). */
export function describeVm(vm: Vm): JsonObject {
  const { location } = vm.host;
  return {
    city: location.city,
    compute_price: toSixDecimals(vm.computeRate),
    cost: toNumber(vm.computeRate),
    country: location.country,
    cpu_threadscount: vm.size.vcpus,
    dedicated_ip_address: vm.dedicatedAddress,
    default_user: 'user',
    hostname: vm.id,
    hostnode: vm.host.id,
    ip_address: addressOf(vm),
    location: location.id,
    name: vm.name,
    operating_system: vm.operatingSystem,
    port_forwards: describeForwards(vm.forwards),
    specs: {
      gpu: { amount: vm.size.gpuCount, type: vm.size.gpuModel },
      ram: vm.size.ram,
      storage: vm.size.storage,
      vcpus: vm.size.vcpus,
    },
    state: location.region,
    status: vm.status,
    storage_price: toSixDecimals(vm.storageRate),
    timestamp_creation: new Date(vm.createdAt).toUTCString(),
    total_price: toSixDecimals(vm.computeRate + vm.storageRate),
    type: vm.bid === undefined ? 'ondem' : 'spot',
  };
}

export function describeForwards(forwards: readonly Forward[]): Record<string, string> {
  return Object.fromEntries(forwards.map(({ external, internal }) => [String(external), String(internal)]));
}

export function isRunning(vm: Vm): boolean {
  return vm.status === Status.running;
}

/** Shown until the deletion is over, and on its way out whatever else happens. */
export function isBeingDeleted(vm: Vm): boolean {
  return vm.transition !== undefined && vm.transition.to === undefined;
}
