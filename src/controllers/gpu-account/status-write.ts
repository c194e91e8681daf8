import type { GpuAccountStatus } from '../../api/gpu-account.ts';
import { gpuAccountType } from '../../api/group.ts';
import { isKubeError, type KubeApi } from '../../kube/contract.ts';
import { writeStatus } from '../../kube/patch.ts';
import type { Logger } from '../../lib/logger.ts';
import type { CustomObject } from '../objects.ts';

/**
 * Writes the status of an account. The CRD of an older release takes ids alone of VMs that nobody owns, and refuses what is known
 * of each: all else is written without it, since an account whose status stands still tells nobody anything. None of these VMs is deleted
 * then, as what is to be deleted has to be stored first.
 *
 * @returns the object as the API server keeps it, which may be less than was sent. Rejects `conflict` when it has changed since it was read.
 */
export async function writeAccountStatus(
  { kube, log }: { readonly kube: KubeApi; readonly log: Logger },
  object: CustomObject,
  desired: GpuAccountStatus,
): Promise<CustomObject> {
  const write = (status: GpuAccountStatus): Promise<CustomObject> =>
    writeStatus(kube, gpuAccountType, object, { desired: status, lock: true });
  try {
    return await write(desired);
  } catch (error) {
    if (!isKubeError(error, 'invalid') || desired.unmanagedVms === undefined) throw error;
    log.warn(
      { account: object.metadata.name },
      'the API server refuses to keep which VMs nobody owns: apply the CRDs of this release',
    );
    // What it kept so far is of use: it says whose VMs the key that it was got with has shown.
    const { unmanagedVms } = (object.status ?? {}) as GpuAccountStatus;
    return write({ ...desired, unmanagedVms, unmanagedHold: undefined });
  }
}

/** For the resources, where nothing can be proven. */
export const crdIsOlder =
  'the API server does not keep status.organization, by which it is known whose its credentials are: apply the CRDs of this release.';
