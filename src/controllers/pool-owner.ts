import { gpuPoolType } from '../api/group.ts';
import type { KubeObject, OwnerReference } from '../kube/contract.ts';

/** The pool that owns this object, by its controller reference; labels prove nothing, as their users write them. */
export function poolOwnerOf({ metadata }: KubeObject): OwnerReference | undefined {
  return metadata.ownerReferences?.find(
    ({ kind, apiVersion, controller }) =>
      controller === true && kind === gpuPoolType.kind && apiVersion.startsWith(`${gpuPoolType.group}/`),
  );
}

/**
 * Which pool this object is a member of, for the store's index `owner`. An owner is of the same namespace as what it owns: a
 * UID alone anybody can write into a resource of a namespace of their own, and would be in somebody else's pool.
 */
export function ownerKeyOf(object: KubeObject): string | undefined {
  const owner = poolOwnerOf(object);
  return owner === undefined ? undefined : keyOfOwner(object.metadata.namespace, owner);
}

/** The value of that index for the members of a pool. */
export function memberKeyOf({ metadata }: KubeObject): string {
  return keyOfOwner(metadata.namespace, metadata);
}

function keyOfOwner(namespace = '', { name, uid }: Pick<OwnerReference, 'name' | 'uid'>): string {
  return `${namespace}/${name}/${uid}`;
}
