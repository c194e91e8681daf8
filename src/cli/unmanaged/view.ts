import type { GpuAccountStatus } from '../../api/gpu-account.ts';
import { gpuAccountType } from '../../api/group.ts';
import { unmanagedIn } from '../../api/unmanaged-vms.ts';
import { installationId } from '../../api/vm-name.ts';
import { namespaceType, type CustomObject } from '../../controllers/objects.ts';
import { policyOf } from '../../controllers/unmanaged/census.ts';
import { resourceName } from '../../controllers/vm/kinds.ts';
import { vmKinds } from '../../controllers/vm/kinds.ts';
import { isKubeError } from '../../kube/contract.ts';
import { formatMoney } from '../../lib/money.ts';
import { claims, keepingIn, standingOf, whyKept, type Standing } from '../../plan/unmanaged/standing.ts';
import { billedNow, type CloudVm } from '../../provider/contract.ts';
import { CliError } from '../common/cli-error.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { ProviderAccess } from '../common/provider-access.ts';
import type { Session } from '../common/session.ts';

export interface ViewFlags {
  readonly account?: string;
  readonly installation?: string;
}

/** A VM of the organization, and whose it is. */
export interface VmLine {
  readonly id: string;
  readonly name: string;
  readonly standing: Standing;
  readonly status: string;
  readonly gpu: string;
  readonly location: string;
  /** In the state that it is in, US dollars. */
  readonly hourly: string | undefined;
  /** The resource that owns it, or wants it. */
  readonly resource: string | undefined;
  /** By whom it was to be kept. */
  readonly kept: string | undefined;
  /** When the operator first saw it without a resource. */
  readonly since: string | undefined;
  /** How long it still has, where the account deletes such VMs. */
  readonly goesInMs: number | undefined;
  readonly isBeingDeleted: boolean;
  /** What is in the way of its deletion. */
  readonly message: string | undefined;
}

export interface UnmanagedView {
  readonly installation: string;
  /** Which one the cluster says that it is, if it says anything. */
  readonly ofCluster: string | undefined;
  /** False: there may be GpuAccounts that cannot be read here, and who wanted what kept is not known. */
  readonly areAccountsKnown: boolean;
  readonly lines: readonly VmLine[];
}

/** Asks provider and cluster for all that says whose the VMs are. The VMs first: of one that is made meanwhile the resource is older. */
export async function viewOf(session: Session, flags: ViewFlags, { ask }: ProviderAccess): Promise<UnmanagedView> {
  const { vms } = await ask((provider) => provider.listVms());
  const resources = await allResources(session);
  const name = flags.account ?? 'default';
  const { accounts, areAccountsKnown } = await accountsOf(session, name);
  const account = accounts.find(({ metadata }) => metadata.name === name);
  const ofCluster = await installationOf(session, account ?? accounts[0]);
  const installation = flags.installation ?? ofCluster;
  if (installation === undefined) throw unknownInstallation();
  const line = (vm: CloudVm): VmLine => lineOf(vm, { installation, resources, account, accounts });
  return { installation, ofCluster, areAccountsKnown, lines: vms.map(line) };
}

/** In all namespaces: who may not list them cannot know whose a VM is. */
export async function allResources({ kube }: Session): Promise<readonly CustomObject[]> {
  const lists = await Promise.all(vmKinds.map(({ type }) => kube.list<CustomObject>(type)));
  return lists.flatMap(({ items }) => items);
}

/** What may not be read, or does not exist as the CRD is not there, is undefined. */
function orUndefined(error: unknown): undefined {
  if (!isKubeError(error, 'forbidden', 'notFound')) throw error;
  return undefined;
}

/** All, as each may say of a VM that it is to be kept; else the one that is named, if that may be read. */
async function accountsOf(
  { kube }: Session,
  name: string,
): Promise<{ readonly accounts: readonly CustomObject[]; readonly areAccountsKnown: boolean }> {
  const all = await kube.list<CustomObject>(gpuAccountType).catch(orUndefined);
  if (all !== undefined) return { accounts: all.items, areAccountsKnown: true };
  const one = await kube.get<CustomObject>(gpuAccountType, { name }).catch(orUndefined);
  return { accounts: one === undefined ? [] : [one], areAccountsKnown: false };
}

/** As the operator says, who may have been given another one; else as it would be by itself. */
async function installationOf({ kube }: Session, account: CustomObject | undefined): Promise<string | undefined> {
  const said = ((account?.status ?? {}) as GpuAccountStatus).installation;
  if (said !== undefined) return said;
  const namespace = await kube.get(namespaceType, { name: 'kube-system' }).catch(orUndefined);
  return namespace === undefined ? undefined : installationId(namespace.metadata.uid);
}

function unknownInstallation(): CliError {
  return new CliError(
    'which installation this is cannot be seen: neither an account nor the namespace kube-system says so',
    exitCodes.forbidden,
    'Give --installation: the eight digits after "gpuvm-" in the names of its VMs.',
  );
}

interface Cluster {
  readonly installation: string;
  readonly resources: readonly CustomObject[];
  readonly account: CustomObject | undefined;
  readonly accounts: readonly CustomObject[];
}

function lineOf(vm: CloudVm, { installation, resources, account, accounts }: Cluster): VmLine {
  const owner = resources.find((resource) => claims(resource, vm));
  const keeping = keepingIn(accounts);
  const { city, country } = vm.location;
  const hourly = billedNow(vm);
  return {
    ...{ id: vm.id, name: vm.name, status: vm.providerStatus },
    standing: standingOf(vm, { installation, isOwned: () => owner !== undefined, keeping }),
    gpu: `${vm.size.gpuCount}x ${vm.size.gpuModel}`,
    location: [city, country].filter((part) => part !== undefined).join(', '),
    hourly: hourly === undefined ? undefined : formatMoney(hourly),
    resource: owner === undefined ? undefined : resourceName(owner),
    kept: whyKept(vm, keeping),
    ...saidOf(vm.id, account),
  };
}

type Said = Pick<VmLine, 'since' | 'goesInMs' | 'isBeingDeleted' | 'message'>;

/** What the account says of it. */
function saidOf(id: string, account: CustomObject | undefined): Said {
  const entry = unmanagedIn(account?.status).find((one) => one.id === id);
  if (account === undefined || entry === undefined) {
    return { since: undefined, goesInMs: undefined, isBeingDeleted: false, message: undefined };
  }
  const { since, unownedSeconds, deletingSince, message } = entry;
  const { policy, graceMs } = policyOf(account);
  const isCounted = policy === 'Delete' && unownedSeconds !== undefined;
  const goesInMs = isCounted ? Math.max(0, graceMs - 1000 * unownedSeconds) : undefined;
  return { since, goesInMs, isBeingDeleted: deletingSince !== undefined, message };
}

/** Why this command does not delete it; undefined: it may be deleted. */
export function refusalOf(
  line: Pick<VmLine, 'standing' | 'resource' | 'name'>,
  installation: string,
): string | undefined {
  switch (line.standing) {
    case 'managed':
      return `belongs to ${line.resource ?? 'a resource'}: delete that`;
    case 'foreign':
      return `("${line.name}") is not one that this installation (${installation}) has made`;
    case 'over':
      return 'is over already';
    case 'unmanaged':
    case 'kept':
      return undefined;
  }
}
