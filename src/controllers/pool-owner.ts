import { gpuPoolType } from '../api/group.ts';
import type { KubeObject, OwnerReference } from '../kube/contract.ts';

/** The pool that owns this object, by its controller reference; labels prove nothing, as their users write them. */
export function poolOwnerOf({ metadata }: KubeObject): OwnerReference | undefined {
  return metadata.ownerReferences?.find(
    ({ kind, apiVersion, controller }) =>
      controller === true && kind === gpuPoolType.kind && apiVersion.startsWith(`${gpuPoolType.group}/`),
  );
}

/** For the store's index. */
export function ownerUidOf(object: KubeObject): string | undefined {
  return poolOwnerOf(object)?.uid;
}
