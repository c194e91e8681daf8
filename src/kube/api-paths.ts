import type { ObjectRef, ResourceType } from './contract.ts';

/** Path of the collection of a kind, in one namespace or over all: "/apis/gpuvm.dev/v1alpha1/namespaces/a/gpuvms". */
export function collectionPath(type: ResourceType, namespace: string | undefined): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const scope = type.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${scope}/${type.plural}`;
}

/** Path of one object, or of a subresource of it. */
export function objectPath(type: ResourceType, ref: ObjectRef, subresource?: string): string {
  if (type.namespaced && ref.namespace === undefined) {
    // Without the namespace the path would mean another thing.
    throw new Error(`${type.kind} ${ref.name}: a namespace is needed`);
  }
  const path = `${collectionPath(type, ref.namespace)}/${encodeURIComponent(ref.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** "v1", "gpuvm.dev/v1alpha1". */
export function apiVersionOf(type: ResourceType): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}

/** "?limit=500&continue=…", or nothing. */
export function queryString(parameters: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, value);
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}
