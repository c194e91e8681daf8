import { conditionOf } from '../../api/conditions.ts';
import type { VmStatus } from '../../api/vm.ts';
import { plainAddress, whyOutOfReach } from '../../lib/addresses.ts';

/** A VM that a Service may lead to, by what its status says. */
export interface ServiceVm {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly deleting: boolean;
  readonly status: VmStatus;
}

/** Where a Service leads: one VM that is Ready. */
export interface Endpoint {
  readonly vm: Pick<ServiceVm, 'kind' | 'name' | 'uid'>;
  readonly family: 'IPv4' | 'IPv6';
  readonly address: string;
  readonly ports: readonly { readonly name: string; readonly external: number }[];
}

export type EndpointView =
  | { readonly kind: 'endpoint'; readonly endpoint: Endpoint }
  | { readonly kind: 'notReady' }
  /** It is Ready, but nothing may be sent there; the end of a sentence. */
  | { readonly kind: 'unfit'; readonly why: string };

/**
 * Where the Service leads for this VM. The address comes from the provider, or from whoever may write statuses: neither of them
 * may have the traffic of pods led into the cluster, to its nodes or to a metadata service, so only what a probe may
 * be aimed at is published. A host name could mean another address every time, and kube-proxy serves none.
 */
export function endpointOf(
  { status, deleting, ...vm }: ServiceVm,
  ports: readonly string[],
  options: { readonly allowPrivate: boolean },
): EndpointView {
  const isReady = conditionOf(status.conditions, 'Ready')?.status === 'True';
  if (!isReady || deleting) return { kind: 'notReady' };
  if (status.address === undefined) return { kind: 'unfit', why: 'the provider gives no address of it' };
  const address = plainAddress(status.address);
  if (address === undefined) return { kind: 'unfit', why: `"${status.address}" is no IP address` };
  if (address.isLoopback) return { kind: 'unfit', why: `${address.text} is a loopback address` };
  const why = whyOutOfReach(address.text, options);
  if (why !== undefined) return { kind: 'unfit', why };
  const forwarded = (status.ports ?? []).filter(({ name }) => ports.includes(name));
  if (forwarded.length === 0) return { kind: 'unfit', why: 'none of the published ports is forwarded to it' };
  return {
    kind: 'endpoint',
    endpoint: {
      vm,
      family: address.family,
      address: address.text,
      ports: forwarded.map(({ name, external }) => ({ name, external })),
    },
  };
}
