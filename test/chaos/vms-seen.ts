import { markOf } from '../../src/api/vm-name.ts';
import type { Vm } from '../../src/sim/state.ts';
import type { Diary } from './diary.ts';
import { describeVm } from './words.ts';

/** Counts what becomes of VMs at the provider, so that a run in which nothing did is known. */
export class VmsSeen {
  readonly #diary: Diary;
  readonly #statuses = new Map<string, string>();

  constructor(diary: Diary) {
    this.#diary = diary;
  }

  look(vms: readonly Vm[]): void {
    for (const vm of vms) {
      const before = this.#statuses.get(vm.id);
      if (before === vm.status) continue;
      this.#statuses.set(vm.id, vm.status);
      if (before === undefined) this.#noteNew(vm, vms);
      else if (vm.status === 'Outbid') this.#diary.count('spot VM outbid', describeVm(vm));
      else if (before === 'Outbid' && vm.holdsCompute) this.#diary.count('spot VM came back', describeVm(vm));
    }
  }

  #noteNew(vm: Vm, vms: readonly Vm[]): void {
    this.#diary.count('VM made', describeVm(vm));
    if (vm.bid !== undefined) this.#diary.count('spot VM made', describeVm(vm));
    const owner = markOf(vm.name)?.uid;
    const others = vms.filter((one) => one !== vm && owner !== undefined && markOf(one.name)?.uid === owner);
    if (others.some(({ bid }) => bid !== undefined)) this.#diary.count('spot VM replaced', describeVm(vm));
  }
}
