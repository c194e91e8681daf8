import { gpuPoolType } from '../../api/group.ts';
import type { Indexed, ReadStore } from '../../kube/store.ts';
import type { ServiceVm } from '../../plan/service/endpoints.ts';
import { serviceWish, type ServiceOwner, type ServiceWish } from '../../plan/service/objects.ts';
import { splitKey, type CustomObject } from '../objects.ts';
import { parsePool } from '../pool/observe.ts';
import { memberKeyOf } from '../pool-owner.ts';
import { vmKindOf } from '../vm/kinds.ts';
import { parseVm } from '../vm/parse.ts';

/** What a resource publishes, as the stores have it. */
export interface ServiceRequest {
  readonly owner: ServiceOwner;
  readonly isPool: boolean;
  readonly deleting: boolean;
  /** Absent: it publishes nothing. Unreadable: what is there stays, and leads nowhere, as nothing is known of what is Ready. */
  readonly wish: ServiceWish | 'unreadable' | undefined;
  readonly vms: readonly ServiceVm[];
}

export interface RequestDeps {
  /** By the kind's name. */
  storeOf(kind: string): ReadStore<CustomObject> | undefined;
  /** Resources of all kinds that stand for one VM, by `owner`. */
  readonly vms: Indexed<CustomObject>;
}

/** Of a key among all kinds: "GpuPool/research/inference". Undefined for one that is gone. */
export function requestOf(deps: RequestDeps, qualified: string): ServiceRequest | undefined {
  const { kind, key } = splitKey(qualified);
  const object = deps.storeOf(kind)?.get(key);
  if (object === undefined) return undefined;
  return kind === gpuPoolType.kind ? ofPool(deps, object) : ofVm(object);
}

function ofVm(object: CustomObject): ServiceRequest {
  const { spec, problem } = parseVm(object);
  const owner = ownerOf(object, vmKindOf(object).type.kind);
  const base = { owner, isPool: false, deleting: isDeleting(object) };
  if (problem !== undefined) return { ...base, wish: 'unreadable', vms: [] };
  const wish = spec.service === undefined ? undefined : serviceWish(owner, spec.service, spec.ports);
  return { ...base, wish, vms: [serviceVm(object)] };
}

function ofPool({ vms }: RequestDeps, object: CustomObject): ServiceRequest {
  const owner = ownerOf(object, gpuPoolType.kind);
  const base = { owner, isPool: true, deleting: isDeleting(object) };
  const parsed = parsePool(object);
  if (typeof parsed === 'string') return { ...base, wish: 'unreadable', vms: [] };
  const { service, template } = parsed.spec;
  if (service === undefined) return { ...base, wish: undefined, vms: [] };
  const wish = serviceWish(owner, service, template.spec.ports);
  const members = vms.byIndex('owner', memberKeyOf(object)).filter((vm) => parseVm(vm).problem === undefined);
  return { ...base, wish, vms: members.map(serviceVm) };
}

function serviceVm(object: CustomObject): ServiceVm {
  const { name, uid } = object.metadata;
  const { status } = parseVm(object);
  return { kind: vmKindOf(object).type.kind, name, uid, deleting: isDeleting(object), status };
}

function ownerOf({ metadata: { namespace = '', name, uid } }: CustomObject, kind: string): ServiceOwner {
  return { kind, namespace, name, uid };
}

function isDeleting({ metadata }: CustomObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}
