import type { GpuVmStatus } from '../../src/api/gpu-vm.ts';
import { KubeError } from '../../src/kube/contract.ts';
import type { Vm } from '../../src/sim/state.ts';
import type { DoubtfulLaunch, WorstMoment } from './deeds.ts';
import { stockReady, takeInstant } from './ready-made.ts';
import type { SimulatedWorld } from './world.ts';

/*
 * How old a list is, how late a request takes effect, and how long a process is frozen between its last look at the world and
 * the request's leaving. All of them together, with the delays on the way, stay within what the proof of absence allows for: 165 s
 * from the moment at which another process sees the intent of a call that has not ended.
 */
export const staleMs = 40_000;
export const mostFrozenBeforeDeployMs = 30_000;
/** Of one deploy call; `lateMs` for all calls, while many are late. */
export const mostLateMs = 75_000;
export const lateMs = 60_000;

const deploy = 'client/deploy/single';

/** Somebody wants this VM, from now on at the latest, and with these fields of its spec. */
type Want = (vm: string, spec: object) => Promise<void>;

type Moment<N extends WorstMoment['do']> = Extract<WorstMoment, { do: N }>;

/** Does several things at once to the world. */
export async function strikeAtWorst(world: SimulatedWorld, one: WorstMoment, want: Want): Promise<void> {
  switch (one.do) {
    case 'omit':
      return omit(world, one, want);
    case 'freezeDeployer':
      return freezeDeployer(world, one, want);
    case 'doubt':
      return launchInDoubt(world, one, want);
    case 'dearerMeanwhile':
      return becomeDearer(world, one, want);
    case 'deleteInVain':
      return deleteInVain(world, one);
  }
}

/**
 * The list omits the VM of a resource, with all that are made from now on or with all that there are, as long as that VM
 * lives, is recorded, and was not said to be deleted: a list that lies only about what nobody knows cannot be told from the
 * truth.
 */
async function omit(world: SimulatedWorld, one: Moment<'omit'>, want: Want): Promise<void> {
  const id = world.statusOf(one.vm)?.vm?.id;
  if (id === undefined) return;
  // A list without any VM would be compared with the bill.
  if (!one.all && world.vms().length === 1) world.deployForeign();
  const spared = new Set(one.all ? [] : world.vms().map((vm) => vm.id));
  spared.delete(id);
  const isKnown = (): boolean =>
    world.vms().some((vm) => vm.id === id && !isBeingDeleted(vm)) &&
    !world.providerWeather.keptInVain.has(id) &&
    world.resources().some(({ status }) => (status as GpuVmStatus | undefined)?.vm?.id === id);
  world.note(`the list omits ${id}`);
  world.providerWeather.omits = (vmId) => !spared.has(vmId) && isKnown();
  if (one.isSilent) world.fault({ endpoint: 'client/get/single', kind: 'error-500', count: 3 });
  if (one.inDoubt === undefined) return;
  // A list that lies is of most harm while the outcome of a deploy call is not known.
  world.fault({ endpoint: deploy, kind: 'lost-answer', count: 1 });
  await want(one.inDoubt, {});
}

function isBeingDeleted({ transition }: Vm): boolean {
  return transition !== undefined && transition.to === undefined;
}

/** Another process may find out what became of the call before this one hears that the answer was lost. */
async function freezeDeployer(world: SimulatedWorld, one: Moment<'freezeDeployer'>, want: Want): Promise<void> {
  const { vm, ms, thenBlind } = one;
  world.fault({ endpoint: deploy, kind: 'lost-answer', count: 1 });
  world.atNext(`after ${deploy}`, (replica) => {
    replica.freeze(ms);
    if (!thenBlind) return;
    world.clock.after(ms - 1, () => {
      world.fault({ endpoint: 'client/list', kind: 'error-500', count: 6 });
    });
  });
  await want(vm, {});
}

/**
 * The VM of a deploy call comes late, nobody hears of it, and lists are old. Meanwhile whoever made the call is killed, or its
 * resource is deleted: who trusts what was written down, or one list too many, deploys a second VM or leaves this one behind.
 */
async function launchInDoubt(world: SimulatedWorld, one: DoubtfulLaunch, want: Want): Promise<void> {
  const { lateMs, stale, then, afterMs } = one;
  const call = one.readyMade ? takeInstant : deploy;
  // A resource that has a VM makes no deploy call.
  const vm = [one.vm, 'vm-a', 'vm-b', 'vm-c', 'vm-d'].find((name) => world.statusOf(name)?.vm === undefined);
  if (vm === undefined) return;
  world.note(`the next deploy call takes effect after ${String(lateMs)} ms`);
  world.providerWeather.heldUp = { path: call, ms: lateMs };
  world.fault({ endpoint: call, kind: 'lost-answer', count: 1 });
  if (stale) world.fault({ endpoint: 'client/list', kind: 'stale-list', ms: staleMs, count: 40 });
  world.atNext(`before ${call}`, (replica) => {
    world.clock.after(afterMs, () => {
      if (then.includes('kill')) replica.kill();
      if (then.includes('delete')) void deleteIfThere(world, vm);
    });
  });
  if (one.readyMade) stockReady(world);
  await want(vm, one.readyMade ? { instant: 'Prefer' } : {});
}

async function deleteIfThere(world: SimulatedWorld, vm: string): Promise<void> {
  try {
    await world.delete(vm);
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
  }
}

/** The provider confirms the deletion of a VM, and keeps it. */
async function deleteInVain(world: SimulatedWorld, { vm, count }: Moment<'deleteInVain'>): Promise<void> {
  if (world.statusOf(vm)?.vm === undefined) return;
  world.note(`the next ${String(count)} deletions are confirmed in vain`);
  world.providerWeather.vainDeletions = count;
  await world.delete(vm);
}

/** The host of a VM asks for more than any cap when a call that makes the VM, or makes it bigger, has left. */
async function becomeDearer(
  world: SimulatedWorld,
  { vm, vcpus }: Moment<'dearerMeanwhile'>,
  want: Want,
): Promise<void> {
  world.atNext(`before ${vcpus === undefined ? deploy : 'client/modify/single'}`, () => {
    const { launch, vm: recorded } = world.statusOf(vm) ?? {};
    const host = world.provider.machine.world.hosts.get(recorded?.hostnode ?? launch?.hostnode ?? '');
    if (host !== undefined) world.control('POST', `hosts/${host.id}`, { cpu: { price: '0.9' } });
  });
  await want(vm, vcpus === undefined ? {} : { vcpus });
}
