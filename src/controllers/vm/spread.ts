import type { GpuPoolSpec } from '../../api/gpu-pool.ts';
import type { VmStatus } from '../../api/vm.ts';
import { keyOf } from '../../kube/contract.ts';
import type { Indexed, ReadStore } from '../../kube/store.ts';
import type { AccountView } from '../../plan/vm/observation.ts';
import type { Host } from '../../provider/contract.ts';
import type { CustomObject } from '../objects.ts';
import { memberKeyOf, poolOwnerOf } from '../pool-owner.ts';

/**
 * Hosts that were chosen for VMs that are being launched: in the status, where others see them, they are a moment later. Noted
 * in the same moment as they are chosen, so that two members do not choose one host at once.
 */
export class ChosenHosts {
  readonly #hosts = new Map<string, string>();

  async during<T>(uid: string, hostnode: string, launch: () => Promise<T>): Promise<T> {
    this.#hosts.set(uid, hostnode);
    try {
      return await launch();
    } finally {
      this.#hosts.delete(uid);
    }
  }

  of(uid: string): string | undefined {
    return this.#hosts.get(uid);
  }
}

export interface SpreadDeps {
  readonly pools: ReadStore<CustomObject>;
  /** By `owner`. */
  readonly vms: Indexed<CustomObject>;
  readonly chosenHosts: ChosenHosts;
}

type Spread = NonNullable<GpuPoolSpec['spread']>;

/** Whether a host, or its location, has as many members of this one's pool as it may have; undefined: nobody limits it. */
export function spreadOf(
  deps: SpreadDeps,
  member: CustomObject,
  account: AccountView,
): ((host: Host) => boolean) | undefined {
  const owner = poolOwnerOf(member);
  if (owner === undefined) return undefined;
  const pool = deps.pools.get(keyOf({ namespace: member.metadata.namespace, name: owner.name }));
  const spread = (pool?.spec as { spread?: Spread } | undefined)?.spread;
  if (pool?.metadata.uid !== owner.uid || spread === undefined) return undefined;
  let counts: ReadonlyMap<string, number> | undefined;
  return (host) => {
    // Most looks at a member ask for no host.
    const hosts = (account.kind === 'ready' ? account.offers.hosts : undefined) ?? [];
    counts ??= countByDomain(deps, othersOf(deps, pool, member), { spread, hosts });
    return (counts.get(domainOf(host, spread)) ?? 0) >= spread.maxPerDomain;
  };
}

function othersOf({ vms }: SpreadDeps, pool: CustomObject, { metadata }: CustomObject): CustomObject[] {
  return vms.byIndex('owner', memberKeyOf(pool)).filter((object) => object.metadata.uid !== metadata.uid);
}

function countByDomain(
  { chosenHosts }: SpreadDeps,
  members: readonly CustomObject[],
  { spread, hosts }: { readonly spread: Spread; readonly hosts: readonly Host[] },
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { metadata, status } of members) {
    const { hostnode, location } = placeOf(status ?? {}, chosenHosts.of(metadata.uid));
    const host = hosts.find(({ id }) => id === hostnode);
    // A host that the inventory does not list, as one that is offline, is known by what its VM says.
    const domain = spread.by === 'Hostnode' ? hostnode : host === undefined ? location : domainOf(host, spread);
    if (domain !== undefined) counts.set(domain, (counts.get(domain) ?? 0) + 1);
  }
  return counts;
}

interface Place {
  readonly hostnode: string | undefined;
  readonly location?: string | undefined;
}

/** Where a member is, or may be: a deployment of which nobody knows how it ended counts. */
function placeOf({ vm, launch, location }: VmStatus, chosen: string | undefined): Place {
  if (chosen !== undefined) return { hostnode: chosen };
  if (launch?.outcome === 'Pending' || launch?.outcome === 'Uncertain') return { hostnode: launch.hostnode };
  return vm === undefined ? { hostnode: undefined } : { hostnode: vm.hostnode, location };
}

/** A location as statuses show it. */
function domainOf({ id, location: { city, country } }: Host, { by }: Spread): string {
  return by === 'Hostnode' ? id : [city, country].filter((part) => part !== undefined && part !== '').join(', ');
}
