import { conditionOf } from '../../api/conditions.ts';
import type { VmSpec } from '../../api/vm.ts';
import { annotations, finalizerName } from '../../api/group.ts';
import { keptIn, type KeptVms } from '../../api/unmanaged-vms.ts';
import type { Snapshot } from '../../fleet/contract.ts';
import { keyOf } from '../../kube/contract.ts';
import type { Indexed, ReadStore } from '../../kube/store.ts';
import { hasFinalizer } from '../../kube/finalizers.ts';
import type { Clock } from '../../lib/clock.ts';
import type {
  AccountView,
  AdoptionView,
  InputsView,
  Journal,
  SecretView,
  VmMeta,
  VmObservation,
  VmTimings,
} from '../../plan/vm/observation.ts';
import { holdBySchedule } from '../../plan/vm/clockwork.ts';
import { forgottenLaunch, isEmptied } from '../../plan/vm/forgotten.ts';
import type { PowerHold } from '../../plan/vm/power-hold.ts';
import type { ServiceFact } from '../../plan/service/words.ts';
import { isNoted } from '../../plan/unmanaged/kept.ts';
import { provenList, type AccountRegistry } from '../accounts.ts';
import type { InputReader } from '../input-reader.ts';
import { markedVmsOf, unretired } from '../marks.ts';
import { decodeSecret, qualifiedKey, type CustomObject, type SecretObject } from '../objects.ts';
import type { Prober } from '../prober.ts';
import type { Ledger } from '../spending/ledger.ts';
import type { VmOwners } from '../vm-owners.ts';
import { vmKindOf, vmKinds } from './kinds.ts';
import type { VmMemory } from './memory.ts';
import { spreadOf, type SpreadDeps } from './spread.ts';
import { parseVm, type ParsedVm } from './parse.ts';

export interface ObserveDeps {
  readonly clock: Clock;
  readonly installation: string;
  readonly timings: VmTimings;
  readonly store: ReadStore<CustomObject>;
  /** Resources of all kinds that stand for one VM, by `uid`. */
  readonly vms: Indexed<CustomObject>;
  readonly accountsStore: ReadStore<CustomObject>;
  readonly secrets: ReadStore<SecretObject>;
  readonly accounts: AccountRegistry;
  readonly inputs: InputReader;
  readonly prober: Prober;
  /** What is to be said of the Service of a resource, by its key among all kinds. */
  readonly services: { fact(key: string, uid: string): ServiceFact | undefined };
  readonly owners: VmOwners;
  readonly ledger: Pick<Ledger, 'viewFor' | 'holdsOn'>;
  readonly spread: SpreadDeps;
}

/** What the spec refers to. Rejects when the API server does. */
export function readInputs(deps: ObserveDeps, object: CustomObject): Promise<InputsView> {
  return deps.inputs.resolve(object.metadata.namespace ?? '', parseVm(object).spec);
}

/**
 * Gathers everything that a decision about this resource may depend on. Not asynchronous, and nothing may be awaited
 * between here and the reservation of what was chosen: of two launches that look at the inventory in the same moment
 * the second has to see what the first has taken.
 */
export function observeVm(
  deps: ObserveDeps,
  object: CustomObject,
  memory: VmMemory,
  inputs: InputsView,
): VmObservation {
  const parsed = parseVm(object);
  const { spec, status } = parsed;
  const meta = metaOf(object);
  const journal = journalOf(deps, { parsed, meta }, memory);
  const account = accountView(deps, spec.accountName, meta.namespace);
  const snapshot = account.kind === 'ready' ? account.snapshot : undefined;
  const now = deps.clock.now();
  memory.noteJournal(journal, now);
  if (meta.deleting) memory.noteDeletion(now);
  if (snapshot !== undefined) memory.noteListing(snapshot, journal, deps.timings);
  const runtime = deps.accounts.runtime(spec.accountName);
  if (runtime !== undefined) memory.noteCredentials(runtime.credentialsSince);
  memory.noteOutbidTimes(journal.spot?.outbidTimes ?? [], now);
  if (snapshot !== undefined) noteRunning(memory, journal, snapshot);
  const key = keyAmongKinds(object);
  return {
    now,
    installation: deps.installation,
    timings: deps.timings,
    meta,
    specProblem: parsed.problem,
    isStatusDamaged: parsed.isStatusDamaged,
    spec,
    holds: [...deps.ledger.holdsOn(object), ...holdsOf(spec, now)],
    spot: parsed.spot,
    status,
    journal,
    account,
    spend: deps.ledger.viewFor(object),
    marked: snapshot === undefined ? [] : unretired(markedVmsOf(snapshot, deps.installation, meta.uid), journal),
    inputs,
    secret: secretView(deps, object, memory),
    adoption: adoptionView(object),
    rivals: {
      isAlive: (uid) => deps.vms.byIndex('uid', uid).length > 0,
      adopterOf: (vmId) => deps.owners.adopterOf(vmId, meta.uid),
    },
    isKeptNoted: (ids) => isNoted(keptVmsOf(deps, spec.accountName), meta.uid, ids),
    isFull: spreadOf(deps.spread, object, account),
    facts: { ...memory.facts(deps.prober.fact(key), journal.vm?.id), service: deps.services.fact(key, meta.uid) },
  };
}

function keptVmsOf({ accountsStore }: ObserveDeps, account: string): KeptVms[] {
  return keptIn(accountsStore.get(account)?.status);
}

function holdsOf(spec: VmSpec, now: number): PowerHold[] {
  const hold = holdBySchedule(spec, now);
  return hold === undefined ? [] : [hold];
}

/** What is known of deployments; where the status was emptied, that nothing is. */
function journalOf(
  { installation, clock }: ObserveDeps,
  { parsed, meta }: { readonly parsed: ParsedVm; readonly meta: VmMeta },
  memory: VmMemory,
): Journal {
  const journal = memory.journalOver(parsed.status);
  const isTold = conditionOf(parsed.status.conditions, 'Launched') !== undefined;
  const { isNew } = memory.noteOrigin(journal, { hasFinalizer: meta.hasFinalizer, isTold });
  const isKnown = journal.vm !== undefined || journal.launch !== undefined;
  if (isKnown || isNew || parsed.isStatusDamaged || !isEmptied(parsed.status)) return journal;
  return { launch: forgottenLaunch({ installation, uid: meta.uid, now: clock.now() }) };
}

function noteRunning(memory: VmMemory, { vm }: Journal, { byId, requestedAt }: Snapshot): void {
  if (vm === undefined || byId.get(vm.id)?.state !== 'running') return;
  memory.noteRunning(vm.id, requestedAt);
  if (vm.capacity === 'Spot') memory.bidding.noteRunning();
}

function metaOf(object: CustomObject): VmMeta {
  const { metadata } = object;
  const annotation = (name: string): string | undefined => metadata.annotations?.[name];
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid,
    generation: metadata.generation,
    createdAt: createdAtOf(metadata.creationTimestamp),
    deleting: metadata.deletionTimestamp !== undefined,
    hasFinalizer: hasFinalizer(object, finalizerName),
    paused: annotation(annotations.paused) === 'true',
    abandoned: annotation(annotations.abandon) === 'true',
    reconcileRequestedAt: annotation(annotations.reconcileRequestedAt),
  };
}

function createdAtOf(timestamp: string | undefined): number | undefined {
  const ms = timestamp === undefined ? NaN : Date.parse(timestamp);
  return Number.isNaN(ms) ? undefined : ms;
}

function accountView({ accounts, accountsStore }: ObserveDeps, name: string, namespace: string): AccountView {
  const object = accountsStore.get(name);
  if (object === undefined) return { kind: 'missing' };
  const state = accounts.state(name);
  if (state === undefined) {
    return { kind: 'notReady', reason: 'CredentialsUnknown', message: 'the operator has just seen it.' };
  }
  if (state.kind === 'notReady') return state;
  const { provider, fleet, keyFingerprint, suspicions } = state.runtime;
  return {
    kind: 'ready',
    keyFingerprint,
    capabilities: provider.capabilities,
    snapshot: provenList(object, state.runtime),
    pollFailure: fleet.pollFailure,
    offers: {
      hosts: fleet.offers.hosts,
      fresh: fleet.offers.isFresh(),
      failure: fleet.offers.failure,
      coolingDownUntil: (hostnode) =>
        fleet.offers.coolingDownUntil(hostnode) ?? suspicions.closedUntil(namespace, hostnode),
    },
    instants: {
      vms: fleet.instants.vms,
      fresh: fleet.instants.isFresh(),
      failure: fleet.instants.failure,
      coolingDownUntil: (id) => fleet.instants.coolingDownUntil(id) ?? suspicions.closedUntil(namespace, id),
    },
    bids: fleet.bids,
  };
}

function secretView(deps: ObserveDeps, object: CustomObject, memory: VmMemory): SecretView {
  const { secrets, clock, timings } = deps;
  const { metadata } = object;
  const name = connectionSecretName(metadata.name);
  const secret = secrets.get(`${metadata.namespace ?? ''}/${name}`);
  const isForeign = memory.sawForeignSecretSince(clock.now() - timings.retryMs);
  if (secret === undefined) return { name, state: isForeign ? 'foreign' : 'absent', uid: undefined, data: {} };
  const { uid } = secret.metadata;
  if (!isOwnedBy(secret, metadata.uid))
    return { name, state: isForeign ? 'foreign' : stateOfOther(deps, secret, object), uid, data: {} };
  const keys = Object.keys(secret.data ?? {});
  const data = Object.fromEntries(keys.map((key) => [key, decodeSecret(secret, key) ?? '']));
  return { name, state: 'ours', uid, data };
}

function isOwnedBy(secret: SecretObject, uid: string): boolean {
  return secret.metadata.ownerReferences?.some((owner) => owner.uid === uid) === true;
}

/**
 * One name stands for one resource of a kind at a time: an owner of our name and another UID is gone. One of another kind is
 * gone as far as is known here; whoever deletes its Secret asks first.
 */
function stateOfOther({ vms }: ObserveDeps, secret: SecretObject, object: CustomObject): 'leftover' | 'foreign' {
  const owners = secret.metadata.ownerReferences ?? [];
  const { type: own } = vmKindOf(object);
  const isGone = ({ kind, name, uid }: { kind: string; name: string; uid: string }): boolean =>
    name === object.metadata.name &&
    (kind === own.kind || (vmKinds.some(({ type }) => type.kind === kind) && vms.byIndex('uid', uid).length === 0));
  const isLeftover = owners.length > 0 && owners.every(isGone);
  return isLeftover ? 'leftover' : 'foreign';
}

/** Key of a resource among all kinds: "SpotVm/research/sweep". */
export function keyAmongKinds(object: CustomObject): string {
  return qualifiedKey(vmKindOf(object).type.kind, keyOf(object.metadata));
}

export function connectionSecretName(vmName: string): string {
  return `${vmName}-connection`;
}

function adoptionView({ metadata }: CustomObject): AdoptionView | undefined {
  const vmId = metadata.annotations?.[annotations.adopt];
  return vmId === undefined ? undefined : { vmId };
}
