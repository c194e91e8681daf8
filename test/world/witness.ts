import { gpuAccountType, gpuBudgetType, gpuPoolType } from '../../src/api/group.ts';
import type { GpuVmSpec, GpuVmStatus } from '../../src/api/gpu-vm.ts';
import { secretType, type CustomObject, type SecretObject } from '../../src/controllers/objects.ts';
import { keyOf, type ObjectRef, type ResourceType } from '../../src/kube/contract.ts';
import type { Call, MemoryApi } from '../../src/kube/testing/memory-api.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { isVmType } from './kinds.ts';
import type { Watchdog } from './watchdog.ts';

export interface WitnessOptions {
  /** Given late: the API server needs the witness for its hooks, and the witness the API server. */
  readonly api: () => MemoryApi;
  readonly clock: Clock;
  readonly watchdog: () => Watchdog;
  readonly note: (what: string) => void;
}

/**
 * Sees every call that the API server carries out, with the state before and after, and tells the watchdog. Also the
 * garbage collector, which an API server alone does not have.
 */
export class Witness {
  /** UIDs of resources that went and were to leave their VM behind, and the ids of VMs that they had recorded. */
  readonly released = new Set<string>();
  /** While true nobody is told of statuses that are written. */
  isLookingAway = false;
  /** While true it is a user who calls. */
  isUserCalling = false;
  readonly #options: WitnessOptions;
  /** Deletions by the operator of what no pool owns: the API server may yet refuse them. */
  readonly #expiries = new WeakSet<Call>();
  /** The same of members of pools, with what speaks against it. */
  readonly #objections = new WeakMap<Call, string>();
  readonly #refs = new Map<string, { readonly type: ResourceType; readonly ref: ObjectRef }>();
  readonly #before = new Map<string, CustomObject | undefined>();

  constructor(options: WitnessOptions) {
    this.#options = options;
  }

  /** GpuVms and SpotVms that exist. */
  resources(): CustomObject[] {
    return this.#existing(isVmType);
  }

  pools(): CustomObject[] {
    return this.#existing(isPoolType);
  }

  #existing(isOfKind: (type: ResourceType) => boolean): CustomObject[] {
    const of = [...this.#refs.values()].filter(({ type }) => isOfKind(type));
    return of.flatMap(({ type, ref }) => this.#peek(type, ref) ?? []);
  }

  before(call: Call): void {
    const { verb, type, ref, body } = call;
    if (!isOurs(type) || verb === 'list' || verb === 'watch') return;
    const created = verb === 'create' ? refIn(body) : undefined;
    if (created !== undefined) this.#refs.set(idOf(type, created), { type, ref: created });
    if (ref !== undefined) this.#before.set(idOf(type, ref), this.#peek(type, ref));
    if (verb === 'delete' && ref !== undefined && isVmType(type)) this.#onDelete(call, this.#peek(type, ref));
  }

  #onDelete(call: Call, object: CustomObject | undefined): void {
    if (object === undefined || object.metadata.deletionTimestamp !== undefined) return;
    const { pools } = this.#options.watchdog();
    if (this.isUserCalling) {
      pools.beforeDeletedByUser(object);
      return;
    }
    const objection = pools.objectionToDeletion(object);
    if (objection !== undefined) this.#objections.set(call, objection);
    // Members go for other reasons, which are judged there.
    if (object.metadata.ownerReferences === undefined) this.#expiries.add(call);
  }

  after(call: Call): void {
    const { verb, type, ref: given, body, subresource } = call;
    const ref = verb === 'create' ? refIn(body) : given;
    if (ref === undefined || !isOurs(type) || verb === 'get') return;
    const before = verb === 'create' ? undefined : this.#before.get(idOf(type, ref));
    const after = this.#peek(type, ref);
    const objection = this.#objections.get(call);
    if (objection !== undefined) this.#options.watchdog().complain(objection);
    if (before !== undefined && this.#expiries.has(call)) this.#options.watchdog().afterExpiry(before);
    if (after === undefined && before !== undefined) this.#gone(type, before);
    if (after === undefined) return;
    this.#options.watchdog().unmanaged.look();
    if (before?.metadata.generation !== after.metadata.generation) this.#specChanged(type, before, after);
    if (this.isLookingAway) return;
    const watchdog = this.#options.watchdog();
    const isWrite = subresource === 'status' || hasFinalizers(body);
    if (isWrite && before?.metadata.resourceVersion === after.metadata.resourceVersion) {
      watchdog.complain(`an idle write to ${keyOf(ref)}`);
    }
    if (subresource !== 'status') return;
    if (isVmType(type)) this.#options.note(lineOf(after));
    watchdog.afterStatus(type.kind, after, before?.status);
  }

  #specChanged(type: ResourceType, before: CustomObject | undefined, after: CustomObject): void {
    const watchdog = this.#options.watchdog();
    if (isPoolType(type)) watchdog.pools.afterSpec(after);
    if (isBudgetType(type)) watchdog.budgets.afterSpec(after);
    if (type.plural === gpuAccountType.plural) watchdog.balances.afterAccountSpec(after);
    if (!isVmType(type)) return;
    watchdog.afterSpec(after);
    if (before === undefined) watchdog.pools.afterCreated(after);
  }

  #gone(type: ResourceType, last: CustomObject): void {
    if (isBudgetType(type)) this.#options.watchdog().budgets.afterGone();
    if (isVmType(type)) this.#vmGone(last);
  }

  #vmGone(last: CustomObject): void {
    const { clock, note, watchdog } = this.#options;
    note(`${last.metadata.name} is gone`);
    if ((last.spec as GpuVmSpec).deletionPolicy === 'Retain') {
      this.released.add(last.metadata.uid);
      this.released.add((last.status as GpuVmStatus | undefined)?.vm?.id ?? '');
    }
    watchdog().afterGone(last);
    // What kube-controller-manager does a moment later.
    clock.after(500, () => void this.#collectGarbage(last.metadata.uid));
  }

  async #collectGarbage(owner: string): Promise<void> {
    const api = this.#options.api();
    const { items } = await api.list<SecretObject>(secretType);
    for (const { metadata } of items) {
      if (metadata.ownerReferences?.some(({ uid }) => uid === owner) === true) await api.delete(secretType, metadata);
    }
  }

  #peek(type: ResourceType, ref: ObjectRef): CustomObject | undefined {
    return this.#options.api().peek(type, keyOf(ref)) as CustomObject | undefined;
  }
}

/** Only operators write those. What users do may change nothing. */
function hasFinalizers(body: object | undefined): boolean {
  return (body as { metadata?: { finalizers?: unknown } } | undefined)?.metadata?.finalizers !== undefined;
}

function refIn(body: object | undefined): ObjectRef | undefined {
  const made = (body as { metadata?: { name?: string; namespace?: string } } | undefined)?.metadata;
  return made?.name === undefined ? undefined : { namespace: made.namespace, name: made.name };
}

function isOurs({ plural }: ResourceType): boolean {
  return isVmType({ plural }) || isPoolType({ plural }) || isBudgetType({ plural }) || plural === gpuAccountType.plural;
}

function isBudgetType({ plural }: Pick<ResourceType, 'plural'>): boolean {
  return plural === gpuBudgetType.plural;
}

function isPoolType({ plural }: Pick<ResourceType, 'plural'>): boolean {
  return plural === gpuPoolType.plural;
}

function idOf(type: ResourceType, ref: ObjectRef): string {
  return `${type.plural}/${keyOf(ref)}`;
}

function lineOf({ metadata, status }: CustomObject): string {
  const { conditions, phase, vm, launch } = status as GpuVmStatus;
  const ready = conditions?.find(({ type }) => type === 'Ready');
  return (
    `${metadata.name}: ${phase ?? ''} Ready=${ready?.status ?? ''} ${ready?.reason ?? ''}` +
    ` vm=${vm?.id.slice(0, 8) ?? '-'} launch=${String(launch?.attempt ?? '-')} ${launch?.outcome ?? ''}`
  );
}
