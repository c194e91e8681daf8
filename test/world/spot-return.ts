import { spotVmSpecSchema } from '../../src/api/spot-vm.ts';
import { markOf } from '../../src/api/vm-name.ts';
import type { VmStatus } from '../../src/api/vm.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import { parseDuration } from '../../src/lib/duration.ts';
import type { SimRequest } from '../../src/sim/index.ts';
import { field, type SpotFacts } from './spot-facts.ts';

/** Of all specs that a resource has had. */
interface Wishes {
  /** The shortest time for which a bid had to be winnable before an on-demand VM is given up for it. */
  readonly afterMs: number;
  /** Whatever of it can be changed. */
  readonly size: string;
  /** Somebody wanted it stopped, or of another size: then its VM may be stopped for that. */
  readonly isStoppedOtherwise: boolean;
}

/**
 * On-demand VMs are given up for spot VMs when a bid has been winnable beside them for as long as their owner says, and not
 * sooner: a boot costs work and money.
 */
export class SpotReturn {
  readonly #facts: SpotFacts;
  /** By UID. */
  readonly #wishes = new Map<string, Wishes>();

  constructor(facts: SpotFacts) {
    this.#facts = facts;
  }

  /** A SpotVm was created or changed by a user. */
  afterSpec({ metadata: { uid }, spec }: CustomObject): void {
    const { powerState, schedule, vcpus, memoryGB, storageGB, returnToSpot } = spotVmSpecSchema.parse(spec);
    const known = this.#wishes.get(uid);
    const size = [vcpus, memoryGB, storageGB].join(' ');
    const afterMs = returnToSpot === undefined ? Infinity : (parseDuration(returnToSpot.after) ?? 0);
    this.#wishes.set(uid, {
      afterMs: Math.min(known?.afterMs ?? Infinity, afterMs),
      size,
      isStoppedOtherwise:
        powerState !== 'Running' ||
        schedule !== undefined ||
        known?.isStoppedOtherwise === true ||
        (known?.size ?? size) !== size,
    });
  }

  onSend(request: SimRequest): void {
    if (request.path !== 'client/stop/single') return;
    const vm = this.#facts.liveVms().find(({ id }) => id === field(request, 'server'));
    const uid = markOf(vm?.name ?? '')?.uid ?? '';
    const owner = this.#facts.resourceOf(uid);
    const wishes = this.#wishes.get(uid);
    // One that was replaced, and that the provider has brought back, is stopped at once.
    const isTheVm = (owner?.status as VmStatus | undefined)?.vm?.id === vm?.id;
    if (vm === undefined || vm.bid !== undefined || wishes === undefined || wishes.isStoppedOtherwise) return;
    if (!isTheVm || this.#facts.isExcused(uid) || !this.#facts.isOneActing) return;
    const ranMs = this.#facts.now() - (this.#facts.firstRanAt(vm.id) ?? this.#facts.now());
    if (ranMs < wishes.afterMs)
      this.#facts.complain(`on-demand VM ${vm.id} is given up for a spot VM after ${String(ranMs)} ms`);
  }
}
