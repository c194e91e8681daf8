import { finalizerName } from '../../api/group.ts';
import { isKubeError } from '../../kube/contract.ts';
import { removeFinalizer } from '../../kube/finalizers.ts';
import type { Step } from '../../plan/vm/verdict.ts';
import { vmKindOf } from './kinds.ts';
import { resourceName } from './kinds.ts';
import { parseVm } from './parse.ts';
import type { ActDeps, ActResult, Pass } from './pass.ts';

/** The end of a resource: its expiry, and the last word of its deletion. */

export async function letGo(
  deps: ActDeps,
  pass: Pass,
  step: Extract<Step, { kind: 'removeFinalizer' }>,
): Promise<ActResult> {
  const left = await removeFinalizer(deps.kube, vmKindOf(pass.object).type, pass.object, finalizerName);
  if (left !== undefined) deps.store.applyWrite(left);
  if (step.announcement !== undefined) deps.announce(pass.object, step.announcement);
  return 'gone';
}

/** Locked to what was read: whoever has just put the expiry off, or has paused the resource, keeps it. */
export async function expire(
  deps: ActDeps,
  pass: Pass,
  { announcement }: Extract<Step, { kind: 'expire' }>,
): Promise<ActResult> {
  const { metadata } = pass.object;
  const { uid, resourceVersion } = metadata;
  deps.leadership.assertLeading();
  try {
    await deps.kube.delete(vmKindOf(pass.object).type, metadata, { uid, resourceVersion });
  } catch (error) {
    if (isKubeError(error, 'notFound')) return 'gone';
    if (isKubeError(error, 'conflict')) return 'conflict';
    throw error;
  }
  deps.log.info({ key: pass.key }, 'resource expired');
  deps.announce(pass.object, announcement);
  // The news of it comes by the watch, and the rules of deletion go on from there.
  return 'gone';
}

/** The account wakes the resource once it is written down. */
export function noteKept(
  { keepers }: ActDeps,
  { object, key }: Pass,
  { why, ids }: Extract<Step, { kind: 'noteKept' }>,
): ActResult {
  const kept = { uid: object.metadata.uid, resource: resourceName(object), why, ids: [...ids] };
  keepers.note(parseVm(object).spec.accountName, kept, key);
  return 'queued';
}
