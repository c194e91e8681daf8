import { createHash } from 'node:crypto';

import { gpuPoolType, labels, managedByValue } from '../api/group.ts';
import {
  isKubeError,
  keyOf,
  type KubeApi,
  type KubeObject,
  type NewObject,
  type ObjectMeta,
} from '../kube/contract.ts';
import { patchByUid } from '../kube/patch.ts';
import type { Store } from '../kube/store.ts';
import { renderContainer, type ContainerProblem, type ContainerToRender } from '../plan/container/render.ts';
import type { InputReader } from './input-reader.ts';
import { secretType, type SecretObject } from './objects.ts';
import { controllerIndex, controllerReference, controllerUidOf } from './owned.ts';

/** Key of the Secret that holds the cloud-config. */
export const cloudConfigKey = 'cloud-config';

/** Key of its SHA-256: the store keeps no long values. Nobody can change it, as the Secret is immutable. */
const digestKey = 'cloud-config-sha256';

export interface ContainerSecretDeps {
  readonly kube: KubeApi;
  /** With the index `controller`. */
  readonly secrets: Store<SecretObject>;
  readonly inputs: InputReader;
}

/** What a member's `spec.cloudInit` is, and a hash that belongs into the hash of the pool's template. */
export interface ContainerSecret {
  readonly kind: 'ready';
  readonly secretName: string;
  readonly hash: string;
  readonly cloudInit: { readonly secretRef: { readonly name: string; readonly key: string } };
}

/**
 * The Secret of the pool that holds the cloud-config of its container, made if it is not there. Another container has another
 * hash, and so another Secret; where only the credentials of the registry are others, or the operator's script, it is replaced
 * under its name, for members that are deployed from then on. Rejects when the API server does not answer: then nothing is
 * known, neither the hash nor that anything is wrong.
 */
export async function ensureContainerSecret(
  deps: ContainerSecretDeps,
  pool: KubeObject,
  spec: Pick<ContainerToRender, 'container' | 'ports'>,
): Promise<ContainerSecret | ContainerProblem> {
  const { namespace = '', uid } = pool.metadata;
  const resolved = await deps.inputs.containerSecrets(namespace, spec.container);
  if (resolved.kind === 'problem') return resolved;
  const rendered = renderContainer({ ...spec, poolUid: uid }, resolved.secrets);
  if (rendered.kind === 'problem') return rendered;
  const { hash, text } = rendered;
  const secretName = containerSecretName(pool.metadata.name, hash);
  if (!(await isThere(deps, pool, secretName, text))) {
    const message = `Secret "${secretName}", which is to hold the container's cloud-config, exists and is somebody else's: delete it.`;
    return { kind: 'problem', reason: 'SecretConflict', message };
  }
  return { kind: 'ready', secretName, hash, cloudInit: { secretRef: { name: secretName, key: cloudConfigKey } } };
}

/** Deletes the container Secrets of the pool that nothing refers to any more. */
export async function deleteUnusedContainerSecrets(
  { kube, secrets }: Pick<ContainerSecretDeps, 'kube' | 'secrets'>,
  pool: KubeObject,
  inUse: ReadonlySet<string>,
): Promise<void> {
  const prefix = containerSecretName(pool.metadata.name, '');
  for (const { metadata } of secrets.byIndex(controllerIndex, pool.metadata.uid)) {
    if (!metadata.name.startsWith(prefix) || inUse.has(metadata.name)) continue;
    await deleteThisOne(kube, metadata);
  }
}

/** Not one that somebody has made under its name since. */
async function deleteThisOne(kube: KubeApi, metadata: ObjectMeta): Promise<void> {
  try {
    await kube.delete(secretType, metadata, { uid: metadata.uid });
  } catch (error) {
    if (!isKubeError(error, 'notFound', 'conflict')) throw error;
  }
}

function containerSecretName(pool: string, hash: string): string {
  return `${pool}-container-${hash}`;
}

/**
 * False: it is somebody else's. One of ours with another text is deleted and made anew, as it is immutable: a member that
 * looks for it in between waits, as for any Secret, and looks again.
 */
async function isThere(deps: ContainerSecretDeps, pool: KubeObject, name: string, text: string): Promise<boolean> {
  const { namespace, uid } = pool.metadata;
  const known = deps.secrets.get(keyOf({ namespace, name }));
  if (known !== undefined) {
    if (controllerUidOf(known) !== uid) return false;
    if (holds(known, text)) return true;
    await deleteThisOne(deps.kube, known.metadata);
  }
  if (await make(deps, pool, name, text)) return true;
  const existing = await takeBack(deps, pool, name);
  if (existing === undefined) return false;
  if (holds(existing, text)) return true;
  await deleteThisOne(deps.kube, existing.metadata);
  if (await make(deps, pool, name, text)) return true;
  throw new Error(`Secret "${name}" was made by somebody while it was replaced`);
}

/** False: the name is taken. */
async function make(
  { kube, secrets }: ContainerSecretDeps,
  pool: KubeObject,
  name: string,
  text: string,
): Promise<boolean> {
  try {
    secrets.applyWrite(await kube.create<SecretObject>(secretType, newSecret(pool, name, text)));
    return true;
  } catch (error) {
    if (!isKubeError(error, 'alreadyExists')) throw error;
    return false;
  }
}

/** The one that the store does not show; undefined: it is somebody else's. */
async function takeBack(
  { kube, secrets }: ContainerSecretDeps,
  pool: KubeObject,
  name: string,
): Promise<SecretObject | undefined> {
  const ref = { namespace: pool.metadata.namespace, name };
  const existing = await kube.get<SecretObject>(secretType, ref);
  // Gone in between: the next look makes it.
  if (existing === undefined) throw new Error(`Secret "${name}" was deleted while it was looked for`);
  if (controllerUidOf(existing) !== pool.metadata.uid) return undefined;
  // It lost the label that the store selects by.
  const patch = { metadata: { labels: { [labels.managedBy]: managedByValue } } };
  const patched = await patchByUid<SecretObject>(kube, secretType, { ...ref, uid: existing.metadata.uid }, patch);
  if (patched === 'another') return undefined;
  secrets.applyWrite(patched);
  return patched;
}

function holds(secret: SecretObject, text: string): boolean {
  return secret.data?.[digestKey] === base64(digestOf(text));
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

function newSecret(pool: KubeObject, name: string, text: string): NewObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace: pool.metadata.namespace,
      labels: { [labels.managedBy]: managedByValue, [labels.pool]: pool.metadata.name },
      ownerReferences: [controllerReference(gpuPoolType, pool)],
    },
    type: 'Opaque',
    immutable: true,
    data: { [cloudConfigKey]: base64(text), [digestKey]: base64(digestOf(text)) },
  };
}
