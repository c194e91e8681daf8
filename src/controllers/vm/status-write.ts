import type { VmStatus } from '../../api/vm.ts';
import { isKubeError } from '../../kube/contract.ts';
import { isEqualJson, writeStatus } from '../../kube/patch.ts';
import type { CustomObject } from '../objects.ts';
import { announcementsFor } from './announcements.ts';
import { vmKindOf } from './kinds.ts';
import type { ActDeps, Pass } from './pass.ts';

/**
 * Writes the status of a VM's resource, and announces what is news in it. Whoever writes one goes through here, also where it
 * is written for the sake of an intent: what such a write says in passing is no news to the next one any more.
 *
 * @returns the status as the API server keeps it, or `conflict`: the object is another one by now, or gone; nothing was written.
 */
export async function writeVmStatus(
  deps: Pick<ActDeps, 'kube' | 'store' | 'announce' | 'metrics'>,
  pass: Pick<Pass, 'object' | 'announcements'>,
  desired: VmStatus,
): Promise<VmStatus | 'conflict'> {
  const { object } = pass;
  const before: VmStatus = object.status ?? {};
  const written = isEqualJson(before, desired) ? before : await write(deps, object, desired);
  if (written === 'conflict') return written;
  for (const said of [...pass.announcements.splice(0), ...announcementsFor(before, desired)]) {
    deps.announce(object, said);
  }
  if (before.phase !== desired.phase) deps.metrics.transitioned(before.phase ?? 'None', desired.phase ?? 'None');
  return written;
}

async function write(
  deps: Pick<ActDeps, 'kube' | 'store'>,
  object: CustomObject,
  desired: VmStatus,
): Promise<VmStatus | 'conflict'> {
  try {
    const after = await writeStatus(deps.kube, vmKindOf(object).type, object, { desired, lock: true });
    deps.store.applyWrite(after);
    return after.status ?? {};
  } catch (error) {
    if (isKubeError(error, 'conflict', 'notFound')) return 'conflict';
    throw error;
  }
}
