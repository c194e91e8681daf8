import type { GpuAccountStatus } from '../../api/gpu-account.ts';
import { annotations } from '../../api/group.ts';
import { keptIn, unmanagedIn, type KeptVms, type UnmanagedHold, type UnmanagedVm } from '../../api/unmanaged-vms.ts';
import { markOf } from '../../api/vm-name.ts';
import type { Snapshot } from '../../fleet/contract.ts';
import { provesAbsence } from '../../fleet/snapshot.ts';
import type { Indexed, ReadStore } from '../../kube/store.ts';
import type { Clock } from '../../lib/clock.ts';
import { parseDuration } from '../../lib/duration.ts';
import type { VmCounts } from '../../plan/account-status.ts';
import { judgeSweep, type Judged } from '../../plan/unmanaged/breaker.ts';
import { entriesOf, type SweepFacts, type Unowned } from '../../plan/unmanaged/entries.ts';
import { keptAfter } from '../../plan/unmanaged/kept.ts';
import { keepingIn, standingOf, whyKept, type Named, type Standing } from '../../plan/unmanaged/standing.ts';
import type { CloudVm } from '../../provider/contract.ts';
import type { AccountRegistry } from '../accounts.ts';
import type { CustomObject } from '../objects.ts';
import { parseAccount } from '../spending/books.ts';
import { resourceName } from '../vm/kinds.ts';
import type { VmOwners } from '../vm-owners.ts';
import type { Keepers } from './keepers.ts';
import type { SweepMemory, UnownedTimes } from './memory.ts';

export interface CensusDeps {
  readonly clock: Clock;
  readonly installation: string;
  /** Resources of all kinds that stand for one VM, by `uid`, by the `vm` that they record, and by the one that they want (`adopts`). */
  readonly vms: Indexed<CustomObject>;
  readonly owners: VmOwners;
  /** GpuAccounts, and what runs for them. */
  readonly store: ReadStore<CustomObject>;
  readonly accounts: AccountRegistry;
  readonly keepers: Keepers;
  readonly sweep: SweepMemory;
}

export type SweepPolicy = Pick<SweepFacts, 'policy' | 'graceMs'>;

/** All VMs of the organization, by whose they are. */
export interface Census {
  readonly list: Snapshot;
  readonly counts: VmCounts;
  readonly facts: SweepFacts;
  readonly entries: readonly UnmanagedVm[];
  readonly hold: UnmanagedHold | undefined;
}

const usualGraceMs = 3_600_000;

export function policyOf(account: CustomObject): SweepPolicy {
  const spec = parseAccount(account);
  const graceMs = parseDuration(spec?.unmanagedVmsGracePeriod ?? '') ?? usualGraceMs;
  if (spec?.unmanagedVms !== 'Delete') return { policy: 'Report', graceMs };
  return { policy: account.metadata.deletionTimestamp === undefined ? 'Delete' : 'hold', graceMs };
}

/** What the account is to have written down of VMs that are to be kept. */
export function keptBy(
  { keepers }: Pick<CensusDeps, 'keepers'>,
  account: CustomObject,
  list: Snapshot | undefined,
): KeptVms[] {
  const isListed = list !== undefined && provesAbsence(list) ? listedIn(list) : undefined;
  return keptAfter(keptIn(account.status), keepers.pending(account.metadata.name), isListed);
}

function listedIn({ byId, unreadable, unreadableNames }: Snapshot): (kept: KeptVms) => boolean {
  let uids: ReadonlySet<string | undefined> | undefined;
  // Of all VMs, and most accounts keep none.
  const uidsOfList = (): ReadonlySet<string | undefined> => {
    if (uids !== undefined) return uids;
    const names = [...[...byId.values()].map(({ name }) => name), ...unreadableNames.values()];
    uids = new Set(names.map((name) => markOf(name)?.uid));
    return uids;
  };
  return ({ uid, ids }) => uidsOfList().has(uid) || ids.some((id) => byId.has(id) || unreadable.has(id));
}

/** @param isComplete whether the stores have all that the API server has: only then does the grace period go on */
export function takeCensus(
  deps: CensusDeps,
  account: CustomObject,
  { list, isComplete }: { readonly list: Snapshot; readonly isComplete: boolean },
): Census {
  const before = unmanagedIn(account.status);
  const { times, attempts } = deps.sweep.of(account.metadata.name);
  const sorted = sortOut(deps, account, list);
  const { counts, unowned } = sorted;
  const policy = policyOf(account);
  const recordedMs = (id: string): number => 1000 * (before.find((entry) => entry.id === id)?.unownedSeconds ?? 0);
  const isCertain = isComplete && provesAbsence(list);
  if (policy.policy !== 'Delete') times.clear();
  else if (isCertain) noteUnowned(deps, times, { list, unowned, recordedMs });
  const judged = policy.policy === 'Delete' ? judge(deps, account, { ...sorted, isCertain }) : nothingHeld;
  const facts: SweepFacts = {
    ...{ now: deps.clock.now(), ...policy, before, list, unowned },
    seenMs: (id) => times.ms(id, recordedMs(id)),
    attempt: (id) => attempts.get(id),
    judged,
  };
  const entries = entriesOf(facts);
  attempts.keepOnly(new Set(entries.map(({ id }) => id)));
  return { list, counts, facts, entries, hold: judged.hold };
}

const nothingHeld: Judged = { hold: undefined, isConfirmed: () => false };

function judge(
  { sweep }: Pick<CensusDeps, 'sweep'>,
  { metadata, status }: CustomObject,
  seen: { readonly unowned: readonly Unowned[]; readonly owned: number; readonly isCertain: boolean },
): Judged {
  const before = unmanagedIn(status);
  const { unmanagedHold: stored } = (status ?? {}) as GpuAccountStatus;
  const { unowned, owned, isCertain } = seen;
  return judgeSweep({
    ...{ before, stored, owned, isCertain, marked: owned + unowned.length, isRestored: sweep.isRestored },
    pending: waiting(unowned).map(({ vm }) => vm.id),
    annotation: metadata.annotations?.[annotations.confirmUnmanaged],
  });
}

/** Those that go sooner or later. */
function waiting(unowned: readonly Unowned[]): Unowned[] {
  return unowned.filter(({ kept, claimant }) => kept === undefined && claimant === undefined);
}

/** Each VM by whose it is, and those without a resource. */
function sortOut(
  deps: CensusDeps,
  account: CustomObject,
  list: Snapshot,
): { readonly counts: VmCounts; readonly unowned: readonly Unowned[]; readonly owned: number } {
  const { keepVms, keptVms } = keepingIn([account, ...deps.store.list()]);
  const keeping = { keepVms, keptVms: [...keptBy(deps, account, list), ...keptVms, ...deps.keepers.all()] };
  const facts = { installation: deps.installation, isOwned: (vm: Named) => isOwned(deps, vm), keeping };
  const byStanding = Map.groupBy(list.byId.values(), (vm) => standingOf(vm, facts));
  const of = (standing: Standing): readonly CloudVm[] => byStanding.get(standing) ?? [];
  const unowned = [...of('unmanaged'), ...of('kept')].map((vm): Unowned => {
    return { vm, kept: whyKept(vm, keeping), claimant: claimantOf(deps, account.metadata.name, vm) };
  });
  const counts = {
    total: list.byId.size,
    managed: of('managed').length,
    unmanaged: of('unmanaged').length,
    kept: of('kept').length,
    foreign: of('foreign').length,
  };
  const isMarked = ({ name, state }: CloudVm): boolean =>
    state !== 'terminated' && markOf(name)?.installation === deps.installation;
  return { counts, unowned, owned: of('managed').filter(isMarked).length };
}

/** By its name, or by a resource that has taken it over. */
export function isOwned(
  { vms, owners, installation }: Pick<CensusDeps, 'vms' | 'owners' | 'installation'>,
  { id, name }: Named,
): boolean {
  const mark = markOf(name);
  const isMarked = mark?.installation === installation && vms.byIndex('uid', mark.uid).length > 0;
  return isMarked || owners.ownersOf(id).length > 0;
}

/**
 * A resource that is not its owner, or not yet, and must not lose it all the same; or another account that lists the same VM: of
 * two accounts of one organization nobody knows which of the two is to say what becomes of it.
 */
export function claimantOf(
  { vms, store, accounts }: Pick<CensusDeps, 'vms' | 'store' | 'accounts'>,
  account: string,
  { id, name }: Named,
): string | undefined {
  const [claimant] = [...vms.byIndex('vm', id), ...vms.byIndex('adopts', id)];
  if (claimant !== undefined) return resourceName(claimant);
  const other = store.list().find(({ metadata }) => {
    const list = accounts.runtime(metadata.name)?.fleet.snapshot;
    return metadata.name !== account && list?.byId.get(id)?.name === name;
  });
  return other === undefined ? undefined : `GpuAccount ${other.metadata.name}`;
}

function noteUnowned(
  { clock }: Pick<CensusDeps, 'clock'>,
  times: UnownedTimes,
  seen: { readonly list: Snapshot; readonly unowned: readonly Unowned[]; readonly recordedMs: (id: string) => number },
): void {
  const vms = waiting(seen.unowned).map(({ vm: { id, name } }) => ({ id, name, recordedMs: seen.recordedMs(id) }));
  times.note(vms, { now: clock.now(), requestedAt: seen.list.requestedAt });
}
