import { gpuAccountSpecSchema, type GpuAccountSpec, type GpuAccountStatus } from '../../api/gpu-account.ts';
import { unmanagedIn, type KeptVms, type UnmanagedVm } from '../../api/unmanaged-vms.ts';
import { markOf } from '../../api/vm-name.ts';
import type { Snapshot } from '../../fleet/contract.ts';
import { provesAbsence } from '../../fleet/snapshot.ts';
import { parseDuration } from '../../lib/duration.ts';
import type { CloudVm } from '../../provider/contract.ts';
import { mostAtOnce } from './breaker.ts';
import { claims, keepingIn, whyKept, type Claimant } from './standing.ts';

/** What the process itself knows of a VM that nobody owns, without asking the API server. */
export interface Known {
  readonly id: string;
  readonly installation: string;
  /** Whether the operator's own stores know of an owner. */
  readonly isOwned: boolean;
  /** The last list, and whose it is. */
  readonly list: Snapshot | undefined;
  readonly isListFailing: boolean;
  /** The API server has gone back in time since this process began. */
  readonly isRestored: boolean;
  /** Of the key that the call would carry. */
  readonly keyFingerprint: string;
}

/** What is looked at in the moment before a VM that nobody owns is deleted. Pure. */
export interface LastLook extends Known {
  /** UID of the account that the sweep is for. */
  readonly accountUid: string;
  /** The account as the API server has it now. */
  readonly account: AccountNow | undefined;
  /** All GpuAccounts, as the API server has them now. */
  readonly accounts: readonly Pick<AccountNow, 'spec' | 'status'>[];
  /** The resources of all kinds that stand for one VM, as the API server has them now, in all namespaces. */
  readonly resources: readonly Claimant[];
  /** What is to be kept, and not written down yet. */
  readonly pendingKept: readonly KeptVms[];
}

export interface AccountNow {
  readonly metadata: { readonly uid: string; readonly deletionTimestamp?: string | undefined };
  readonly spec?: unknown;
  readonly status?: object | undefined;
}

/** What was looked at, understood. */
interface Read extends LastLook {
  readonly spec: GpuAccountSpec | undefined;
  readonly status: GpuAccountStatus;
  /** What the account says of the VM, and of all such. */
  readonly entry: UnmanagedVm | undefined;
  readonly entries: readonly UnmanagedVm[];
  /** As the last list has it. */
  readonly vm: CloudVm | undefined;
}

/** What speaks against its deletion by what the process knows, before anybody else is asked; undefined: nothing. */
export function objectionBeforehand(known: Known): string | undefined {
  const vm = known.list?.byId.get(known.id);
  return firstOf(objectionsOfKnown, { ...known, vm });
}

/** Why the VM is not deleted now; undefined: nothing speaks against it. */
export function objectionTo(look: LastLook): string | undefined {
  const { account, list, id } = look;
  const spec = gpuAccountSpecSchema.safeParse(account?.spec).data;
  const entries = unmanagedIn(account?.status);
  const entry = entries.find((one) => one.id === id);
  const read: Read = { ...look, spec, status: account?.status ?? {}, entries, entry, vm: list?.byId.get(id) };
  return firstOf(objections, read);
}

type KnownRead = Known & Pick<Read, 'vm'>;
type Objection<R = Read> = (read: R) => string | undefined;

function firstOf<R>(all: readonly Objection<R>[], read: R): string | undefined {
  for (const objection of all) {
    const sentence = objection(read);
    if (sentence !== undefined) return sentence;
  }
  return undefined;
}

const accountIsGone: Objection = ({ account, accountUid }) =>
  account?.metadata.uid === accountUid ? undefined : 'the account is gone';

const accountIsGoing: Objection = ({ account }) =>
  account?.metadata.deletionTimestamp === undefined ? undefined : 'the account is being deleted';

const accountOnlyReports: Objection = ({ spec }) =>
  spec?.unmanagedVms === 'Delete' ? undefined : 'the account does not say Delete any more';

const organizationIsUnproven: Objection = ({ status, keyFingerprint }) =>
  status.organization?.keyFingerprint === keyFingerprint
    ? undefined
    : 'the credentials are not proven to be those of the organization';

const intentIsGone: Objection = ({ entry }) =>
  entry?.deletingSince === undefined ? 'the account does not say any more that it is to go' : undefined;

/** It may have been made longer meanwhile. What is written of a VM that goes is the whole period that it was seen so. */
const graceIsLonger: Objection = ({ entry, spec }) => {
  const graceMs = parseDuration(spec?.unmanagedVmsGracePeriod ?? '');
  const isOver = graceMs !== undefined && 1000 * (entry?.unownedSeconds ?? 0) >= graceMs;
  return isOver ? undefined : 'the grace period is not over';
};

const listIsMissing: Objection<KnownRead> = ({ list, isListFailing }) =>
  list === undefined || isListFailing ? 'there is no list of VMs at the moment' : undefined;

const listIsOfOthers: Objection<KnownRead> = ({ list, keyFingerprint }) =>
  list?.askedAs === keyFingerprint ? undefined : 'the list was got with other credentials';

const listIsDoubtful: Objection<KnownRead> = ({ list }) =>
  list === undefined || provesAbsence(list) ? undefined : 'the list cannot be trusted';

const vmIsUnlisted: Objection<KnownRead> = ({ vm }) => (vm === undefined ? 'the list does not have it' : undefined);

const vmIsForeign: Objection<KnownRead> = ({ vm, installation }) =>
  markOf(vm?.name ?? '')?.installation === installation ? undefined : "it does not carry this installation's mark";

const vmIsUnknown: Objection<KnownRead> = ({ vm }) => (vm?.state === 'unknown' ? 'its status is not known' : undefined);

const claimed = 'a resource has to do with it';

const vmIsOwned: Objection<KnownRead> = ({ isOwned }) => (isOwned ? claimed : undefined);

const vmIsClaimed: Objection = ({ vm, resources }) => {
  const isClaimed = resources.some((resource) => vm !== undefined && claims(resource, vm));
  return isClaimed ? claimed : undefined;
};

/** Whatever was decided before: by a process whose stores were behind, or by an older release. */
const tooManyWouldGo: Objection = ({ entry, entries, status, list, installation, resources, isRestored }) => {
  if (entry?.confirmed === true) return undefined;
  if (status.unmanagedHold !== undefined || isRestored) return 'the account holds back what has no resource';
  const marked = [...(list?.byId.values() ?? [])].filter(({ name, state }) => {
    return markOf(name)?.installation === installation && state !== 'terminated';
  });
  if (!marked.some(ownedBy(resources))) return 'no resource owns any VM of this installation';
  const going = entries.filter(({ deletingSince, confirmed }) => deletingSince !== undefined && confirmed !== true);
  return going.length > mostAtOnce(marked.length) ? 'too many would go at once' : undefined;
};

/** As the hold counts them: also VMs of resources that are gone, which others have taken over. */
function ownedBy(resources: readonly Claimant[]): (vm: CloudVm) => boolean {
  const uids = new Set(resources.map(({ metadata }) => metadata.uid));
  const ids = new Set(resources.flatMap(({ status }) => adoptedIn(status)));
  return ({ id, name }) => uids.has(markOf(name)?.uid ?? '') || ids.has(id);
}

function adoptedIn(status: object | undefined): string[] {
  const { vm } = (status ?? {}) as { vm?: { id?: unknown; adopted?: unknown } | null };
  return vm?.adopted === true && typeof vm.id === 'string' ? [vm.id] : [];
}

const vmIsToBeKept: Objection = ({ vm, accounts, pendingKept }) => {
  const { keepVms, keptVms } = keepingIn(accounts);
  const keeping = { keepVms, keptVms: [...keptVms, ...pendingKept] };
  const why = vm === undefined ? undefined : whyKept(vm, keeping);
  return why === undefined ? undefined : `it is to be kept (${why})`;
};

const objectionsOfKnown: readonly Objection<KnownRead>[] = [
  listIsMissing,
  listIsOfOthers,
  listIsDoubtful,
  vmIsUnlisted,
  vmIsForeign,
  vmIsUnknown,
  vmIsOwned,
];

const objections: readonly Objection[] = [
  accountIsGone,
  accountIsGoing,
  accountOnlyReports,
  organizationIsUnproven,
  intentIsGone,
  graceIsLonger,
  ...objectionsOfKnown,
  vmIsClaimed,
  vmIsToBeKept,
  tooManyWouldGo,
];
