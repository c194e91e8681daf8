import type { SpotVmSpec } from '../../api/spot-vm.ts';
import type { VmSpec } from '../../api/vm.ts';
import { parseMoney, type Money } from '../../lib/money.ts';
import type { PlacementRequest } from '../../plan/placement.ts';
import { priceCap } from '../../plan/price.ts';

/** What somebody wants to rent. */
export interface Wish {
  readonly request: PlacementRequest;
  /** Most per hour, compute and storage. */
  readonly cap: Money | undefined;
  /** Of a spot VM: what is bid first, and at most, per hour and for compute only. */
  readonly bid: { readonly first: Money; readonly most: Money } | undefined;
  /** No model is named: all of the inventory will do. */
  readonly anyModel: boolean;
  /** Of a ready-made VM; undefined: any will do. */
  readonly operatingSystem: string | undefined;
  /** A ready-made VM is taken, if one fits. */
  readonly prefersInstant: boolean;
}

type WishSpec = PlacementRequest & Pick<VmSpec, 'maxHourlyPrice' | 'operatingSystem' | 'instant'>;

export function wishOf(spec: WishSpec, bid?: SpotVmSpec['bid']): Wish {
  const { operatingSystem, instant } = spec;
  const held = bid === undefined ? undefined : bidOf(bid);
  const prefersInstant = instant === 'Prefer' && held === undefined;
  return { request: spec, cap: priceCap(spec), bid: held, anyModel: false, operatingSystem, prefersInstant };
}

function bidOf({ price, maxPrice }: SpotVmSpec['bid']): Wish['bid'] {
  const first = parseMoney(price);
  const most = parseMoney(maxPrice ?? price);
  return first === undefined || most === undefined ? undefined : { first, most };
}

/** "1x any GPU, 4 vCPUs, 16 GB memory, 100 GB disk". */
export function describeWish({ request, anyModel }: Wish): string {
  const { gpu, vcpus, memoryGB, storageGB } = request;
  const models = anyModel ? 'any GPU' : gpu.models.join(' or ');
  return `${gpu.count}x ${models}, ${vcpus} vCPUs, ${memoryGB} GB memory, ${storageGB} GB disk`;
}
