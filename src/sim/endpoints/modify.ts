import { Refusal, success, type Answer } from '../answers.ts';
import type { Nanos } from '../nanos.ts';
import { checkRestrictions, Status, type Vm, type VmSize, type World } from '../state.ts';
import {
  computePrice,
  giveBackCompute,
  gpuPool,
  hasCompute,
  notEnoughResources,
  storagePrice,
  takeCompute,
  takeStorage,
} from '../stock.ts';
import { changed } from '../vms.ts';
import { readSize } from './deploy.ts';
import { findVm, wrongState, type Call, type Endpoint } from './endpoint.ts';

/** API reference 5.6. The VM is `server_id` in the request and `server` in the answer. A8, A41. */
const modify: Endpoint = { path: 'client/modify/single', method: 'POST', auth: 'required', handle: modifySingle };

const modifiable: ReadonlySet<string> = new Set([Status.stopped, Status.released]);

function modifySingle(world: World, { fields }: Call): Answer {
  const vm = findVm(world, fields.text('server_id'));
  const size = readSize(fields);
  if (!vm.networkStorage)
    throw new Refusal('invalid', 'Machine is not of type network storage, therefore it cannot be modified');
  if (!modifiable.has(vm.status)) throw wrongState(vm, 'modified');
  if (size.gpuCount > 0) gpuPool(vm.host, size.gpuModel);
  checkRestrictions(vm.host, size);
  checkRoom(vm, size);
  resize(vm, size);
  changed(world, vm);
  return success({ server: vm.id });
}

/** The VM's own resources count as free. A VM that holds no compute only needs room for its disk now. */
function checkRoom(vm: Vm, size: VmSize): void {
  const { host } = vm;
  if (host.storage.free + vm.size.storage < size.storage) throw notEnoughResources();
  if (!vm.holdsCompute) return;
  giveBackCompute(host, vm.size);
  const fits = hasCompute(host, size);
  takeCompute(host, vm.size);
  if (!fits) throw notEnoughResources();
}

function resize(vm: Vm, size: VmSize): void {
  if (vm.holdsCompute) {
    giveBackCompute(vm.host, vm.size);
    takeCompute(vm.host, size);
  }
  takeStorage(vm.host, size.storage - vm.size.storage);
  vm.size = size;
  vm.computeRate = rateOf(vm, size);
  vm.storageRate = storagePrice(vm.host, size);
}

/** A spot VM goes on costing its bid. */
function rateOf(vm: Vm, size: VmSize): Nanos {
  return vm.bid ?? computePrice(vm.host, size);
}

export const modifyEndpoints = [modify];
