import { gpuPoolSpecSchema, gpuPoolStatusSchema, type GpuPoolSpec, type GpuPoolStatus } from '../../api/gpu-pool.ts';
import { annotations, gpuPoolType, labels } from '../../api/group.ts';
import { keyOf, type ObjectRef } from '../../kube/contract.ts';
import type { Indexed, ReadStore } from '../../kube/store.ts';
import type { Clock } from '../../lib/clock.ts';
import type { PoolMember, PoolObservation } from '../../plan/pool/observation.ts';
import { scheduleProblem } from '../../plan/pool/clockwork.ts';
import { templateHash } from '../../plan/pool/template.ts';
import { holdBySchedule } from '../../plan/vm/clockwork.ts';
import { powerWantedNow } from '../../plan/vm/power-hold.ts';
import type { ServiceFact } from '../../plan/service/words.ts';
import { qualifiedKey, type CustomObject } from '../objects.ts';
import { memberKeyOf } from '../pool-owner.ts';
import type { Ledger } from '../spending/ledger.ts';
import { vmKindOf, vmKinds } from '../vm/kinds.ts';
import { firstIssue, parseVm } from '../vm/parse.ts';
import { millis, unknownVm, vmOf, type VmView } from './member-view.ts';
import type { PoolMemory } from './memory.ts';

export interface PoolObserveDeps {
  readonly clock: Clock;
  /** What is to be said of the Service of a resource, by its key among all kinds. */
  readonly services: { fact(key: string, uid: string): ServiceFact | undefined };
  readonly ledger: Pick<Ledger, 'holdsOn'>;
  /** Resources of all kinds that stand for one VM, by `owner` and `namespace`. */
  readonly vms: Indexed<CustomObject> & { of(kind: string): { readonly store: ReadStore<CustomObject> } };
}

export function membersIn({ vms }: PoolObserveDeps, pool: CustomObject): CustomObject[] {
  return vms.byIndex('owner', memberKeyOf(pool));
}

/** As they are seen, with those that are on their way out. */
export function membersOf(deps: PoolObserveDeps, pool: CustomObject, memory: PoolMemory): PoolMember[] {
  const now = deps.clock.now();
  return membersIn(deps, pool).map((object) => memberOf(deps, object, memory, now));
}

export function observePool(
  deps: PoolObserveDeps,
  pool: CustomObject,
  { spec, status, blocked }: PreparedPool,
  memory: PoolMemory,
): PoolObservation {
  const { metadata } = pool;
  const annotation = (name: string): string | undefined => metadata.annotations?.[name];
  const now = deps.clock.now();
  return {
    now,
    meta: {
      name: metadata.name,
      generation: metadata.generation,
      createdAt: millis(metadata.creationTimestamp) ?? now,
      isPaused: annotation(annotations.paused) === 'true',
      reconcileRequestedAt: annotation(annotations.reconcileRequestedAt),
    },
    spec,
    // Nothing is replaced, either, while nobody knows by what.
    hash: blocked === undefined ? templateHash(spec) : (status.templateHash ?? ''),
    blocked,
    status,
    service: deps.services.fact(qualifiedKey(gpuPoolType.kind, keyOf(metadata)), metadata.uid),
    members: membersOf(deps, pool, memory),
    isTaken: (name) => namesOf(deps, { namespace: metadata.namespace, name }).length > 0,
  };
}

/** The kinds of which a resource has this name. */
function namesOf({ vms }: PoolObserveDeps, ref: ObjectRef): string[] {
  const key = keyOf(ref);
  return vmKinds.flatMap(({ type: { kind } }) => (vms.of(kind).store.get(key) === undefined ? [] : [kind]));
}

/** What the object itself says of a member, whatever this process remembers. */
export function seenOf(object: CustomObject): VmView & Pick<PoolMember, 'createdAt' | 'isDeleteFirst'> {
  const { creationTimestamp, annotations: given } = object.metadata;
  const { status, isStatusDamaged } = parseVm(object);
  const createdAt = millis(creationTimestamp) ?? 0;
  const view = isStatusDamaged ? unknownVm(createdAt) : vmOf(object, status, createdAt);
  return { ...view, createdAt, isDeleteFirst: given?.[annotations.deleteFirst] === 'true' };
}

function memberOf(deps: PoolObserveDeps, object: CustomObject, memory: PoolMemory, now: number): PoolMember {
  const { metadata } = object;
  const annotation = (name: string): string | undefined => metadata.annotations?.[name];
  const seen = { ...seenOf(object), isWantedDown: isWantedDown(deps, object, now) };
  const troubles = memory.noteTroubles(metadata.uid, seen, now);
  return {
    kind: vmKindOf(object).type.kind === 'SpotVm' ? 'SpotVm' : 'GpuVm',
    name: metadata.name,
    uid: metadata.uid,
    isDeleting: metadata.deletionTimestamp !== undefined || memory.hasDeleted(metadata.uid),
    hash: metadata.labels?.[labels.templateHash],
    repairedSince: annotation(annotations.repairedSince),
    hasNamesake: namesOf(deps, metadata).some((kind) => kind !== object.kind),
    ...seen,
    ...{ brokenSince: troubles.broken, marketSince: troubles.market },
    spec: (object.spec ?? {}) as Readonly<Record<string, unknown>>,
    labels: metadata.labels ?? {},
    templateMetadata: annotation(annotations.templateMetadata),
  };
}

/** As the member itself sees it: by its own spec, which the pool's may be ahead of. */
function isWantedDown({ ledger }: PoolObserveDeps, object: CustomObject, now: number): boolean {
  const { spec } = parseVm(object);
  const hold = holdBySchedule(spec, now);
  const holds = [...ledger.holdsOn(object), ...(hold === undefined ? [] : [hold])];
  return powerWantedNow({ spec, holds }) !== 'Running';
}

export interface ParsedPool {
  readonly spec: GpuPoolSpec;
  readonly status: GpuPoolStatus;
}

/** The same once it is known what its container is run by. */
export type PreparedPool = ParsedPool & Pick<PoolObservation, 'blocked'>;

/** The spec and status; a sentence when the spec cannot be understood: the API server checks it by the CRD that it has. */
export function parsePool({ spec, status }: CustomObject): ParsedPool | string {
  const parsed = gpuPoolSpecSchema.safeParse(spec);
  if (!parsed.success) return `The spec is not valid: ${firstIssue(parsed.error)}.`;
  const problem = scheduleProblem(parsed.data);
  if (problem !== undefined) return `The spec is not valid: ${problem}.`;
  // A status that somebody has damaged is made anew. Nothing in it says what exists.
  return { spec: parsed.data, status: gpuPoolStatusSchema.safeParse(status ?? {}).data ?? {} };
}

/** What a pool's decisions depend on of a member: where it is the same, nobody has to look at the pool. */
export function matters(before: CustomObject | undefined, after: CustomObject | undefined): boolean {
  return before === undefined || after === undefined || digestOf(before) !== digestOf(after);
}

const digests = new WeakMap<CustomObject, string>();

function digestOf(object: CustomObject): string {
  const known = digests.get(object);
  if (known !== undefined) return known;
  const { metadata, spec } = object;
  const { labels: ofLabels, annotations: ofAnnotations, ownerReferences, deletionTimestamp } = metadata;
  const { status, isStatusDamaged } = parseVm(object);
  const view = isStatusDamaged ? 'damaged' : vmOf(object, status, 0);
  const digest = JSON.stringify([ofLabels, ofAnnotations, ownerReferences, deletionTimestamp, spec, view]);
  digests.set(object, digest);
  return digest;
}
