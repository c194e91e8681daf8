import { isKubeError, type KubeApi, type KubeObject, type ResourceType } from './contract.ts';

/**
 * Finalizers are a list that several controllers share, and a merge patch replaces lists as a whole: so each write is
 * locked to the version that the list was read from, and a `conflict` means to read again.
 */

export function hasFinalizer(object: KubeObject, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) ?? false;
}

/** Adds the finalizer if it is missing. Returns the object as it is then; rejects `conflict` when `object` is stale. */
export async function addFinalizer<T extends KubeObject>(
  api: KubeApi,
  type: ResourceType,
  object: T,
  finalizer: string,
): Promise<T> {
  if (hasFinalizer(object, finalizer)) return object;
  return writeFinalizers(api, type, object, [...(object.metadata.finalizers ?? []), finalizer]);
}

/**
 * Takes the finalizer off if it is there, and leaves the others alone. Returns the object as it is then (without
 * finalizers and with a deletionTimestamp it is gone); undefined when it was gone already. Rejects `conflict` when stale.
 */
export async function removeFinalizer<T extends KubeObject>(
  api: KubeApi,
  type: ResourceType,
  object: T,
  finalizer: string,
): Promise<T | undefined> {
  if (!hasFinalizer(object, finalizer)) return object;
  const others = (object.metadata.finalizers ?? []).filter((name) => name !== finalizer);
  try {
    return await writeFinalizers(api, type, object, others);
  } catch (error) {
    if (isKubeError(error, 'notFound')) return undefined;
    throw error;
  }
}

async function writeFinalizers<T extends KubeObject>(
  api: KubeApi,
  type: ResourceType,
  object: T,
  finalizers: readonly string[],
): Promise<T> {
  const { resourceVersion, uid } = object.metadata;
  // The uid makes sure that a namesake made meanwhile is not touched, should versions ever repeat after a restore.
  return api.mergePatch<T>(type, object.metadata, {
    metadata: { uid, resourceVersion, finalizers: finalizers.length === 0 ? null : finalizers },
  });
}
