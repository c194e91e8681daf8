import { conditionOf, mergeConditions, type Condition, type ConditionDraft } from '../../api/conditions.ts';
import { fitted } from '../../api/fitted.ts';
import { spotVmStatusSchema } from '../../api/spot-vm.ts';
import type { VmStatus } from '../../api/vm.ts';
import type { Market, RecordedVm, RetiringVm } from '../../api/vm-status.ts';
import type { Reason } from '../../api/reasons.ts';
import { toPreciseTimestamp, toTimestamp } from '../../lib/clock.ts';
import { compact } from '../../lib/compact.ts';
import { formatMoney, parseMoney } from '../../lib/money.ts';
import { billedNow, type CloudVm, type VmPrice } from '../../provider/contract.ts';
import { publishedDrafts, shownServiceName } from '../service/words.ts';
import { nextEvent } from './clockwork.ts';
import { sshCommand } from './connection.ts';
import { dueAt, whyNotDeleted } from './retirement.ts';
import type { VmObservation } from './observation.ts';
import { externalPortOf } from '../ports.ts';
import { liveVm, ownershipOfRecord } from './ownership.ts';
import { isToRunNow } from './power-hold.ts';
import { knownPrice, mayShowPrice, priceHold } from './price-check.ts';
import { assessSize } from './size.ts';
import { ready, type ReadyDraft, type Verdict } from './verdict.ts';

/**
 * The whole status that follows from what was seen and decided. Pure, and made anew each time: nothing in it is a
 * memory but the journal, the transition times and what `keep` keeps.
 */
export function statusOfVm(observation: VmObservation, verdict: Verdict): VmStatus {
  const { status, meta, journal, secret } = observation;
  const vm = liveVm(observation);
  const phase = verdict.phase === 'keep' ? keptPhase(observation) : verdict.phase;
  const made: VmStatus = compact({
    observedGeneration: meta.generation,
    lastHandledReconcileAt: meta.reconcileRequestedAt,
    phase,
    conditions: conditions(observation, verdict),
    vm: journal.vm === undefined ? undefined : compact({ ...journal.vm, ...seenOf(vm, observation) }),
    launch: journal.launch,
    resize: journal.resize,
    retiring: shownRetiring(observation),
    spot: shownSpot(observation, vm),
    nextEvent: nextEvent(observation),
    connectionSecretName: secret.state === 'ours' ? secret.name : undefined,
    serviceName: shownServiceName(observation.spec.service, observation.facts.service, status),
    ...(vm === undefined ? shownBefore(observation) : shownNow(observation, vm)),
  });
  return fitted(spotVmStatusSchema, made);
}

/**
 * The VM that the status speaks of and the journal has no more: the write that was to tell of its end failed, and what was said
 * of the VM must not outlive it.
 */
function vmThatIsGone({ status: { vm }, journal, meta }: VmObservation): VmStatus['vm'] {
  if (vm === undefined || journal.vm !== undefined) return undefined;
  // A record that was copied from another resource was never of a VM of this one.
  const isOurs = vm.ownerUid === undefined || vm.ownerUid === meta.uid;
  const isRetiring = journal.retiring?.some(({ id }) => id === vm.id) === true;
  return isOurs && !isRetiring ? vm : undefined;
}

function keptPhase(observation: VmObservation): NonNullable<VmStatus['phase']> {
  const { status, journal } = observation;
  if (vmThatIsGone(observation) === undefined) return status.phase ?? 'Pending';
  return journal.launch === undefined || journal.launch.outcome === 'Lost' ? 'Lost' : 'Pending';
}

function readyOfVmThatIsGone(observation: VmObservation): ReadyDraft | undefined {
  const gone = vmThatIsGone(observation);
  return gone === undefined ? undefined : ready('False', 'VmLost', `VM ${gone.id} is gone.`);
}

function seenOf(vm: CloudVm | undefined, { status, journal }: VmObservation): object {
  if (vm === undefined) {
    return { providerStatus: status.vm?.providerStatus, createdAt: status.vm?.createdAt };
  }
  return {
    hostnode: vm.hostnode,
    providerStatus: vm.providerStatus,
    createdAt: vm.createdAt === undefined ? undefined : toTimestamp(vm.createdAt),
    ...bidSeen(vm, journal.vm),
  };
}

/** Of one that was adopted, or found again, while the list had no price of it. What it costs without storage is its bid. */
function bidSeen({ price }: CloudVm, recorded: RecordedVm | undefined): { readonly bid?: string } {
  const isKnown = recorded?.capacity !== 'Spot' || recorded.bid !== undefined;
  return isKnown || price === undefined ? {} : { bid: formatMoney(price.compute) };
}

/** What is on its way out, with what it still costs. */
function shownRetiring(observation: VmObservation): VmStatus['retiring'] {
  const { journal, account } = observation;
  const snapshot = account.kind === 'ready' ? account.snapshot : undefined;
  if (journal.retiring === undefined || journal.retiring.length === 0) return undefined;
  return journal.retiring.map((retiring) => {
    const vm = snapshot?.byId.get(retiring.id);
    const cost = vm === undefined ? undefined : billedNow(vm);
    return compact({
      ...retiring,
      providerStatus: vm?.providerStatus ?? retiring.providerStatus,
      billedNow: cost === undefined ? retiring.billedNow : formatMoney(cost),
      keepUntil: keptUntil(observation, retiring),
      message: whyNotDeleted(observation, retiring.id),
    });
  });
}

function keptUntil(observation: VmObservation, retiring: RetiringVm): string | undefined {
  const at = dueAt(observation, retiring);
  return at === undefined ? undefined : toPreciseTimestamp(at);
}

function shownSpot(observation: VmObservation, vm: CloudVm | undefined): VmStatus['spot'] {
  const { spot, journal } = observation;
  if (spot === undefined) return undefined;
  const history = journal.spot ?? { outbidCount: 0, outbidTimes: [] };
  const searching = journal.vm === undefined && isToRunNow(observation) ? 'Searching' : undefined;
  return compact({ ...history, market: marketOf(journal, vm) ?? searching });
}

function marketOf({ vm: recorded }: VmObservation['journal'], vm: CloudVm | undefined): Market | undefined {
  if (recorded === undefined) return undefined;
  if (recorded.capacity === 'OnDemand') return 'OnDemand';
  if (recorded.outbidSince !== undefined) return 'Outbid';
  return vm?.state === 'running' ? 'Winning' : undefined;
}

type Shown = Pick<VmStatus, 'gpu' | 'size' | 'location' | 'address' | 'user' | 'ports' | 'ssh' | 'hourlyPrice'>;

/** While the VM cannot be seen, what was seen last stands as long as it is recorded. */
function shownBefore({ journal, status }: VmObservation): Shown {
  if (journal.vm === undefined) return {};
  const { gpu, size, location, address, user, ports, ssh, hourlyPrice } = status;
  return compact({ gpu, size, location, address, user, ports, ssh, hourlyPrice });
}

function shownNow(observation: VmObservation, vm: CloudVm): Shown {
  const ports = observation.spec.ports.flatMap(({ name, internal }) => {
    const external = externalPortOf(vm, internal);
    return external === undefined ? [] : [{ name, internal, external }];
  });
  const place = [vm.location.city, vm.location.country].filter((part) => part !== undefined && part !== '');
  return compact({
    gpu: `${vm.size.gpuCount}x ${vm.size.gpuModel}`,
    size: { ...vm.size },
    location: place.length === 0 ? undefined : place.join(', '),
    address: vm.address,
    user: vm.user,
    ports: ports.length === 0 ? undefined : ports,
    ssh: vm.state === 'running' ? sshCommand(vm) : undefined,
    hourlyPrice: shownPrice(observation, vm),
  });
}

/** A price that a list once had stands while lists have none. */
function shownPrice(observation: VmObservation, vm: CloudVm): VmStatus['hourlyPrice'] {
  const price = vm.price ?? priceIn(knownPrice(observation));
  if (price === undefined || !mayShowPrice(observation)) return undefined;
  return compact({
    running: formatMoney(price.total),
    storage: price.storage === undefined ? undefined : formatMoney(price.storage),
    billedNow: formatMoney(billedNow({ state: vm.state, price }) ?? price.total),
  });
}

function priceIn(shown: VmStatus['hourlyPrice']): VmPrice | undefined {
  if (shown === undefined) return undefined;
  const total = parseMoney(shown.running);
  const storage = shown.storage === undefined ? undefined : parseMoney(shown.storage);
  return total === undefined ? undefined : { total, storage, compute: total.minus(storage ?? 0) };
}

function conditions(observation: VmObservation, verdict: Verdict): Condition[] {
  const { status, meta, now } = observation;
  const before = status.conditions ?? [];
  const readyDraft = verdict.ready === 'keep' ? (readyOfVmThatIsGone(observation) ?? keptReady(before)) : verdict.ready;
  const drafts: ConditionDraft[] = [
    { type: 'Ready', ...readyDraft },
    { type: 'Synced', ...(verdict.synced ?? ready('True', 'ReconcileSuccess', 'The last reconcile went through.')) },
    launched(observation),
    ...(verdict.extra ?? keptReachable(observation, before)),
    ...upToDate(observation),
    ...publishedDrafts(observation.spec.service, observation.facts.service, before),
    ...progress(readyDraft, verdict),
  ];
  return mergeConditions(before, drafts, { now, generation: meta.generation });
}

/** The status after a reconcile that failed: all that it says stands, but for the claim that the last reconcile went through. */
export function statusAfterFailure(
  status: VmStatus,
  failure: { readonly message: string; readonly now: number; readonly generation: number | undefined },
): VmStatus {
  const { message, now } = failure;
  const before = status.conditions ?? [];
  // Where somebody has taken it out, the conditions know what they were said of.
  const generation =
    status.observedGeneration ?? conditionOf(before, 'Ready')?.observedGeneration ?? failure.generation;
  const first: ConditionDraft = { type: 'Ready', ...keptReady(before) };
  const synced: ConditionDraft = { type: 'Synced', status: 'False', reason: 'ReconcileFailed', message };
  const drafts = conditionOf(before, 'Ready') === undefined ? [first, synced] : [synced];
  const said = mergeConditions(before, drafts, { now, generation });
  const others = before.filter(({ type }) => !said.some((condition) => condition.type === type));
  return compact({ ...status, observedGeneration: generation, conditions: [...others, ...said] });
}

function keptReady(before: readonly Condition[]): ReadyDraft {
  const old = conditionOf(before, 'Ready');
  if (old === undefined) return ready('Unknown', 'Pending', 'Nothing has been decided yet.');
  return { status: old.status, reason: old.reason as Reason, message: old.message };
}

/** Reachable says something of a VM that runs; while it is only not seen, what was said stands. */
function keptReachable({ spec, journal }: VmObservation, before: readonly Condition[]): ConditionDraft[] {
  if (spec.readinessProbe === undefined) return [];
  const old = conditionOf(before, 'Reachable');
  if (journal.vm !== undefined && old !== undefined) {
    return [{ type: 'Reachable', status: old.status, reason: old.reason as Reason, message: old.message }];
  }
  return [{ type: 'Reachable', status: 'Unknown', reason: 'ProbePending', message: 'The VM has not been probed yet.' }];
}

function launched(observation: VmObservation): ConditionDraft {
  const { vm, launch } = observation.journal;
  if (vm !== undefined) {
    const { kind } = ownershipOfRecord(observation) ?? {};
    const isOpen = kind === 'doubtful' || kind === 'contested';
    return isOpen
      ? launchedDraft('Unknown', 'VmNotOurs', `Whether VM ${vm.id} is this resource's is not known.`)
      : launchedDraft('True', 'VmExists', `The provider has made VM ${vm.id}.`);
  }
  switch (launch?.outcome) {
    case undefined:
      return launchedDraft('Unknown', 'NotLaunched', 'No VM has been made yet.');
    case 'Pending':
    case 'Uncertain':
      return launchedDraft('Unknown', 'CreateUncertain', 'Whether there is a VM is not known.');
    default:
      return launchedDraft('False', 'NotLaunched', launch?.message ?? 'There is no VM.');
  }
}

function launchedDraft(status: Condition['status'], reason: Reason, message: string): ConditionDraft {
  return { type: 'Launched', status, reason, message };
}

function upToDate(observation: VmObservation): ConditionDraft[] {
  if (observation.journal.vm === undefined) return [];
  const hold = priceHold(observation);
  if (hold !== undefined) return [{ type: 'UpToDate', status: 'False', reason: 'ResizeOverPriceCap', message: hold }];
  const size = assessSize(observation);
  switch (size.kind) {
    case 'matches':
      return [
        {
          type: 'UpToDate',
          status: 'True',
          reason: 'SizeMatches',
          message:
            observation.journal.vm.instant === true
              ? 'The VM was taken ready-made, and has at least the size that the spec asks for.'
              : 'The VM has the size that the spec asks for.',
        },
      ];
    case 'resizable':
    case 'needsHosts':
      return [
        { type: 'UpToDate', status: 'False', reason: 'ResizePending', message: 'The VM is going to be resized.' },
      ];
    case 'blocked':
      return [{ type: 'UpToDate', status: 'False', reason: size.reason, message: size.message }];
    case 'drifted':
      return [{ type: 'UpToDate', status: 'False', reason: 'Drifted', message: size.message }];
  }
}

/** Reasons of a VM that does not run, as is asked for. */
const restful: ReadonlySet<Reason> = new Set<Reason>(['Stopped', 'Released', 'OffHours']);

/** kstatus: one of the two, and only while it is true. A VM that is stopped as asked is neither. */
function progress(readyDraft: ReadyDraft, verdict: Verdict): ConditionDraft[] {
  if (readyDraft.status === 'True') return [];
  if (verdict.stalled === true) {
    return [{ type: 'Stalled', status: 'True', reason: readyDraft.reason, message: readyDraft.message }];
  }
  if (restful.has(readyDraft.reason)) return [];
  return [{ type: 'Reconciling', status: 'True', reason: readyDraft.reason, message: readyDraft.message }];
}
