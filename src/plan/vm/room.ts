import { dollars, money, type Money } from '../../lib/money.ts';
import type { CloudVm, VmSize } from '../../provider/contract.ts';
import { growth, larger, nothing, plus, type Charge } from '../budget/charge.ts';
import { mostHourly, shortageOf, type LimitAhead } from '../budget/limits.ts';
import type { Need } from '../budget/spending.ts';
import { roomReasons, shortageReason, shortageSentence } from '../budget/words.ts';
import type { NoPlacement } from '../placement.ts';
import { bidOf, quote } from '../price.ts';
import type { VmObservation } from './observation.ts';
import { lateStartLook } from './late-start.ts';
import { liveVm } from './ownership.ts';
import type { Rule } from './rule.ts';
import { waiting, type Look, type ReadyDraft, type Step, type Verdict } from './verdict.ts';

/**
 * Whether there is room for what a step would spend: in the budgets of the namespace, in the limits of the account, in the cost
 * of the pool. Whatever rule wants to spend, it goes through `holdWithoutRoom`.
 */

/** What another VM would take. */
export function needOfVm(observation: VmObservation, vm: { readonly gpus: number; readonly hourlyCost: Money }): Need {
  const after = plus(keptBeside(observation), { vms: 1, ...vm });
  return { kind: 'launch', after, more: growth(observation.spend.own, after) };
}

/** What is kept while another VM takes the place of its own: that is released, unless it is stopped, and goes on being billed in full. */
function keptBeside(observation: VmObservation): Charge {
  const { own, ownKept } = observation.spend;
  return liveVm(observation)?.state === 'stopped' ? own : ownKept;
}

function needOfStart({ spend }: VmObservation): Need {
  const after = larger(spend.own, spend.ownStarted);
  return { kind: 'start', after, more: growth(spend.own, after) };
}

/** Of one that is released only the disk is billed, and that at once; its other parts get dearer when it is started. */
function needOfResize(observation: VmObservation, to: VmSize): Need {
  const { spend } = observation;
  const vm = liveVm(observation);
  if (vm === undefined) return { kind: 'resize', after: spend.own, more: nothing };
  const cost = priceWithSize(observation, to);
  if (vm.state === 'released') {
    const larger = { vms: 0, gpus: 0, hourlyCost: excess(cost?.storage, vm.price?.storage) };
    const after = plus(spend.own, larger);
    return { kind: 'resize', after, more: growth(spend.own, after) };
  }
  const gpus = Math.max(0, to.gpuCount - gpusCountedFor(observation, vm));
  const larger = { vms: 0, gpus, hourlyCost: excess(cost?.total, vm.price?.total) };
  // What is reserved for it already, by a call whose answer was lost, is a part of that.
  const after = plus(spend.ownStarted, larger);
  return { kind: 'resize', after, more: growth(spend.own, after) };
}

/**
 * As `commitmentOf` counts them: those that were asked for count from the moment that is written down. To ask for them once more
 * would leave the VM, which was stopped for them, without room for what it has.
 */
function gpusCountedFor({ journal: { vm, resize } }: VmObservation, { size }: CloudVm): number {
  const asked = resize?.outcome === 'Pending' ? resize.to.gpuCount : 0;
  return Math.max(vm?.applied.gpuCount ?? 0, size.gpuCount, asked);
}

function excess(cost: Money | undefined, before: Money | undefined): Money {
  const more = cost?.minus(before ?? 0) ?? money(0);
  return more.gt(0) ? more : money(0);
}

/** By the unit prices of its host; a spot VM goes on costing its bid. */
function priceWithSize(
  { account, journal }: VmObservation,
  to: VmSize,
): { readonly total: Money; readonly storage: Money | undefined } | undefined {
  const hosts = account.kind === 'ready' ? account.offers.hosts : undefined;
  const host = hosts?.find(({ id }) => id === journal.vm?.hostnode);
  const gpu = host?.gpus.find(({ model }) => model === to.gpuModel);
  if (host === undefined || gpu === undefined) return undefined;
  const { total, storage } = quote(host, gpu, to);
  return { total: bidOf(journal.vm)?.plus(storage ?? 0) ?? total, storage };
}

/** Why the VM may not get this size now; undefined: it may. */
export function whyNoRoomForSize(observation: VmObservation, to: VmSize): ReadyDraft | undefined {
  return whyNoRoom(observation, needOfResize(observation, to));
}

function needOf(observation: VmObservation, step: Step): Need | undefined {
  switch (step.kind) {
    case 'launch': {
      const { size, price } = step.plan.offer;
      return needOfVm(observation, { gpus: size.gpuCount, hourlyCost: price.total });
    }
    case 'start':
      return needOfStart(observation);
    case 'modify':
      return needOfResize(observation, step.size);
    default:
      return undefined;
  }
}

/** Undefined: there is room. */
export function whyNoRoom(observation: VmObservation, need: Need): ReadyDraft | undefined {
  const { ban, limits } = observation.spend;
  if (ban !== undefined && (ban.always || need.kind === 'launch')) return waiting(ban.reason, ban.message);
  const limit = shortageOf(limits, need.more);
  if (limit === undefined) return undefined;
  return waiting(shortageReason(limit), `${shortageSentence(limit, need.more)} ${afterwardsOf(observation, need)}`);
}

function afterwardsOf({ journal }: VmObservation, { kind }: Need): string {
  return kind === 'launch' && journal.vm !== undefined ? replacing : afterwards[kind];
}

const replacing =
  'A replacement needs room for one VM more until the old one is deleted; it is deployed by itself once there is.';

const afterwards: Readonly<Record<Need['kind'], string>> = {
  launch: 'The VM is deployed by itself once there is room, the oldest first.',
  start: 'The VM is started by itself once there is room, the oldest first.',
  resize: 'The VM keeps its size until there is room.',
};

function heldBack(observation: VmObservation, need: Need, ready: ReadyDraft): Omit<Verdict, 'rule'> {
  const { ban, limits } = observation.spend;
  const isBanned = ban !== undefined && ready.reason === ban.reason && ready.message === ban.message;
  return {
    step: { kind: 'wait' },
    phase: phaseOf(observation),
    ready,
    ...(isBanned ? {} : { need }),
    look: isBanned ? {} : lookAgain(observation, shortageOf(limits, need.more)),
  };
}

/**
 * Room wakes who waits for it, and so does who comes before and waits no more. What depends on the market is looked at again, by
 * the first of those who wait for it; by the others only in case that somebody before them is held up and says nothing.
 */
function lookAgain({ timings }: VmObservation, limit: LimitAhead | undefined): Look {
  if (limit?.ahead.gt(0) === true) return { inMs: behindOthers * timings.retryMs };
  return limit === undefined || limit.measure === 'hourlyCost' ? { inMs: timings.retryMs } : {};
}

const behindOthers = 4;

function phaseOf(observation: VmObservation): Verdict['phase'] {
  switch (liveVm(observation)?.state) {
    case undefined:
      return observation.journal.vm === undefined ? 'Pending' : 'keep';
    case 'outbid':
      return 'Outbid';
    case 'stopped':
      return 'Stopped';
    case 'released':
      return 'Released';
    default:
      return 'keep';
  }
}

/** No step that spends is taken without room for it, whichever rule wants it. */
export function holdWithoutRoom(observation: VmObservation, verdict: Verdict): Verdict {
  const need = needOf(observation, verdict.step);
  if (need === undefined) return verdict;
  const ready = whyNoRoom(observation, need);
  return ready === undefined
    ? { ...verdict, need }
    : { ...verdict, ...heldBack(observation, need, ready), rule: verdict.rule };
}

/**
 * Under a limit a status says `Starting` before the start leaves, by which a process that comes after this one counts the VM in
 * full. So it goes on saying that for as long as the start may have its effect, whatever the list shows and Ready says.
 */
export function keepStarting(observation: VmObservation, verdict: Verdict): Verdict {
  const isDown = verdict.phase === 'Released' || verdict.phase === 'Outbid';
  if (!isDown || observation.status.phase !== 'Starting' || lateStartLook(observation) === undefined) return verdict;
  return observation.spend.limits.length === 0
    ? verdict
    : { ...verdict, phase: 'Starting', look: lookAtLateStart(observation, verdict) };
}

/** The phase is another one once nothing can come of the start any more. */
function lookAtLateStart(observation: VmObservation, { step, look = {} }: Verdict): Look {
  const late = step.kind === 'wait' ? lateStartLook(observation) : undefined;
  if (late?.inMs !== undefined) return { ...look, inMs: Math.min(look.inMs ?? Infinity, late.inMs) };
  return late === undefined || look.snapshotAfter !== undefined ? look : { ...look, ...late };
}

/** Before anything is read or asked for it: what the VM will cost is not known yet, but there may be no room at all. */
export const roomIsMissing: Rule = (observation) => {
  const need = needOfVm(observation, { gpus: observation.spec.gpu.count, hourlyCost: money(0) });
  const ready = whyNoRoom(observation, need);
  return ready === undefined ? undefined : heldBack(observation, need, ready);
};

/** The most that one more VM may cost per hour; undefined: no limit says. */
export function mostForVm(observation: VmObservation): Money | undefined {
  const { limits, own } = observation.spend;
  // What it holds already is a part of what is used, and goes on being that.
  return mostHourly(limits)?.plus(own.hourlyCost).minus(keptBeside(observation).hourlyCost);
}

/** Hosts fit, and only what is left of a limit is in the way. */
export function overRoom(observation: VmObservation, { cheapestOverRoom }: NoPlacement): ReturnType<Rule> {
  if (cheapestOverRoom === undefined) return undefined;
  const need = needOfVm(observation, { gpus: observation.spec.gpu.count, hourlyCost: cheapestOverRoom });
  const ready = whyNoRoom(observation, need);
  if (ready === undefined) return undefined;
  const message = `${ready.message} The cheapest host that fits costs ${dollars(cheapestOverRoom)} per hour.`;
  return heldBack(observation, need, { ...ready, message });
}

/** Hosts fit, but no bid wins within what limits leave; with all that may be bid one perhaps would. */
export function overRoomForBid(observation: VmObservation, most: Money): ReturnType<Rule> {
  const need = needOfVm(observation, { gpus: observation.spec.gpu.count, hourlyCost: most });
  const ready = whyNoRoom(observation, need);
  if (ready === undefined) return undefined;
  return heldBack(observation, need, { ...ready, message: `${ready.message} No bid within what is left wins now.` });
}

/** Whether the status says that room is waited for: while hosts are looked at again that goes on being so. */
export function saysNoRoom({ status }: VmObservation): boolean {
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  return ready !== undefined && roomReasons.has(ready.reason);
}
