import type { CustomObject } from '../../controllers/objects.ts';
import { resourceName } from '../../controllers/vm/kinds.ts';
import { isKubeError } from '../../kube/contract.ts';
import { claims } from '../../plan/unmanaged/standing.ts';
import type { CloudVm } from '../../provider/contract.ts';
import { CliError } from '../common/cli-error.ts';
import { exitCodes } from '../common/exit-codes.ts';
import { oneVm } from '../common/kinds.ts';
import type { Session } from '../common/session.ts';
import { makerOf } from './manifest.ts';

/**
 * The operator lets no second resource have a VM: it is refused here, before there is one that comes to nothing.
 *
 * @param mayAskCluster a manifest alone may be written without any cluster
 */
export async function refuseWhatHasAnOwner(session: Session, vm: CloudVm, mayAskCluster: boolean): Promise<void> {
  const owner = mayAskCluster ? ownerOf(vm, await resourcesOf(session)) : undefined;
  if (owner !== undefined) {
    throw new CliError(`VM ${vm.id} belongs to ${owner}`, exitCodes.failed, 'It is managed already.');
  }
  const mark = makerOf(vm);
  if (mark === undefined) return;
  const who = `a resource with the UID ${mark.uid}, of the installation ${mark.installation}`;
  session.io.note(
    `VM ${vm.id} ("${vm.name}") was made for ${who}. If that still exists, the operator refuses to let another one take the VM over.`,
  );
}

/** "GpuVm team/trainer": the resource that has the VM, or is to have it. Pure. */
export function ownerOf(vm: Pick<CloudVm, 'id' | 'name'>, resources: readonly CustomObject[]): string | undefined {
  const owner = resources.find((resource) => claims(resource, vm));
  return owner === undefined ? undefined : resourceName(owner);
}

/** In all namespaces, as far as they may be seen: that of the new one at least. */
async function resourcesOf({ kube, namespace }: Session): Promise<readonly CustomObject[]> {
  const lists = await Promise.all(
    oneVm.map(async ({ type }) => {
      const all = await kube.list<CustomObject>(type).catch(undefinedIfForbidden);
      return all ?? (await kube.list<CustomObject>(type, { namespace }).catch(undefinedIfForbidden));
    }),
  );
  return lists.flatMap((list) => list?.items ?? []);
}

function undefinedIfForbidden(error: unknown): undefined {
  if (!isKubeError(error, 'forbidden')) throw error;
  return undefined;
}
