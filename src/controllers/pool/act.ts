import { gpuPoolType, groupVersion } from '../../api/group.ts';
import {
  isKubeError,
  isOfEndingNamespace,
  keyOf,
  type KubeApi,
  type NewObject,
  type ResourceType,
} from '../../kube/contract.ts';
import { patchByUid } from '../../kube/patch.ts';
import type { Store } from '../../kube/store.ts';
import type { MemberPatch } from '../../plan/pool/patches.ts';
import type { MemberDeletion, NewMember, PoolPlan } from '../../plan/pool/plan.ts';
import type { PoolMember } from '../../plan/pool/observation.ts';
import type { Announcement } from '../../plan/vm/verdict.ts';
import type { CustomObject } from '../objects.ts';
import { controllerReference } from '../owned.ts';
import { vmKinds } from '../vm/kinds.ts';
import { inBatches } from './in-batches.ts';
import type { PoolMemory } from './memory.ts';
import { seenOf } from './observe.ts';
import { memberKeyOf, ownerKeyOf } from '../pool-owner.ts';

/** The kinds that members are of. */
export interface MemberKinds {
  of(kind: string): { readonly store: Store<CustomObject>; readonly queue: { add(key: string): void } };
}

/** What writing to members needs. */
export interface PoolActDeps {
  readonly kube: KubeApi;
  readonly vms: MemberKinds;
  announce(object: CustomObject, announcement: Announcement): void;
  /** Whether this process still leads, and the pool is still as it was planned for. Asked before each batch of calls. */
  mayGoOn(pool: CustomObject): boolean;
}

/** The namespace is on its way out: nothing can be made in it any more. */
export class NamespaceEndsError extends Error {
  override readonly name = 'NamespaceEndsError';
}

/** Carries out what was planned: what frees a place first. Rejects with the first refusal; what was done by then stays done. */
export async function carryOut(
  deps: PoolActDeps,
  pool: CustomObject,
  plan: PoolPlan,
  memory: PoolMemory,
): Promise<void> {
  // Some of what is made takes the places of what was deleted: with one of these still there the pool would have a member too many.
  if (await deleteMembers(deps, pool, plan.deletions, memory)) await createMembers(deps, pool, plan.creations, memory);
  await inBatches(
    plan.patches,
    (patch) => patchMember(deps, pool, patch),
    () => deps.mayGoOn(pool),
  );
}

/** Whether all of them are deleted, and none has to be looked at again. */
export async function deleteMembers(
  deps: PoolActDeps,
  pool: CustomObject,
  deletions: readonly MemberDeletion[],
  memory: PoolMemory,
): Promise<boolean> {
  const done: MemberDeletion[] = [];
  try {
    await inBatches(
      deletions,
      async (deletion) => {
        if (!(await deleteMember(deps, pool, deletion.member))) return;
        memory.noteDeleted(deletion.member.uid);
        done.push(deletion);
      },
      () => deps.mayGoOn(pool),
    );
  } finally {
    for (const [why, members] of byReason(done))
      announceMembers(deps, pool, { verb: 'Deleted', members, why: `: ${why}` });
  }
  return done.length === deletions.length;
}

/**
 * What is deleted is gone with its disk: it is read once more, and only deleted as it was read. It may have been made anew, have
 * recovered, or been taken out of the pool by somebody, and the watch not have told of that. False: it was not deleted, and is to be looked at again.
 */
async function deleteMember(deps: PoolActDeps, pool: CustomObject, member: PoolMember): Promise<boolean> {
  const { kind, name, uid } = member;
  const ref = { namespace: pool.metadata.namespace, name };
  const present = await deps.kube.get<CustomObject>(typeOf(kind), ref);
  if (present?.metadata.uid !== uid) return true;
  take(deps.vms, kind, present);
  if (ownerKeyOf(present) !== memberKeyOf(pool) || isWantedAgain(member, present)) return false;
  const { resourceVersion } = present.metadata;
  try {
    await deps.kube.delete(typeOf(kind), ref, { uid, resourceVersion });
    return true;
  } catch (error) {
    if (isKubeError(error, 'conflict')) return false;
    if (isKubeError(error, 'notFound')) return true;
    throw error;
  }
}

/** It has become Ready, has got its VM, has been looked at after an edit, or its user keeps it, since it was chosen. */
function isWantedAgain({ ready, vmSince, isDeleteFirst, isObserved }: PoolMember, present: CustomObject): boolean {
  const seen = seenOf(present);
  const hasComeFurther = (seen.ready.isTrue && !ready.isTrue) || (seen.vmSince !== undefined && vmSince === undefined);
  return hasComeFurther || (seen.isObserved && !isObserved) || (isDeleteFirst && !seen.isDeleteFirst);
}

async function patchMember(
  { kube, vms }: PoolActDeps,
  pool: CustomObject,
  { member, patch }: MemberPatch,
): Promise<void> {
  const { kind, name, uid } = member;
  const ref = { namespace: pool.metadata.namespace, name, uid };
  try {
    const patched = await patchByUid<CustomObject>(kube, typeOf(kind), ref, patch);
    if (patched !== 'another') take(vms, kind, patched);
  } catch (error) {
    if (!isKubeError(error, 'notFound', 'conflict')) throw error;
  }
}

async function createMembers(
  deps: PoolActDeps,
  pool: CustomObject,
  creations: readonly NewMember[],
  memory: PoolMemory,
): Promise<void> {
  const made: NewMember[] = [];
  try {
    await inBatches(
      creations,
      async (creation) => {
        if (await createMember(deps, pool, creation)) made.push(creation);
      },
      () => deps.mayGoOn(pool),
    );
  } catch (error) {
    if (isOfEndingNamespace(error)) throw new NamespaceEndsError();
    // It may have been made: the next look begins with what the API server has.
    memory.isSure = false;
    throw error;
  } finally {
    announceMembers(deps, pool, { verb: 'Created', members: made, why: '' });
  }
}

/** False when there is one of this name already: ours from a call whose answer was lost, or another process's, or somebody else's. */
async function createMember({ kube, vms }: PoolActDeps, pool: CustomObject, creation: NewMember): Promise<boolean> {
  const type = typeOf(creation.kind);
  try {
    take(vms, creation.kind, await kube.create<CustomObject>(type, objectOf(pool, creation)));
    return true;
  } catch (error) {
    if (!isKubeError(error, 'alreadyExists')) throw error;
    const present = await kube.get<CustomObject>(type, { namespace: pool.metadata.namespace, name: creation.name });
    if (present !== undefined) take(vms, creation.kind, present);
    return false;
  }
}

/** What this process has written, or read past the watch, wakes nobody by itself: the member's own controller has to be told. */
function take(vms: MemberKinds, kind: string, object: CustomObject): void {
  const { store, queue } = vms.of(kind);
  const key = keyOf(object.metadata);
  const before = store.get(key);
  store.applyWrite(object);
  if (store.get(key) !== before) queue.add(key);
}

function objectOf(pool: CustomObject, { kind, name, labels, annotations, spec }: NewMember): NewObject {
  const { namespace } = pool.metadata;
  const ownerReferences = [controllerReference(gpuPoolType, pool)];
  return { apiVersion: groupVersion, kind, metadata: { name, namespace, labels, annotations, ownerReferences }, spec };
}

/** Puts what the API server has now into the store. Gives what is the pool's. */
export async function lookUpMembers(
  { kube, vms }: Pick<PoolActDeps, 'kube' | 'vms'>,
  pool: CustomObject,
): Promise<CustomObject[]> {
  const { namespace } = pool.metadata;
  const lists = await Promise.all(
    vmKinds.map(async ({ type }) => {
      const { items } = await kube.list<CustomObject>(type, namespace === undefined ? {} : { namespace });
      for (const item of items) take(vms, type.kind, item);
      return items;
    }),
  );
  return lists.flat().filter((object) => ownerKeyOf(object) === memberKeyOf(pool));
}

function typeOf(kind: PoolMember['kind']): ResourceType {
  const found = vmKinds.find(({ type }) => type.kind === kind);
  if (found === undefined) throw new Error(`there is no kind "${kind}" that stands for a VM`);
  return found.type;
}

function byReason(deletions: readonly MemberDeletion[]): Map<string, PoolMember[]> {
  const grouped = new Map<string, PoolMember[]>();
  for (const { why, member } of deletions) grouped.set(why, [...(grouped.get(why) ?? []), member]);
  return grouped;
}

const mostNamed = 10;

function announceMembers(
  deps: PoolActDeps,
  pool: CustomObject,
  {
    verb,
    members,
    why,
  }: {
    readonly verb: 'Created' | 'Deleted';
    readonly members: readonly { readonly kind: string; readonly name: string }[];
    readonly why: string;
  },
): void {
  if (members.length === 0) return;
  const named = members.slice(0, mostNamed).map(({ kind, name }) => `${kind} ${name}`);
  const more = members.length > mostNamed ? ` and ${members.length - mostNamed} more` : '';
  const message = `${verb} ${named.join(', ')}${more}${why}.`;
  deps.announce(pool, { type: 'Normal', reason: `Member${verb}`, message });
}
