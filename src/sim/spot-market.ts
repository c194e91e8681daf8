import type { Nanos } from './nanos.ts';
import type { SimulatorOptions } from './options.ts';
import { Status, type GpuPool, type Host, type Vm, type VmSize, type World } from './state.ts';
import { computePrice, hasCompute } from './stock.ts';
import { acquireCompute, finishTransition, isRunning } from './vms.ts';

/**
 * Bids are per VM and hour and for the compute part only (A22). The lowest winning bid is either a fraction of the
 * on-demand compute price, which a random walk may move, or a price somebody has set through the control surface.
 */

const tickMs = 60_000;
/** A jump of the clock over months makes coarser steps, not millions of them. */
const mostTicksPerJump = 1000;
/** Between these the walk stays, unless it was told to begin outside of them. */
const lowestFactor = 0.2;
const highestFactor = 1.2;

/** The lowest bid that wins for a VM of this size on this host. */
export function lowestWinningBid(host: Host, size: VmSize): Nanos {
  const pool = host.gpus.get(size.gpuModel);
  if (pool?.marketPrice !== undefined) return pool.marketPrice;
  const factor = pool?.marketFactor ?? lowestFactor;
  return Math.round(computePrice(host, size) * factor);
}

/** Whether the bid wins and the host has room, taking it from lower bids where the switch says so. */
export function bidWins(world: World, offer: { host: Host; size: VmSize; bid: Nanos }): boolean {
  if (offer.bid < lowestWinningBid(offer.host, offer.size)) return false;
  return hasCompute(offer.host, offer.size) || victims(world, offer) !== undefined;
}

/** Outbids as many lower bids as a higher one needs. Call only after `bidWins`. */
export function makeRoom(world: World, offer: { host: Host; size: VmSize; bid: Nanos }): void {
  if (hasCompute(offer.host, offer.size)) return;
  for (const vm of victims(world, offer) ?? []) outbid(world, vm);
}

/** Outbids every spot VM on these GPUs whose bid is below the market, the lowest bids first. */
export function applyMarket(world: World, isConcerned: (vm: Vm) => boolean = () => true): void {
  for (const vm of runningBids(world, isConcerned)) {
    if (vm.bid < lowestWinningBid(vm.host, vm.size)) outbid(world, vm);
  }
  returnOutbid(world);
}

/** Outbids the lowest `count` bids whatever their price. */
export function outbidLowest(world: World, count: number, isConcerned: (vm: Vm) => boolean): void {
  for (const vm of runningBids(world, isConcerned).slice(0, count)) outbid(world, vm);
}

/** A10: with the switch, outbid VMs come back by themselves, the highest bids first. */
export function returnOutbid(world: World): void {
  if (world.options.outbidReturns !== 'by-itself') return;
  const waiting = [...world.vms.values()].filter(hasBid).filter((vm) => vm.status === Status.outbid);
  for (const vm of waiting.sort((a, b) => b.bid - a.bid)) {
    const wins = vm.bid >= lowestWinningBid(vm.host, vm.size) && hasCompute(vm.host, vm.size);
    if (!wins) continue;
    acquireCompute(vm);
    finishTransition(world, vm, Status.running);
  }
}

/** When the random walk takes its first step: never, while the market stands still. */
export function firstMarketTick(options: SimulatorOptions, now: number): number {
  return options.spotVolatility > 0 ? now + tickMs : Number.POSITIVE_INFINITY;
}

/** One step of the walk for every kind of GPU on every host; `target` is the time the clock is on its way to. */
export function walkMarket(world: World, target: number): void {
  for (const host of world.hosts.values()) {
    for (const pool of host.gpus.values()) step(world, pool);
  }
  applyMarket(world);
  world.nextMarketTick += Math.max(tickMs, Math.ceil((target - world.now) / mostTicksPerJump));
}

function step(world: World, pool: GpuPool): void {
  const change = (world.marketChance.next() * 2 - 1) * world.options.spotVolatility;
  const { spotFloor } = world.options;
  const [least, most] = [Math.min(lowestFactor, spotFloor), Math.max(highestFactor, spotFloor)];
  pool.marketFactor = Math.min(most, Math.max(least, pool.marketFactor * (1 + change)));
}

type SpotVm = Vm & { bid: Nanos };

function hasBid(vm: Vm): vm is SpotVm {
  return vm.bid !== undefined;
}

/** A VM is outbid that runs, or is on its way to that; the reference shows the step from `Running` only. */
function runningBids(world: World, isConcerned: (vm: Vm) => boolean): SpotVm[] {
  const running = [...world.vms.values()]
    .filter(hasBid)
    .filter((vm) => isRunning(vm) || vm.transition?.to === Status.running);
  return running.filter(isConcerned).sort((a, b) => a.bid - b.bid);
}

/** The fewest lower bids that make enough room when they go, lowest first; undefined when all would not. */
function victims(world: World, { host, size, bid }: { host: Host; size: VmSize; bid: Nanos }): Vm[] | undefined {
  if (world.options.spotCompetition !== 'bids') return undefined;
  const lower = runningBids(world, (vm) => vm.host === host && vm.size.gpuModel === size.gpuModel).filter(
    (vm) => vm.bid < bid,
  );
  let missing: Missing = {
    gpus: size.gpuCount - (host.gpus.get(size.gpuModel)?.free ?? 0),
    vcpus: size.vcpus - host.cpu.free,
    ram: size.ram - host.ram.free,
  };
  const chosen: Vm[] = [];
  for (const vm of lower) {
    if (isNothing(missing)) break;
    missing = {
      gpus: missing.gpus - vm.size.gpuCount,
      vcpus: missing.vcpus - vm.size.vcpus,
      ram: missing.ram - vm.size.ram,
    };
    chosen.push(vm);
  }
  return isNothing(missing) ? chosen : undefined;
}

interface Missing {
  readonly gpus: number;
  readonly vcpus: number;
  readonly ram: number;
}

function isNothing({ gpus, vcpus, ram }: Missing): boolean {
  return gpus <= 0 && vcpus <= 0 && ram <= 0;
}

function outbid(world: World, vm: Vm): void {
  finishTransition(world, vm, Status.outbid);
}
