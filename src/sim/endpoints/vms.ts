import { bytesAnswer, Refusal, success, type Answer } from '../answers.ts';
import { addressOf, type World } from '../state.ts';
import { beginTransition, describeVm, isBeingDeleted } from '../vms.ts';
import { findVm, type Call, type Endpoint } from './endpoint.ts';

const listHead = Buffer.from('{"success":true,"virtualmachines":');
const listTail = Buffer.from('}\n');

/** API reference 5.2. */
const list: Endpoint = {
  path: 'client/list',
  method: 'POST',
  auth: 'required',
  handle: (world) => listAnswer(world.history.current()),
};

/** The list around a map of VMs that is JSON already. */
export function listAnswer(map: Buffer): Answer {
  return bytesAnswer(200, Buffer.concat([listHead, map, listTail]));
}

/** API reference 5.3; A4: the fields of the list as well. `hostname` is an address here. */
const get: Endpoint = {
  path: 'client/get/single',
  method: 'POST',
  auth: 'required',
  handle: (world, { fields }) => {
    const vm = findVm(world, fields.text('server'));
    return success({ [world.options.getSingleKey]: { ...describeVm(vm), hostname: addressOf(vm) } });
  },
};

/** API reference 5.7. A31: the second time is refused, in words that hold "already terminated". */
const remove: Endpoint = { path: 'client/delete/single', method: 'POST', auth: 'required', handle: deleteSingle };

function deleteSingle(world: World, { fields }: Call): Answer {
  const id = fields.text('server').trim().toLowerCase();
  if (world.terminated.has(id)) throw alreadyTerminated();
  const vm = findVm(world, id);
  if (isBeingDeleted(vm)) throw alreadyTerminated();
  const { deleteStatus, deleteDelayMs } = world.options;
  beginTransition(world, vm, { during: deleteStatus, to: undefined, delayMs: deleteDelayMs });
  return success();
}

function alreadyTerminated(): Refusal {
  return new Refusal('wrongState', 'Machine is already terminated');
}

export const vmEndpoints = [list, get, remove];
