import { createHash } from 'node:crypto';

import { groupVersion, labels, managedByValue } from '../../api/group.ts';
import type { Endpoint } from './endpoints.ts';

/** The Service and the EndpointSlices that are to be there. */

/** Who a Service belongs to. */
export interface ServiceOwner {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** As spec.service and spec.ports, or those of a pool's template, say. */
export interface ServiceWish {
  readonly owner: ServiceOwner;
  readonly name: string;
  /** What is published: a port's name, and its number inside the VM and at the Service. */
  readonly ports: readonly { readonly name: string; readonly internal: number }[];
}

interface Metadata {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ownerReferences: readonly {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
    readonly controller: true;
    readonly blockOwnerDeletion: true;
  }[];
}

export interface ServicePort {
  readonly name: string;
  readonly protocol: 'TCP';
  readonly port: number;
}

export interface DesiredService {
  readonly metadata: Metadata;
  readonly spec: { readonly type: 'ClusterIP'; readonly ports: readonly ServicePort[] };
}

export interface DesiredSlice {
  readonly metadata: Metadata;
  readonly addressType: Endpoint['family'];
  readonly ports: readonly ServicePort[];
  readonly endpoints: readonly {
    readonly addresses: readonly string[];
    readonly conditions: { readonly ready: true; readonly serving: true; readonly terminating: false };
    readonly targetRef: {
      readonly apiVersion: string;
      readonly kind: string;
      readonly namespace: string;
      readonly name: string;
      readonly uid: string;
    };
  }[];
}

/** With this value the controllers of the cluster leave a slice alone. */
export const sliceManager = 'operator.gpuvm.dev';

export const sliceLabels = {
  service: 'kubernetes.io/service-name',
  manager: 'endpointslice.kubernetes.io/managed-by',
} as const;

/** What a resource publishes by its spec. */
export function serviceWish(
  owner: ServiceOwner,
  service: { readonly name?: string | undefined; readonly ports?: readonly { readonly name: string }[] | undefined },
  ports: ServiceWish['ports'],
): ServiceWish {
  const wanted = service.ports?.map(({ name }) => name);
  const published = ports.filter(({ name }) => wanted === undefined || wanted.includes(name));
  return { owner, name: service.name ?? owner.name, ports: published };
}

/** Without a selector: where it leads is told by slices, not found among the pods. */
export function desiredService(wish: ServiceWish): DesiredService {
  return {
    metadata: metadataOf(wish, wish.name, {}),
    spec: {
      type: 'ClusterIP',
      ports: wish.ports.map(({ name, internal }) => ({ name, protocol: 'TCP', port: internal })),
    },
  };
}

/** One slice per VM: the ports that a VM has outside are its own, and all endpoints of a slice have the same. */
export function desiredSlice(wish: ServiceWish, { vm, family, address, ports }: Endpoint): DesiredSlice {
  const { namespace } = wish.owner;
  const sliceLabel = { [sliceLabels.service]: wish.name, [sliceLabels.manager]: sliceManager };
  return {
    metadata: metadataOf(wish, sliceName(wish.name, `${vm.uid}/${family}`), sliceLabel),
    addressType: family,
    ports: ports.map(({ name, external }) => ({ name, protocol: 'TCP', port: external })),
    endpoints: [
      {
        addresses: [address],
        conditions: { ready: true, serving: true, terminating: false },
        targetRef: { apiVersion: groupVersion, kind: vm.kind, namespace, name: vm.name, uid: vm.uid },
      },
    ],
  };
}

function metadataOf({ owner }: ServiceWish, name: string, more: Readonly<Record<string, string>>): Metadata {
  const { kind, namespace, uid } = owner;
  return {
    name,
    namespace,
    labels: { [labels.managedBy]: managedByValue, ...more },
    ownerReferences: [
      { apiVersion: groupVersion, kind, name: owner.name, uid, controller: true, blockOwnerDeletion: true },
    ],
  };
}

/** The type of a slice's addresses cannot be changed, so it has a part in the name. */
function sliceName(service: string, what: string): string {
  return `${service}-${createHash('sha256').update(what).digest('hex').slice(0, 10)}`;
}
