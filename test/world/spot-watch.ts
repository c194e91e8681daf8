import { conditionOf } from '../../src/api/conditions.ts';
import { annotations, spotVmType } from '../../src/api/group.ts';
import type { SpotVmSpec } from '../../src/api/spot-vm.ts';
import type { VmStatus } from '../../src/api/vm.ts';
import { markOf } from '../../src/api/vm-name.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import type { Exchange, SimRequest } from '../../src/sim/index.ts';
import { SpotCalls } from './spot-calls.ts';
import { problemsOfSpotStatus } from './spot-claims.ts';
import { isOnItsWayOut, nanosOf, type SpotFacts } from './spot-facts.ts';
import { SpotPower } from './spot-power.ts';
import { SpotReturn } from './spot-return.ts';

/** Holds the world to what is promised of SpotVms beside what is promised of every VM. */
export class SpotWatch {
  readonly #facts: SpotFacts;
  readonly #power: SpotPower;
  readonly #calls: SpotCalls;
  readonly #returns: SpotReturn;
  /** By resource and the time that was said. */
  readonly #said = new Map<string, number>();
  #wasCalm = false;

  constructor(given: Omit<SpotFacts, 'firstSaidAt'>) {
    const facts: SpotFacts = { ...given, firstSaidAt: (uid, time) => this.#firstSaidAt(uid, time) };
    this.#facts = facts;
    this.#power = new SpotPower(facts);
    this.#calls = new SpotCalls(facts);
    this.#returns = new SpotReturn(facts);
  }

  onSend(process: string, request: SimRequest): void {
    this.#calls.onSend(process, request);
    this.#returns.onSend(request);
  }

  onEnd(process: string): void {
    this.#calls.onEnd(process);
  }

  onArrival(): void {
    this.#wasCalm = this.#facts.isCalm();
  }

  afterExchange(request: SimRequest, exchange: Exchange): void {
    this.#power.afterExchange(request, exchange, this.#wasCalm);
    this.#calls.afterExchange(request, exchange);
  }

  /** A SpotVm was created, or its spec changed. */
  afterSpec(object: CustomObject): void {
    this.#calls.afterSpec(object);
    this.#returns.afterSpec(object);
  }

  #firstSaidAt(uid: string, time: string): number {
    const key = `${uid} ${time}`;
    const at = this.#said.get(key) ?? this.#facts.now();
    this.#said.set(key, at);
    return at;
  }

  afterStatus(object: CustomObject, before: VmStatus | undefined): void {
    for (const problem of problemsOfSpotStatus(object, before, this.#facts))
      this.#facts.complain(`status of ${object.metadata.name}: ${problem}`);
    const { conditions, spot } = object.status as VmStatus;
    for (const time of spot?.outbidTimes ?? []) this.#firstSaidAt(object.metadata.uid, time);
    if (conditionOf(conditions, 'Ready')?.status === 'True') this.#calls.afterReady(object.metadata.uid);
  }

  /** Something has happened at the provider, beside all requests. */
  look(): void {
    this.#power.look();
  }

  /** With the resource go the VMs that were replaced, also where its own one is to be kept. */
  afterGone({ metadata: { name, uid, annotations: given }, spec, status }: CustomObject): void {
    const { vm, retiring = [] } = (status ?? {}) as VmStatus;
    if (vm === undefined || given?.[annotations.abandon] === 'true') return;
    const isKept = (spec as SpotVmSpec).deletionPolicy === 'Retain';
    // What a forged status says was replaced is somebody else's; and what may yet have its place back is kept with the VM.
    const own = this.#facts.liveVms().filter((one) => markOf(one.name)?.uid === uid && !isOnItsWayOut(one));
    const live = own.filter(({ status: said }) => said !== 'Terminated');
    const replaced = retiring.filter(({ replacedAt }) => !isKept || replacedAt !== undefined);
    for (const { id } of replaced.filter((one) => live.some((other) => other.id === one.id)))
      this.#facts.complain(`${name} is gone, but VM ${id}, which it had replaced, lives`);
  }

  /** Once things are quiet: no VM costs more than its bid. */
  checkQuiet(resources: readonly CustomObject[]): void {
    for (const { kind, status } of resources) {
      if (kind !== spotVmType.kind) continue;
      const { vm } = (status ?? {}) as VmStatus;
      const live = this.#facts.liveVms().find(({ id }) => id === vm?.id);
      if (live !== undefined && vm?.bid !== undefined && live.computeRate > nanosOf(vm.bid))
        this.#facts.complain(`VM ${live.id} costs ${String(live.computeRate / 1e9)}, above its bid of ${vm.bid}`);
    }
  }
}
