import type { VmSpec } from '../api/vm.ts';
import { money } from '../lib/money.ts';
import type { Host } from '../provider/contract.ts';
import type { InstantVm } from '../provider/instant.ts';
import { rankOffers, type NoPlacement, type Offer, type PlacementLimits, type PlacementRequest } from './placement.ts';

/** The part of a spec that decides whether a ready-made VM will do. */
export type InstantWish = PlacementRequest & {
  /** Undefined: any will do. */
  readonly operatingSystem: VmSpec['operatingSystem'] | undefined;
};

export interface InstantLimits extends Omit<PlacementLimits, 'isCoolingDown' | 'priceOf' | 'rejects' | 'things'> {
  readonly isCoolingDown: (vm: InstantVm) => boolean;
}

/** An offer that is one VM as it stands: its size and price are what they are. */
export interface InstantOffer {
  readonly vm: InstantVm;
  readonly offer: Offer;
}

export type InstantRanking =
  { readonly kind: 'offers'; readonly offers: readonly [InstantOffer, ...InstantOffer[]] } | NoPlacement;

/**
 * The ready-made VMs that fit, the best first, by the same rules as hosts: each is taken for a host with room for nothing but
 * this VM. It has the GPUs and the system that are asked for, and of everything else at least so much. Which of its ports can
 * be reached nobody says beforehand.
 */
export function rankInstants(wish: InstantWish, vms: readonly InstantVm[], limits: InstantLimits): InstantRanking {
  const byHost = new Map(vms.map((vm) => [hostOf(vm), vm]));
  const { isCoolingDown, ...rest } = limits;
  const ranking = rankOffers(wish, [...byHost.keys()], {
    ...rest,
    things: ['ready-made VM', 'ready-made VMs'],
    isCoolingDown: () => false,
    rejects: (host) => whyNot(wish, byHost.get(host), isCoolingDown),
    priceOf: (host) => priceOf(byHost.get(host)),
  });
  if (ranking.kind === 'none') return ranking;
  const [first, ...others] = ranking.offers.flatMap((offer) => {
    const vm = byHost.get(offer.host);
    return vm === undefined ? [] : [{ vm, offer: { ...offer, size: vm.size, ports: [] } }];
  });
  if (first === undefined) throw new Error('an offer of a ready-made VM that is none');
  return { kind: 'offers', offers: [first, ...others] };
}

function whyNot(
  { gpu, operatingSystem }: InstantWish,
  vm: InstantVm | undefined,
  isCoolingDown: (vm: InstantVm) => boolean,
): 'otherGpus' | 'system' | 'cooling' | undefined {
  if (vm === undefined) return 'system';
  if (vm.size.gpuCount !== gpu.count) return 'otherGpus';
  if (operatingSystem !== undefined && vm.operatingSystem !== operatingSystem) return 'system';
  return isCoolingDown(vm) ? 'cooling' : undefined;
}

function priceOf(vm: InstantVm | undefined): InstantVm['price'] {
  if (vm === undefined) throw new Error('a price of a ready-made VM that is none');
  return vm.price;
}

function hostOf({ hostnode, location, uptimePercent, size }: InstantVm): Host {
  const none = money(0);
  return {
    ...{ id: hostnode, location, uptimePercent, online: true, listed: true },
    gpus: [{ model: size.gpuModel, available: size.gpuCount, price: none, vramGB: undefined }],
    vcpus: { available: size.vcpus, price: none },
    memoryGB: { available: size.memoryGB, price: none },
    storageGB: { available: size.storageGB, price: none },
    // Nothing is to be chosen.
    ...{ freePorts: [], dedicatedIp: true, restrictions: new Map() },
  };
}
