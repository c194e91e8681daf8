import { annotations, finalizerName, gpuVmType } from '../../src/api/group.ts';
import type { GpuAccountStatus } from '../../src/api/gpu-account.ts';
import type { GpuVmSpec, GpuVmStatus } from '../../src/api/gpu-vm.ts';
import { conditionOf } from '../../src/api/conditions.ts';
import { markOf } from '../../src/api/vm-name.ts';
import { parseVm } from '../../src/controllers/gpu-vm/observe.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import { money } from '../../src/lib/money.ts';
import type { Vm } from '../../src/sim/state.ts';
import { lacksSynced, problemsOfConditions, problemsOfVmStatus } from '../support/status-check.ts';

/** What the watchdog looks at; everything as it really is, not as anybody believes it to be. */
export interface Facts {
  now(): number;
  liveVms(): readonly Vm[];
  /** Resources of the cluster, by UID. */
  resourceOf(uid: string): CustomObject | undefined;
}

/** Holds the world to the invariants after every step. A sentence for each breach, with the time. */
export class Watchdog {
  readonly breaches: string[] = [];
  readonly #facts: Facts;
  readonly #installation: string;
  /** Ids of VMs that have been seen running at the provider. */
  readonly #everRunning = new Set<string>();
  /** The size that each VM had when it was first seen. */
  readonly #firstSizes = new Map<string, Vm['size']>();

  constructor(installation: string, facts: Facts) {
    this.#installation = installation;
    this.#facts = facts;
  }

  /** After the provider has dealt with a request. */
  afterExchange(): void {
    const byOwner = new Map<string, Vm[]>();
    for (const vm of this.#facts.liveVms()) {
      if (vm.status === 'Running') this.#everRunning.add(vm.id);
      const mark = markOf(vm.name);
      if (mark?.installation !== this.#installation) continue;
      byOwner.set(mark.uid, [...(byOwner.get(mark.uid) ?? []), vm]);
      if (!this.#firstSizes.has(vm.id)) this.#checkNew(vm, mark.uid);
    }
    for (const [uid, vms] of byOwner) {
      if (vms.length > 1) this.complain(`${uid} has ${vms.length} live VMs: ${vms.map(({ name }) => name).join(', ')}`);
    }
  }

  #checkNew(vm: Vm, uid: string): void {
    this.#firstSizes.set(vm.id, vm.size);
    const owner = this.#facts.resourceOf(uid);
    if (owner === undefined) {
      this.complain(`a VM was deployed for ${uid}, which does not exist`);
      return;
    }
    if (owner.metadata.finalizers?.includes(finalizerName) !== true) {
      this.complain(`a VM was deployed for ${owner.metadata.name}, which has no finalizer`);
    }
    const launch = (owner.status as GpuVmStatus | undefined)?.launch;
    if (launch?.name !== vm.name)
      this.complain(`${vm.name} was deployed, but the journal says ${launch?.name ?? 'nothing'}`);
  }

  /** A resource has gone from the cluster; this was its last state. */
  afterGone(last: CustomObject): void {
    const { name, uid } = last.metadata;
    if (parseVm(last).spec.deletionPolicy === 'Retain') return;
    if (last.metadata.annotations?.[annotations.abandon] === 'true') return;
    for (const vm of this.#facts.liveVms()) {
      if (markOf(vm.name)?.uid === uid) this.complain(`${name} is gone, but its VM ${vm.id} (${vm.status}) lives`);
    }
  }

  /** A status was written. */
  afterStatus(kind: string, object: CustomObject, before: object | undefined): void {
    const seen = { before, generation: object.metadata.generation, now: this.#facts.now(), onTheWayMs: 2_000 };
    const status = object.status as GpuVmStatus;
    const generation = status.observedGeneration;
    // A status speaks of the generation that it was made from, which may be older than the one that is stored.
    const looked = { ...seen, generation };
    const problems =
      kind === gpuVmType.kind
        ? [...problemsOfVmStatus(status, looked), ...(lacksSynced(status) ? ['Synced is missing'] : [])]
        : problemsOfConditions(object.status as GpuAccountStatus, looked);
    if (generation === undefined || generation > (object.metadata.generation ?? 0))
      problems.push('observedGeneration is not one that was');
    if (kind === gpuVmType.kind) problems.push(...this.#unfounded(status));
    for (const problem of problems) this.complain(`status of ${object.metadata.name}: ${problem}`);
  }

  /** Claims about a VM that was never seen. */
  #unfounded(status: GpuVmStatus): string[] {
    const id = status.vm?.id;
    if (conditionOf(status.conditions, 'Ready')?.status !== 'True') return [];
    return id !== undefined && this.#everRunning.has(id) ? [] : [`Ready, but its VM ${id ?? '(none)'} never ran`];
  }

  /** Once things are quiet: every live VM belongs to a resource, and none costs more than it may. */
  checkQuiet(resources: readonly CustomObject[], released: ReadonlySet<string>): void {
    const recorded = new Map(
      resources.map((object) => [(object.status as GpuVmStatus | undefined)?.vm?.id, object] as const),
    );
    for (const vm of this.#facts.liveVms()) {
      const owner = recorded.get(vm.id);
      if (owner === undefined) {
        if (!released.has(markOf(vm.name)?.uid ?? ''))
          this.complain(`VM ${vm.id} (${vm.name}) lives and nobody owns it`);
        continue;
      }
      const cap = (owner.spec as GpuVmSpec).maxHourlyPrice;
      const price = money(vm.computeRate + vm.storageRate).div(1e9);
      // A resized VM has a new price, which its cap was compared with before; the market may have moved since.
      if (vm.size !== this.#firstSizes.get(vm.id)) continue;
      if (cap !== undefined && price.gt(cap))
        this.complain(`VM ${vm.id} costs ${price.toFixed()}, above the cap ${cap}`);
    }
  }

  complain(what: string): void {
    const sentence = `${new Date(this.#facts.now()).toISOString()} ${what}`;
    if (this.breaches.length < 20) this.breaches.push(sentence);
  }
}
