import { groupVersion } from '../api/group.ts';
import type { KubeObject, OwnerReference, ResourceType } from '../kube/contract.ts';

/** Objects that belong to one of ours: the garbage collector removes them with it. */

export function controllerReference(type: ResourceType, { metadata }: KubeObject): OwnerReference {
  return {
    apiVersion: groupVersion,
    kind: type.kind,
    name: metadata.name,
    uid: metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

export function controllerOf({ metadata }: KubeObject): OwnerReference | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}

/** UID of the object's controller, for the index of a store. */
export function controllerUidOf(object: KubeObject): string | undefined {
  return controllerOf(object)?.uid;
}

/** Name of that index. */
export const controllerIndex = 'controller';

/** Kind and name of the object's controller, whichever resource of that name it was, for the index of a store. */
export function controllerNameOf(object: KubeObject): string | undefined {
  const owner = controllerOf(object);
  return owner === undefined ? undefined : nameKey(object.metadata.namespace, owner);
}

/** Name of that index. */
export const controllerNameIndex = 'controllerName';

export function nameKey(namespace: string | undefined, { kind, name }: Pick<OwnerReference, 'kind' | 'name'>): string {
  return `${namespace ?? ''}/${kind}/${name}`;
}
