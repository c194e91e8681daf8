import { annotations, groupVersion, labels, managedByValue } from '../api/group.ts';
import { isKubeError, keyOf, type KubeApi, type NewObject, type ObjectRef } from '../kube/contract.ts';
import { patchByUid } from '../kube/patch.ts';
import type { Store } from '../kube/store.ts';
import type { SecretView } from '../plan/vm/observation.ts';
import { vmKindOf, vmKinds } from './vm/kinds.ts';
import { secretType, type CustomObject, type SecretObject } from './objects.ts';

/** Selects the Secrets that this operator writes; only those are kept in memory. */
export const connectionSecretSelector = `${labels.managedBy}=${managedByValue}`;

/**
 * Creates the connection Secret or updates it with the given values; others in it are left alone. It belongs to the
 * resource, so the garbage collector removes it; one that a resource of the same name left behind is replaced. A Secret
 * of that name that is somebody else's is never touched.
 *
 * @returns false when a Secret of that name turned out to be somebody else's
 */
export async function writeConnectionSecret(
  deps: { readonly kube: KubeApi; readonly secrets: Store<SecretObject>; readonly newPassword: () => string },
  owner: CustomObject,
  secret: SecretView,
  values: {
    readonly data: Readonly<Record<string, string>>;
    readonly remove?: readonly string[];
    readonly generatePassword: boolean;
  },
): Promise<boolean> {
  const password = values.generatePassword ? { password: deps.newPassword() } : {};
  const data = encode({ ...values.data, ...password });
  const namespace = owner.metadata.namespace;
  if (secret.state === 'leftover') {
    const ref = { namespace, name: secret.name };
    if (await hasOwner(deps, owner, ref)) return false;
    await deleteLeftover(deps.kube, ref, secret.uid);
  }
  if (secret.state !== 'ours') {
    try {
      deps.secrets.applyWrite(await deps.kube.create<SecretObject>(secretType, newSecret(owner, secret.name, data)));
      return true;
    } catch (error) {
      if (!isKubeError(error, 'alreadyExists')) throw error;
      return takeBack(deps, owner, secret.name);
    }
  }
  const gone = Object.fromEntries((values.remove ?? []).map((key) => [key, null]));
  return patchOwn(deps, { namespace, name: secret.name, uid: secret.uid }, { data: { ...data, ...gone } });
}

/** False: somebody has made another one in its place. */
async function patchOwn(
  deps: { readonly kube: KubeApi; readonly secrets: Store<SecretObject> },
  ref: ObjectRef & { readonly uid: string | undefined },
  patch: { readonly metadata?: object; readonly data?: object },
): Promise<boolean> {
  const patched = await patchByUid<SecretObject>(deps.kube, secretType, ref, patch);
  if (patched === 'another') return false;
  deps.secrets.applyWrite(patched);
  return true;
}

/**
 * Whether its owner is there: a resource of our name and another kind, or one that has come after us where our store is behind.
 * What a store says proves nothing here, and a password cannot be had again.
 */
async function hasOwner(
  { kube, secrets }: { readonly kube: KubeApi; readonly secrets: Store<SecretObject> },
  owner: CustomObject,
  ref: ObjectRef,
): Promise<boolean> {
  const { name, namespace } = owner.metadata;
  for (const { kind, uid } of secrets.get(keyOf(ref))?.metadata.ownerReferences ?? []) {
    const of = vmKinds.find(({ type }) => type.kind === kind);
    if (of === undefined) continue;
    if ((await kube.get(of.type, { namespace, name }))?.metadata.uid === uid) return true;
  }
  return false;
}

async function deleteLeftover(kube: KubeApi, ref: ObjectRef, uid: string | undefined): Promise<void> {
  try {
    await kube.delete(secretType, ref, uid === undefined ? {} : { uid });
  } catch (error) {
    // The garbage collector was faster, or something else has the name now: creating tells.
    if (!isKubeError(error, 'notFound', 'conflict')) throw error;
  }
}

/** A Secret that is ours by its owner, but lost the label that the store selects by, gets it again. */
async function takeBack(
  deps: { readonly kube: KubeApi; readonly secrets: Store<SecretObject> },
  owner: CustomObject,
  name: string,
): Promise<boolean> {
  const ref = { namespace: owner.metadata.namespace, name };
  const existing = await deps.kube.get<SecretObject>(secretType, ref);
  if (existing === undefined) return true;
  if (existing.metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid) !== true) return false;
  const { uid } = existing.metadata;
  return patchOwn(deps, { ...ref, uid }, { metadata: { labels: { [labels.managedBy]: managedByValue } } });
}

function newSecret(owner: CustomObject, name: string, data: Readonly<Record<string, string>>): NewObject {
  const { metadata } = owner;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace: metadata.namespace,
      labels: { [labels.managedBy]: managedByValue },
      annotations: { [annotations.vmName]: metadata.name },
      ownerReferences: [
        {
          apiVersion: groupVersion,
          kind: vmKindOf(owner).type.kind,
          name: metadata.name,
          uid: metadata.uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    type: 'Opaque',
    data,
  };
}

function encode(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value, 'utf8').toString('base64')]),
  );
}
