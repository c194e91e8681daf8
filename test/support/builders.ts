import { gpuVmSpecSchema, type GpuVmSpec } from '../../src/api/gpu-vm.ts';
import { vmNameOf } from '../../src/api/vm-name.ts';
import type { Launch, RecordedVm, RetiringVm } from '../../src/api/vm-status.ts';
import { markedVmsOf, unretired } from '../../src/controllers/marks.ts';
import type { KnownBids, Snapshot } from '../../src/fleet/contract.ts';
import { money } from '../../src/lib/money.ts';
import { unlimited } from '../../src/plan/budget/spending.ts';
import {
  noBidding,
  noFacts,
  type BiddingFact,
  type BidsView,
  type InstantsView,
  type OffersView,
  type ReadyAccount,
  type RivalsView,
  type VmObservation,
  type Confirmation,
} from '../../src/plan/vm/observation.ts';
import type { InstantVm } from '../../src/provider/instant.ts';
import type { PowerHold } from '../../src/plan/vm/power-hold.ts';
import type { SpotTerms } from '../../src/plan/vm/spot-terms.ts';
import type { CloudVm, Host, HostGpu, ProviderCapabilities, VmPrice, VmSize } from '../../src/provider/contract.ts';

/** Builders that are valid by default: a test names only what it is about. */

/** The moment at which everything in these observations happens. */
export const now = Date.UTC(2026, 5, 1, 12);
export const second = 1000;
export const minute = 60 * second;
export const installation = '1a2b3c4d';
export const keyFingerprint = 'abcdef012345';
export const uid = '0f8e6c1d-e2b9-4a3f-9c5d-7e8f01234567';

export const timings = {
  absenceProofMs: minute,
  callTimeoutMs: 45 * second,
  intentFreshMs: 10 * second,
  retryMs: 30 * second,
  launchBackoff: { baseMs: 5 * second, maxMs: 5 * minute },
  callBackoff: { baseMs: 5 * second, maxMs: 5 * minute },
  transitionMs: 15 * minute,
} as const;

export const capabilities: ProviderCapabilities = {
  name: 'a provider of the tests',
  maxNameLength: 60,
  choosesExternalPorts: true,
  modifyNeedsStop: true,
  vcpuStep: 2,
  memoryStepGB: 2,
  minStorageGB: (operatingSystem) => (operatingSystem.startsWith('Windows') ? 90 : 20),
  lateEffectMs: 2 * minute,
  bids: true,
  instantVms: true,
};

const size: VmSize = { gpuModel: 'a4000', gpuCount: 1, vcpus: 4, memoryGB: 16, storageGB: 100 };

/** RFC 3339 of a moment so many milliseconds before `now`. */
export function ago(ms: number): string {
  return new Date(now - ms).toISOString();
}

/** The spec as the API server would store it, defaults filled in. */
export function specOf(changes: object = {}): GpuVmSpec {
  return gpuVmSpecSchema.parse({
    gpu: { models: [size.gpuModel], count: 1 },
    vcpus: size.vcpus,
    memoryGB: size.memoryGB,
    storageGB: size.storageGB,
    ...changes,
  });
}

/** What the provider said of VMs that it was asked for by id, as the facts have it. */
export function answersOf(...answers: readonly Confirmation[]): ReadonlyMap<string, Confirmation> {
  return new Map(answers.map((answer) => [answer.vmId, answer]));
}

export function sizeOf(changes: Partial<VmSize> = {}): VmSize {
  return { ...size, ...changes };
}

export function priceOf(total: string, storage = '0.01'): VmPrice {
  return { total: money(total), storage: money(storage), compute: money(total).minus(storage) };
}

export function gpuOf(model: string, available = 4, price = '0.15'): HostGpu {
  return { model, available, price: money(price), vramGB: 16 };
}

/** A host with room for a few VMs of the default size, at 0.15 + 4 × 0.003 + 16 × 0.002 + 100 × 0.00005 = $0.199. */
export function hostOf(id: string, changes: Partial<Host> = {}): Host {
  return {
    id,
    location: { city: 'Winnipeg', region: 'Manitoba', country: 'Canada' },
    online: true,
    listed: true,
    uptimePercent: 99.5,
    gpus: [gpuOf(size.gpuModel)],
    vcpus: { available: 32, price: money('0.003') },
    memoryGB: { available: 128, price: money('0.002') },
    storageGB: { available: 1000, price: money('0.00005') },
    freePorts: [30_001, 30_002, 30_003],
    dedicatedIp: false,
    restrictions: new Map(),
    ...changes,
  };
}

export function markedName(attempt: number, owner = uid): string {
  return vmNameOf({ installation, uid: owner, attempt });
}

/** A VM of the default size that runs and carries the mark of the default resource. */
export function cloudVm(id: string, changes: Partial<CloudVm> = {}): CloudVm {
  return {
    id,
    name: markedName(1),
    state: 'running',
    providerStatus: 'Running',
    type: 'ondemand',
    size,
    operatingSystem: 'Ubuntu 22.04 LTS',
    hostnode: 'host-1',
    location: { city: 'Winnipeg', region: 'Manitoba', country: 'Canada' },
    address: '203.0.113.10',
    user: 'user',
    portForwards: [{ external: 30_001, internal: 22 }],
    price: priceOf('0.199'),
    createdAt: now - 10 * minute,
    ...changes,
  };
}

export function snapshotOf(vms: readonly CloudVm[], changes: Partial<Snapshot> = {}): Snapshot {
  return {
    sequence: 1,
    requestedAt: now - second,
    receivedAt: now - second,
    askedAs: keyFingerprint,
    byId: new Map(vms.map((vm) => [vm.id, vm])),
    byName: Map.groupBy(vms, ({ name }) => name),
    unreadable: new Set(),
    unreadableNames: new Map(),
    distrusted: undefined,
    ...changes,
  };
}

export function offersOf(hosts: readonly Host[] | undefined, changes: Partial<OffersView> = {}): OffersView {
  return { hosts, fresh: true, failure: undefined, coolingDownUntil: () => undefined, ...changes };
}

/** A ready-made VM that is as the default spec asks for. */
export function instantOf(id: string, changes: Partial<InstantVm> = {}): InstantVm {
  return {
    ...{ id, hostnode: 'host-1', size: sizeOf(), operatingSystem: 'Ubuntu 22.04 LTS', price: priceOf('0.199') },
    location: { city: 'Winnipeg', region: 'Manitoba', country: 'Canada' },
    uptimePercent: 99.5,
    ...changes,
  };
}

export function instantsOf(vms: readonly InstantVm[] | undefined, changes: Partial<InstantsView> = {}): InstantsView {
  return { vms, fresh: true, failure: undefined, coolingDownUntil: () => undefined, ...changes };
}

export function accountOf(changes: Partial<ReadyAccount> = {}): ReadyAccount {
  return {
    kind: 'ready',
    keyFingerprint,
    capabilities,
    snapshot: snapshotOf([]),
    pollFailure: undefined,
    offers: offersOf([hostOf('host-1')]),
    instants: instantsOf([]),
    bids: { known: () => ({ isBeingAsked: false }) },
    ...changes,
  };
}

/** A deployment that went well ten minutes ago. */
export function launchOf(changes: Partial<Launch> = {}): Launch {
  return {
    attempt: 1,
    name: markedName(1),
    hostnode: 'host-1',
    gpuModel: size.gpuModel,
    quotedHourlyPrice: '0.199',
    intentAt: ago(10 * minute),
    outcome: 'Launched',
    endedAt: ago(10 * minute - second),
    failures: 0,
    ...changes,
  };
}

export function recordedVm(id: string, changes: Partial<RecordedVm> = {}): RecordedVm {
  return {
    id,
    name: markedName(1),
    ownerUid: uid,
    recordedAt: ago(9 * minute),
    applied: size,
    hostnode: 'host-1',
    providerStatus: 'Running',
    ...changes,
  };
}

/** A cluster in which no other resource has anything to do with any VM. */
export const noRivals: RivalsView = { isAlive: () => false, adopterOf: () => 'nobody' };

/** Everything of an observation; parts that are objects may be given in part. `vms` is what the list has. */
export type Seen = Partial<Omit<VmObservation, 'meta' | 'facts' | 'spec' | 'marked'>> & {
  readonly meta?: Partial<VmObservation['meta']>;
  readonly facts?: Partial<VmObservation['facts']>;
  readonly spec?: object;
  readonly vms?: readonly CloudVm[];
  readonly listed?: Partial<Snapshot>;
};

/** A new resource, before its first deployment, with nothing in the way. */
export function observe(seen: Seen = {}): VmObservation {
  const { meta, facts, spec, vms, listed, ...rest } = seen;
  const account = rest.account ?? accountOf({ snapshot: snapshotOf(vms ?? [], listed) });
  const snapshot = account.kind === 'ready' ? account.snapshot : undefined;
  return {
    now,
    installation,
    timings,
    meta: {
      namespace: 'research',
      name: 'trainer',
      uid,
      generation: 3,
      createdAt: now - 20 * minute,
      deleting: false,
      hasFinalizer: true,
      paused: false,
      abandoned: false,
      reconcileRequestedAt: undefined,
      ...meta,
    },
    specProblem: undefined,
    isStatusDamaged: false,
    spend: unlimited,
    spec: specOf(spec),
    holds: [],
    spot: undefined,
    status: {},
    journal: {},
    inputs: { kind: 'resolved', sshKey: undefined, password: undefined, cloudInit: undefined },
    secret: { name: 'trainer-connection', state: 'ours', uid: 'secret-1', data: { password: 'kept-password' } },
    adoption: undefined,
    rivals: noRivals,
    isKeptNoted: () => true,
    ...rest,
    account,
    marked: snapshot === undefined ? [] : unretired(markedVmsOf(snapshot, installation, uid), rest.journal ?? {}),
    facts: {
      ...noFacts,
      launchSeenAt: seenAtOf(rest.journal?.launch),
      vmSeenAt: rest.journal?.vm === undefined ? undefined : Date.parse(rest.journal.vm.recordedAt),
      vmRanAt: rest.journal?.vm === undefined ? undefined : now - 2 * minute,
      deletionSeenAt: meta?.deleting === true ? now - minute : undefined,
      ...facts,
    },
  };
}

/** As a process sees it that wrote the journal itself. */
function seenAtOf(launch: Launch | undefined): number | undefined {
  return launch === undefined ? undefined : Date.parse(launch.endedAt ?? launch.intentAt);
}

/** A resource whose VM runs as it should and is published in its Secret. */
export function observeRunning(seen: Seen = {}): VmObservation {
  return observe({
    vms: [cloudVm('vm-1')],
    journal: { vm: recordedVm('vm-1'), launch: launchOf() },
    secret: {
      name: 'trainer-connection',
      state: 'ours',
      uid: 'secret-1',
      data: {
        password: 'kept-password',
        host: '203.0.113.10',
        user: 'user',
        port: '30001',
        'port-ssh': '30001',
        ssh_config: 'Host trainer\n  HostName 203.0.113.10\n  Port 30001\n  User user\n',
      },
    },
    ...seen,
  });
}

/** A bid of 10 to 30 cents, for a VM that is only waited for when it is outbid. */
export function spotTerms(changes: Partial<SpotTerms> = {}): SpotTerms {
  return {
    price: money('0.10'),
    maxPrice: money('0.30'),
    onOutbid: 'Wait',
    retentionMs: 60 * minute,
    returnAfterMs: undefined,
    outbidLimit: { count: 5, windowMs: 60 * minute },
    ...changes,
  };
}

/** What hosts have said about bids, by the id of the host. */
export function bidsOf(known: Readonly<Record<string, Partial<KnownBids>>> = {}): BidsView {
  return { known: (hostnode) => ({ isBeingAsked: false, ...known[hostnode] }) };
}

export function biddingOf(changes: Partial<BiddingFact> = {}): BiddingFact {
  return { ...noBidding, ...changes };
}

/** A VM whose schedule keeps it released. */
export function holdOf(changes: Partial<PowerHold> = {}): PowerHold {
  const message = 'By spec.schedule the VM does not run before 2026-06-01T18:00:00Z.';
  return { powerState: 'Released', reason: 'OffHours', message, ...changes };
}

/** A VM that was replaced an hour ago, by one that has only just begun to run. */
export function retiringVm(id: string, changes: Partial<RetiringVm> = {}): RetiringVm {
  return {
    ...recordedVm(id, { capacity: 'Spot', bid: '0.10' }),
    retiredAt: ago(60 * minute),
    replacedAt: ago(second),
    ...changes,
  };
}

/** The VM of a SpotVm, as the list has it; its price is its bid of ten cents, and storage. */
export function spotCloudVm(id: string, changes: Partial<CloudVm> = {}): CloudVm {
  return cloudVm(id, { type: 'spot', price: priceOf('0.11'), ...changes });
}

/** A SpotVm whose VM runs by a bid of ten cents. */
export function observeSpot(seen: Seen = {}): VmObservation {
  return observeRunning({
    spot: spotTerms(),
    vms: [spotCloudVm('vm-1')],
    journal: {
      vm: recordedVm('vm-1', { capacity: 'Spot', bid: '0.10' }),
      launch: launchOf({ capacity: 'Spot', bid: '0.10' }),
    },
    ...seen,
  });
}

/** The same VM, outbid, which the status has counted already. */
export function observeOutbid(seen: Seen = {}): VmObservation {
  const vm = recordedVm('vm-1', { capacity: 'Spot', bid: '0.10', outbidSince: ago(minute) });
  return observeSpot({
    vms: [spotCloudVm('vm-1', { state: 'outbid', providerStatus: 'Outbid' })],
    journal: {
      vm,
      launch: launchOf({ capacity: 'Spot', bid: '0.10' }),
      spot: { outbidCount: 1, outbidTimes: [ago(minute)] },
    },
    ...seen,
  });
}
