import { Refusal, type Answer } from '../answers.ts';
import type { Fields } from '../fields.ts';
import type { Vm, World } from '../state.ts';

export interface Call {
  readonly fields: Fields;
  /** What stands in the path's place holder; empty where there is none. */
  readonly pathId: string;
  /** Whether the call came with the right pair; always true where one is required. */
  readonly isAuthorized: boolean;
}

/** One of the 22 requests of the API reference, section 2. */
export interface Endpoint {
  /** The path below the API's base, with its place holder; also the name used by faults and counters. */
  readonly path: string;
  readonly method: 'GET' | 'POST';
  readonly auth: 'required' | 'optional' | 'none';
  /** Refusals are `{"success": false}` and no more (A3). */
  readonly bareRefusals?: boolean;
  /** Carries the call out, or throws a Refusal having changed nothing. */
  readonly handle: (world: World, call: Call) => Answer;
}

/** The VM that a parameter names. A32: an id of nobody's and no id at all get the same refusal. */
export function findVm(world: World, id: string): Vm {
  const vm = world.vms.get(id.trim().toLowerCase());
  if (vm === undefined) throw new Refusal('unknown', 'Server not found');
  return vm;
}

/** The refusal of a call that does not fit the VM's status, in the words that clients look for (14.5). */
export function wrongState(vm: Vm, participle: string): Refusal {
  return new Refusal('wrongState', `Machine is ${vm.status.toLowerCase()}, therefore it cannot be ${participle}`);
}
