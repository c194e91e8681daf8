import type { GpuAccountStatus } from '../../api/gpu-account.ts';
import { unmanagedIn } from '../../api/unmanaged-vms.ts';
import { annotations } from '../../api/group.ts';
import type { KubeApi } from '../../kube/contract.ts';
import type { Indexed } from '../../kube/store.ts';
import { judgeOrganization, stakesOf, type OrganizationVerdict, type Stake } from '../../plan/organization.ts';
import type { AccountRuntime } from '../accounts.ts';
import type { CustomObject } from '../objects.ts';
import { accountOf } from '../vm/controller.ts';
import { resourceName, vmKinds } from '../vm/kinds.ts';
import { parseVm } from '../vm/parse.ts';

export interface JudgeDeps {
  readonly kube: KubeApi;
  /** Resources of all kinds that stand for one VM, by `account`. */
  readonly vms: Indexed<CustomObject>;
}

/** Whether the key that calls would carry is of the organization that the VMs of this account are in. */
export async function judgeKey(
  { kube, vms }: JudgeDeps,
  { metadata, status }: CustomObject,
  runtime: AccountRuntime,
): Promise<OrganizationVerdict> {
  const { organization: stored } = (status ?? {}) as GpuAccountStatus;
  const { name } = metadata;
  const { keyFingerprint, fleet } = runtime;
  const unmanaged = unmanagedIn(status).map(({ id }): Stake => ({ kind: 'unmanaged', id }));
  const annotation = metadata.annotations?.[annotations.confirmOrganization];
  const facts = { ...{ account: name, keyFingerprint, stored, snapshot: fleet.snapshot }, annotation };
  if (stored?.keyFingerprint === keyFingerprint) return judgeOrganization({ ...facts, stakes: [] });
  const stakes = [...stakesIn(vms.byIndex('account', name)), ...unmanaged];
  const verdict = judgeOrganization({ ...facts, stakes });
  if (verdict.kind !== 'proven') return verdict;
  // The store may be behind, as that of a leader is which took over a moment ago. To believe another key for want of a record
  // that is on its way would give its VM up.
  return judgeOrganization({ ...facts, stakes: [...stakesIn(await usersNow(kube, name)), ...unmanaged] });
}

/** The account's resources as the API server has them. */
async function usersNow(kube: KubeApi, account: string): Promise<CustomObject[]> {
  const lists = await Promise.all(vmKinds.map(({ type }) => kube.list<CustomObject>(type)));
  return lists.flatMap(({ items }) => items).filter((object) => accountOf(object) === account);
}

/** What these resources have recorded. */
function stakesIn(objects: readonly CustomObject[]): Stake[] {
  return objects.flatMap((object) => {
    const { status, isStatusDamaged } = parseVm(object);
    const { uid } = object.metadata;
    return stakesOf({ owner: resourceName(object), uid, journal: isStatusDamaged ? 'damaged' : status });
  });
}

/** For the resources; what to do about it is said by the account. */
export const unproven =
  'its credentials may be of another organization than the VMs are in, so nothing is done; its own conditions say what to do.';
