import { annotations } from '../../src/api/group.ts';
import { KubeError } from '../../src/kube/contract.ts';
import { messageOf } from '../../src/lib/errors.ts';
import type { Action, KubeTrouble, ProcessTrouble, ProviderTrouble } from './deeds.ts';
import { strikeBalance } from './balances.ts';
import { acceptedPair, acceptOnly, otherPair, setSecret } from './organizations.ts';
import { dropReady, stockReady, preferring, takeInstant } from './ready-made.ts';
import { meetSpotMoment } from './spot-moments.ts';
import { tendPool } from './pool-perform.ts';
import { moveMarket, spotChangeOf, spotSpecOf } from './spot-perform.ts';
import { noDelay } from './surroundings.ts';
import { leaveUnmanaged } from './unmanaged-perform.ts';
import { lateMs, mostFrozenBeforeDeployMs, staleMs, strikeAtWorst } from './worst-moments.ts';
import { easySpec, plantedSecrets, type SimulatedWorld } from './world.ts';

/** Does one thing to the world. A KubeError is what a user would have been told. */
export async function perform(world: SimulatedWorld, one: Action, cap: string | undefined): Promise<void> {
  switch (one.do) {
    case 'apply':
      return apply(world, one, cap);
    case 'adopt':
      return adopt(world, one.vm, cap);
    case 'delete':
      return world.delete(one.vm);
    case 'pause':
      return world.annotate(one.vm, { [annotations.paused]: one.on ? 'true' : null });
    case 'poke':
      return world.annotate(one.vm, { [annotations.reconcileRequestedAt]: String(world.clock.now()) });
    case 'forgetVm':
      return forgetVm(world, one.vm);
    case 'emptyStatus':
      return emptyStatus(world, one);
    case 'secret':
      return exchange(world, one.holds);
    case 'omit':
    case 'freezeDeployer':
    case 'doubt':
    case 'dearerMeanwhile':
    case 'deleteInVain':
      return strikeAtWorst(world, one, (vm, spec) => apply(world, { vm, spec }, cap));
    case 'crash':
    case 'freeze':
    case 'stop':
      return strikeProcess(world, one);
    case 'kubeTrouble':
    case 'kubeDown':
    case 'cutOff':
    case 'watches':
      strikeKube(world, one);
      return;
    case 'market':
    case 'outbid':
    case 'room':
    case 'outbidUnderFire':
    case 'overcharge':
    case 'forgeRetiring':
      return moveMarket(world, one);
    case 'pool':
    case 'rollout':
    case 'scale':
    case 'template':
    case 'deleteFirst':
    case 'deletePool':
      return tendPool(world, one, cap);
    case 'budget':
      return world.allow(one.hard, one.onExceeded);
    case 'balance':
    case 'runway':
    case 'balanceSlips':
    case 'oldAnswers':
      return strikeBalance(world, one);
    case 'force':
    case 'restore':
    case 'abandon':
    case 'stray':
    case 'claim':
    case 'objectLate':
    case 'sweep':
    case 'keepVm':
      return leaveUnmanaged(world, one, (vm) => apply(world, { vm, spec: {} }, cap));
    case 'outbidAdopted':
    case 'fickleMarket':
    case 'lateStart':
      return meetSpotMoment(world, one, (vm, spec, given) => apply(world, { vm, spec }, cap, given));
    case 'readyMade':
      if (one.made === 'none') dropReady(world);
      else stockReady(world, one.made);
      return one.vm === undefined ? undefined : apply(world, { vm: one.vm, spec: { instant: 'Prefer' } }, cap);
    default:
      strikeProvider(world, one);
  }
}

function apply(
  world: SimulatedWorld,
  { vm, spec }: { readonly vm: string; readonly spec: object },
  cap: string | undefined,
  given: Readonly<Record<string, string>> = {},
): Promise<void> {
  const isNew = world.resource(vm) === undefined;
  if (isSpot(vm)) return world.apply(vm, isNew ? spotSpecOf(vm, spec, cap) : spotChangeOf(spec, cap), given);
  const { vcpus, gpus, powerState, deletionPolicy, schedule, expireAfter, priority, instant } = spec as Readonly<
    Record<string, unknown>
  >;
  const most = cap ?? (instant === undefined ? undefined : preferring.maxHourlyPrice);
  const limit = most === undefined ? {} : { maxHourlyPrice: most };
  const changes = Object.entries({
    vcpus,
    gpu: gpus === undefined ? undefined : { ...easySpec.gpu, count: gpus },
    powerState,
    deletionPolicy,
    schedule,
    expireAfter,
    priority,
    ...preference(world, vm, instant),
  });
  // Null takes a field away where there is one.
  const own = Object.fromEntries(changes.filter(([, value]) => value !== undefined && (!isNew || value !== null)));
  return world.apply(vm, isNew ? { ...easySpec, ...limit, ...own } : own);
}

/** Who has not said what their VM may cost may not have a ready-made one, and a limit that comes later binds no VM that is there. */
function preference(world: SimulatedWorld, vm: string, instant: unknown): object {
  const spec = world.resource(vm)?.spec as { readonly maxHourlyPrice?: string } | undefined;
  return spec !== undefined && spec.maxHourlyPrice === undefined ? {} : { instant };
}

function isSpot(name: string): boolean {
  return name.startsWith('spot-');
}

function adopt(world: SimulatedWorld, name: string, cap: string | undefined): Promise<void> {
  const spec = isSpot(name) ? { ...spotSpecOf(name, {}, cap), storageGB: easySpec.storageGB } : easySpec;
  const id = world.deployForeign(isSpot(name) ? '0.30' : undefined);
  return world.apply(name, spec, { [annotations.adopt]: id });
}

/** The record of its VM is lost from a status. One that was adopted could be found by nothing else. */
async function forgetVm(world: SimulatedWorld, name: string): Promise<void> {
  const { vm, launch } = world.statusOf(name) ?? {};
  if (vm === undefined || vm.adopted === true || launch === undefined) return;
  // Without the generation nobody takes what is left for the operator's last word.
  await world.editStatus(name, { vm: null, observedGeneration: null });
}

/** By world: a VM that nobody has recorded is not missed in another organization's list, so a world has one or the other. */
const emptied = new WeakSet<SimulatedWorld>();
const exchanged = new WeakSet<SimulatedWorld>();

/** Nothing is left of a status, maybe while lists show no VM. One that was adopted could be found by nothing else. */
async function emptyStatus(
  world: SimulatedWorld,
  { vm, emptyLists }: Extract<Action, { do: 'emptyStatus' }>,
): Promise<void> {
  if (world.statusOf(vm)?.vm?.adopted === true || exchanged.has(world)) return;
  emptied.add(world);
  if (emptyLists > 0) world.fault({ endpoint: 'client/list', kind: 'empty-list', count: emptyLists });
  await world.emptyStatus(vm);
}

async function exchange(world: SimulatedWorld, holds: Extract<Action, { do: 'secret' }>['holds']): Promise<void> {
  const own = acceptedPair(world);
  switch (holds) {
    case 'own':
      return setSecret(world, own);
    case 'mistyped':
      return setSecret(world, { ...own, apiToken: 'mistyped' });
    case 'other':
      if (emptied.has(world)) return;
      exchanged.add(world);
      return setSecret(world, otherPair);
    case 'rotated': {
      const next = { apiKey: `rotated-key-${String(world.clock.now())}`, apiToken: own.apiToken };
      acceptOnly(world, next);
      return setSecret(world, next);
    }
  }
}

async function strikeProcess(world: SimulatedWorld, one: ProcessTrouble): Promise<void> {
  switch (one.do) {
    case 'crash':
      if (one.afterPoints === 0) world.crash();
      else world.crashAfter(one.afterPoints);
      return;
    case 'freeze': {
      const msAt = (point: string): number =>
        point === 'before client/deploy/single' || point === `before ${takeInstant}`
          ? Math.min(one.ms, mostFrozenBeforeDeployMs)
          : one.ms;
      if (one.afterPoints === 0) world.replicas[0]?.freeze(one.ms);
      else world.freezeAfter(one.afterPoints, msAt);
      return;
    }
    case 'stop':
      await world.stop(one.graceMs, world.replicas[one.replica]);
  }
}

function strikeKube(world: SimulatedWorld, one: KubeTrouble): void {
  switch (one.do) {
    case 'kubeTrouble': {
      const { lostRequests, lostAnswers, duplicates } = one;
      Object.assign(world.kubeWeather, { lostRequests, lostAnswers, duplicates });
      return;
    }
    case 'kubeDown':
      world.kubeWeather.isDown = one.on;
      return;
    case 'cutOff': {
      const replica = world.replicas[one.replica];
      if (replica !== undefined) replica.isCutOff = one.on;
      return;
    }
    case 'watches':
      if (one.what === 'end') world.api.endWatches();
      else if (one.what === 'expire') {
        world.api.compact();
        world.api.endWatches(new KubeError('too old resource version', 'expired', 410));
      } else world.holdWatches(one.what === 'hold');
  }
}

function strikeProvider(world: SimulatedWorld, one: ProviderTrouble): void {
  switch (one.do) {
    case 'fault': {
      const ms = one.kind === 'slow' ? { ms: 35_000 } : one.kind === 'stale-list' ? { ms: staleMs } : {};
      world.fault({ endpoint: one.endpoint, kind: one.kind, count: one.count, ...ms });
      return;
    }
    case 'late':
      world.providerWeather.late = one.chance === 0 ? { chance: 0, delay: noDelay } : lateWith(one.chance);
      return;
    case 'repeated':
      world.providerWeather.duplicates = one.chance;
      return;
    case 'credentials': {
      const apiToken = one.good ? plantedSecrets.apiToken : 'another-token';
      acceptOnly(world, { ...acceptedPair(world), apiToken });
      return;
    }
    case 'prices':
      world.providerWeather.hidesPrices = one.hidden;
      return;
    case 'vanish':
    case 'status':
      strikeVm(world, one);
      return;
    default:
      strikeHost(world, one);
  }
}

function lateWith(chance: number): { chance: number; delay: { least: number; most: number } } {
  return { chance, delay: { least: 0, most: lateMs } };
}

function strikeVm(world: SimulatedWorld, one: Extract<ProviderTrouble, { do: 'vanish' | 'status' }>): void {
  const vms = world.vms();
  const chosen = vms[one.nth % Math.max(1, vms.length)];
  // What is over does not come back.
  if (chosen === undefined || chosen.transition !== undefined || chosen.status === 'Terminated') return;
  try {
    world.control('POST', `vms/${chosen.id}`, one.do === 'vanish' ? { remove: true } : { status: one.status });
  } catch (error) {
    // Somebody else has its GPUs by now: it does not run by itself. Or the provider has deleted it for want of balance.
    if (!/Not enough resources|No such VM/.test(messageOf(error))) throw error;
  }
}

function strikeHost(world: SimulatedWorld, one: Extract<ProviderTrouble, { do: 'host' | 'dearer' }>): void {
  const hosts = [...world.provider.machine.world.hosts.values()];
  const host = hosts[one.nth % hosts.length];
  if (host === undefined) return;
  world.control('POST', `hosts/${host.id}`, one.do === 'host' ? { online: one.online } : { cpu: { price: '0.4' } });
}
