import { returnOutbid, walkMarket } from './spot-market.ts';
import { Status, type World } from './state.ts';
import { finishTransition, isBeingDeleted, terminateVm } from './vms.ts';

const graceMs = 96 * 3_600_000;

interface Event {
  readonly at: number;
  readonly happen: () => void;
}

/** Moves simulated time on to `target`, letting everything happen at its own moment: bills are exact to the millisecond. */
export function advance(world: World, target: number): void {
  for (
    let event = nextEvent(world, target);
    event !== undefined && event.at <= target;
    event = nextEvent(world, target)
  ) {
    moveTo(world, event.at);
    event.happen();
  }
  moveTo(world, target);
}

/** When something will happen by itself; undefined when nothing will. */
export function nextEventAt(world: World): number | undefined {
  return nextEvent(world, world.now)?.at;
}

function moveTo(world: World, time: number): void {
  world.now = Math.max(world.now, time);
  world.ledger.accrue(world.now);
}

function nextEvent(world: World, target: number): Event | undefined {
  const events = [nextTransition(world), balanceEvent(world), marketEvent(world, target)];
  let first: Event | undefined;
  for (const event of events) {
    if (event !== undefined && (first === undefined || event.at < first.at)) first = event;
  }
  return first;
}

function nextTransition(world: World): Event | undefined {
  const [vm] = world.inTransition;
  if (vm?.transition === undefined) return undefined;
  const { at, to } = vm.transition;
  return {
    at,
    happen: () => {
      finishTransition(world, vm, to);
      returnOutbid(world);
    },
  };
}

function marketEvent(world: World, target: number): Event | undefined {
  if (!Number.isFinite(world.nextMarketTick)) return undefined;
  return {
    at: world.nextMarketTick,
    happen: () => {
      walkMarket(world, target);
    },
  };
}

/** A24. Nothing happens to an organization without VMs. */
function balanceEvent(world: World): Event | undefined {
  if (world.vms.size === 0) return undefined;
  if (world.options.balancePolicy === 'delete-at-zero') {
    const at = world.ledger.exhaustedAt();
    return at === undefined
      ? undefined
      : {
          at,
          happen: () => {
            deleteAll(world);
          },
        };
  }
  if (world.overdrawnSince !== undefined) {
    return {
      at: world.overdrawnSince + graceMs,
      happen: () => {
        deleteAll(world);
      },
    };
  }
  const at = world.ledger.exhaustedAt();
  // "Below 0": a millisecond after it is used up.
  return at === undefined
    ? undefined
    : {
        at: at + 1,
        happen: () => {
          releaseAll(world);
        },
      };
}

function deleteAll(world: World): void {
  for (const vm of [...world.vms.values()]) terminateVm(world, vm);
  world.overdrawnSince = undefined;
}

function releaseAll(world: World): void {
  world.overdrawnSince = world.now;
  for (const vm of world.vms.values()) {
    if (vm.holdsCompute && !isBeingDeleted(vm)) finishTransition(world, vm, Status.released);
  }
}
