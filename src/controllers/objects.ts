import type { KubeObject } from '../kube/contract.ts';

export { configMapType, endpointSliceType, namespaceType, secretType, serviceType } from '../kube/built-in-types.ts';

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
