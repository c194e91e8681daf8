import type { KubeObject, ResourceType } from '../kube/contract.ts';

/** Objects as the API server gives them; specs and statuses are parsed where they are read. */

export interface CustomObject extends KubeObject {
  readonly spec?: unknown;
  readonly status?: object | undefined;
}

export interface SecretObject extends KubeObject {
  /** Values in base64. */
  readonly data?: Readonly<Record<string, string>> | undefined;
}

export interface ConfigMapObject extends KubeObject {
  readonly data?: Readonly<Record<string, string>> | undefined;
}

export const secretType: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'secrets',
  kind: 'Secret',
  namespaced: true,
};

export const configMapType: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};

export interface ServiceObject extends KubeObject {
  readonly spec?:
    | {
        readonly type?: string;
        readonly ports?: readonly { readonly name?: string; readonly protocol?: string; readonly port: number }[];
        readonly selector?: Readonly<Record<string, string>>;
      }
    | undefined;
}

export interface EndpointSliceObject extends KubeObject {
  readonly addressType: string;
  readonly ports?: readonly object[] | undefined;
  readonly endpoints?: readonly object[] | undefined;
}

export const serviceType: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'services',
  kind: 'Service',
  namespaced: true,
};

export const endpointSliceType: ResourceType = {
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
  kind: 'EndpointSlice',
  namespaced: true,
};

export const namespaceType: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
};

/** Key of a resource among all kinds, for the gate and the fleet: "GpuVm/research/trainer". */
export function qualifiedKey(kind: string, key: string): string {
  return `${kind}/${key}`;
}

/** The parts of such a key. */
export function splitKey(qualified: string): { readonly kind: string; readonly key: string } {
  const slash = qualified.indexOf('/');
  return { kind: qualified.slice(0, slash), key: qualified.slice(slash + 1) };
}

/** The value of a Secret's key as text; undefined when there is no such key. */
export function decodeSecret(secret: SecretObject, key: string): string | undefined {
  const value = ownValue(secret.data, key);
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
}

/** Not by the plain operator: "constructor" is a legal key, and every object has one by inheritance. */
export function ownValue(data: Readonly<Record<string, string>> | undefined, key: string): string | undefined {
  return data !== undefined && Object.hasOwn(data, key) ? data[key] : undefined;
}
