import {
  isKubeError,
  type KubeApi,
  type Outcome,
  type ReconcileContext,
  type Reconciler,
} from '../../kube/contract.ts';
import { isEqualJson } from '../../kube/patch.ts';
import type { Store } from '../../kube/store.ts';
import { endpointOf } from '../../plan/service/endpoints.ts';
import {
  desiredService,
  desiredSlice,
  type DesiredService,
  type DesiredSlice,
  type ServiceWish,
} from '../../plan/service/objects.ts';
import { conflictFact, refusedFact, serviceFact, type ServiceFact } from '../../plan/service/words.ts';
import { endpointSliceType, serviceType, type EndpointSliceObject, type ServiceObject } from '../objects.ts';
import { OwnedKind, type Taken } from './owned-kind.ts';
import { requestOf, type RequestDeps, type ServiceRequest } from './request.ts';

export interface ServicePublisherDeps extends RequestDeps {
  readonly kube: KubeApi;
  readonly services: Store<ServiceObject>;
  readonly slices: Store<EndpointSliceObject>;
  /** Whether private addresses may be published. */
  readonly allowPrivate: boolean;
  /** How often a name that is taken is tried again: its Service is not ours, and not watched. */
  readonly retryMs: number;
  /** What is to be said of a resource's Service has changed. */
  told(key: string): void;
}

/**
 * Keeps the Services of VMs and pools, and where they lead. It reads their statuses and writes none: what is to be said is kept
 * here until the resource's own controller asks for it, as with probes. So each status has one writer.
 */
export class ServicePublisher implements Reconciler {
  readonly name = 'service';
  readonly #deps: ServicePublisherDeps;
  readonly #services: OwnedKind<ServiceObject, DesiredService>;
  readonly #slices: OwnedKind<EndpointSliceObject, DesiredSlice>;
  /** By key, of the resource with this UID. */
  readonly #facts = new Map<string, { readonly uid: string; readonly fact: ServiceFact }>();

  constructor(deps: ServicePublisherDeps) {
    this.#deps = deps;
    const { kube } = deps;
    this.#services = new OwnedKind<ServiceObject, DesiredService>({
      ...{ kube, type: serviceType, store: deps.services, isAs: isServiceAs },
      // What another type of Service had is in the way of this one.
      patch: ({ spec }) => ({ spec: { ...spec, selector: null, externalName: null } }),
    });
    this.#slices = new OwnedKind<EndpointSliceObject, DesiredSlice>({
      ...{ kube, type: endpointSliceType, store: deps.slices, isAs: isSliceAs },
      patch: ({ ports, endpoints }) => ({ ports, endpoints }),
    });
  }

  /**
   * What is to be said of the Service of a resource, by its key among all kinds; undefined while it was not looked at. What was seen
   * of one that had the name before says nothing of this one.
   */
  fact(key: string, uid: string): ServiceFact | undefined {
    const known = this.#facts.get(key);
    return known?.uid === uid ? known.fact : undefined;
  }

  async reconcile(key: string, { signal }: ReconcileContext): Promise<Outcome> {
    const request = requestOf(this.#deps, key);
    if (request === undefined) {
      this.#facts.delete(key);
      return { kind: 'done' };
    }
    const { wish, deleting } = request;
    try {
      if (wish === 'unreadable' || deleting) await this.#keepOnly(request, { slices: [] }, signal);
      else if (wish === undefined) await this.#keepOnly(request, { slices: [], service: '' }, signal);
      else return await this.#publish(key, { request, wish }, signal);
    } catch (error) {
      return this.#refused(key, request, error);
    }
    this.#note(key, request, wish === undefined ? undefined : this.fact(key, request.owner.uid));
    return { kind: 'done' };
  }

  async #publish(
    key: string,
    { request, wish }: { readonly request: ServiceRequest; readonly wish: ServiceWish },
    signal: AbortSignal,
  ): Promise<Outcome> {
    const names = wish.ports.map(({ name }) => name);
    const views = request.vms.map((vm) => endpointOf(vm, names, this.#deps));
    const taken = await this.#services.ensure(desiredService(wish));
    if (taken !== undefined) return this.#isTaken(key, request, `Service "${wish.name}" ${whose(taken)}`, signal);
    const slices = views.flatMap((view) => (view.kind === 'endpoint' ? [desiredSlice(wish, view.endpoint)] : []));
    // What is no longer Ready gets no traffic any more, before anything else gets some.
    await this.#keepOnly(request, { slices: slices.map(({ metadata }) => metadata.name), service: wish.name }, signal);
    for (const slice of slices) {
      signal.throwIfAborted();
      const takenSlice = await this.#slices.ensure(slice);
      if (takenSlice === undefined) continue;
      const what = `EndpointSlice "${slice.metadata.name}", which Service "${wish.name}" needs,`;
      return this.#isTaken(key, request, `${what} ${whose(takenSlice)}`, signal);
    }
    this.#note(key, request, serviceFact(wish.name, views, request.isPool));
    return { kind: 'done' };
  }

  /**
   * Deletes what the resource has beyond this, and what one of its name has left behind: until the garbage collector comes for it, it
   * would lead to the VM of that one. Absent `service`: whatever it has.
   */
  async #keepOnly(
    { owner }: ServiceRequest,
    keep: { readonly slices: readonly string[]; readonly service?: string },
    signal: AbortSignal,
  ): Promise<void> {
    const wanted = new Set(keep.slices);
    for (const slice of this.#slices.of(owner.uid)) {
      signal.throwIfAborted();
      if (!wanted.has(slice.metadata.name)) await this.#slices.delete(slice);
    }
    for (const slice of this.#slices.before(owner)) {
      signal.throwIfAborted();
      await this.#slices.deleteLeftover(slice);
    }
    for (const service of this.#services.of(owner.uid)) {
      if (keep.service !== undefined && service.metadata.name !== keep.service) await this.#services.delete(service);
    }
  }

  async #isTaken(key: string, request: ServiceRequest, message: string, signal: AbortSignal): Promise<Outcome> {
    await this.#keepOnly(request, { slices: [] }, signal);
    this.#note(key, request, conflictFact(message));
    return { kind: 'requeueAfter', delayMs: this.#deps.retryMs };
  }

  /** A quota, a policy, a missing permission, a namespace that goes: the API server's words say it best. */
  #refused(key: string, request: ServiceRequest, error: unknown): Outcome {
    const { wish } = request;
    if (!isKubeError(error, 'forbidden', 'invalid') || wish === undefined || wish === 'unreadable') throw error;
    this.#note(key, request, refusedFact(wish.name, error.message));
    return { kind: 'requeueAfter', delayMs: this.#deps.retryMs };
  }

  #note(key: string, { owner: { uid } }: ServiceRequest, fact: ServiceFact | undefined): void {
    const isSame = isEqualJson(this.fact(key, uid), fact);
    if (fact === undefined) this.#facts.delete(key);
    else this.#facts.set(key, { uid, fact });
    if (!isSame) this.#deps.told(key);
  }
}

function whose({ by }: Taken): string {
  return `exists and belongs to ${by}: delete it, or give another spec.service.name.`;
}

function isServiceAs({ spec }: ServiceObject, desired: DesiredService): boolean {
  const ports = spec?.ports?.map(({ name, protocol, port }) => ({ name, protocol, port }));
  const hasSelector = Object.keys(spec?.selector ?? {}).length > 0;
  return spec?.type === desired.spec.type && !hasSelector && isEqualJson(ports, desired.spec.ports);
}

function isSliceAs({ ports, endpoints }: EndpointSliceObject, desired: DesiredSlice): boolean {
  return isEqualJson(ports, desired.ports) && isEqualJson(endpoints, desired.endpoints);
}
