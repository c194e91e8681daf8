import { Refusal, success } from '../answers.ts';
import type { Nanos } from '../nanos.ts';
import { bidWins, lowestWinningBid } from '../spot-market.ts';
import type { Host, VmSize, World } from '../state.ts';
import { gpuPool } from '../stock.ts';
import { readSize } from './deploy.ts';
import { findVm, type Endpoint } from './endpoint.ts';
import { findHost } from './hostnodes.ts';

/** API reference 6.1. Changes nothing. A price that is too low and a full host get one and the same refusal. */
const validateNew: Endpoint = {
  path: 'client/spot/validate/new',
  method: 'POST',
  auth: 'none',
  bareRefusals: true,
  handle: (world, { fields }) => {
    const size = readSize(fields);
    const bid = fields.price('price');
    const host = findHost(world, fields.text('hostnode'));
    if (size.gpuCount > 0) gpuPool(host, size.gpuModel);
    if (host.storage.free < size.storage || !hasPlace(world, { host, size, bid })) throw refusedPrice();
    return success();
  },
};

/** API reference 6.2: whether the VM would start, or go on running, at the price. */
const validateExisting: Endpoint = {
  path: 'client/spot/validate/existing',
  method: 'POST',
  auth: 'required',
  bareRefusals: true,
  handle: (world, { fields }) => {
    const vm = findVm(world, fields.text('server'));
    const bid = fields.price('price');
    if (vm.bid === undefined) throw new Refusal('wrongState', 'Machine is not a spot instance');
    const wins = vm.holdsCompute ? bid >= lowestWinningBid(vm.host, vm.size) : hasPlace(world, { ...vm, bid });
    if (!wins) throw refusedPrice();
    return success();
  },
};

interface Offer {
  readonly host: Host;
  readonly size: VmSize;
  readonly bid: Nanos;
}

function hasPlace(world: World, offer: Offer): boolean {
  return offer.host.online && bidWins(world, offer);
}

function refusedPrice(): Refusal {
  return new Refusal('priceTooLow', 'Price is too low or resources are missing');
}

export const spotEndpoints = [validateNew, validateExisting];
