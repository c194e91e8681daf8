import { markOf } from '../../src/api/vm-name.ts';
import type { VmSpec } from '../../src/api/vm.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import { money, type Money } from '../../src/lib/money.ts';
import type { Exchange, SimRequest } from '../../src/sim/index.ts';
import { computePrice, storagePrice } from '../../src/sim/stock.ts';
import type { InstantVm, Vm } from '../../src/sim/state.ts';
import { listInstants, takeInstant } from './ready-made.ts';

export interface InstantFacts {
  /** That the provider keeps ready at this moment. */
  instants(): ReadonlyMap<string, InstantVm>;
  liveVms(): readonly Vm[];
  resourceOf(uid: string): CustomObject | undefined;
  isExcused(uid: string): boolean;
  complain(what: string): void;
}

/** Holds the world to what is promised of ready-made VMs: only what was asked for is taken, and nothing is cut off of it. */
export class InstantWatch {
  readonly #facts: InstantFacts;
  /** Names of VMs that were taken ready-made. */
  readonly #taken = new Set<string>();
  /**
   * By id, the least dollars per hour at which it was ever listed. A host may become dearer between the list and the call, and
   * which list was read, with two leaders, only they know; what is paid in the end, others watch.
   */
  readonly #listedAt = new Map<string, Money>();

  constructor(facts: InstantFacts) {
    this.#facts = facts;
  }

  onSend(request: SimRequest): void {
    if (request.path === takeInstant) this.#checkChoice(request);
    if (request.path === 'client/modify/single') this.#checkSize(request);
  }

  afterExchange(request: SimRequest, exchange: Exchange): void {
    if (request.path === listInstants) this.#noteListed();
    if (request.path !== takeInstant) return;
    // Also where the answer is lost.
    if (exchange.kind === 'cut' || exchange.answer.status === 200) this.#taken.add(field(request, 'name'));
  }

  #noteListed(): void {
    for (const [id, instant] of this.#facts.instants()) {
      const price = listedPrice(instant);
      const before = this.#listedAt.get(id);
      if (before === undefined || price.lt(before)) this.#listedAt.set(id, price);
    }
  }

  /** By what the list says of it, which nobody changes but for its price. */
  #checkChoice(request: SimRequest): void {
    const instant = this.#facts.instants().get(field(request, 'instance_uuid'));
    const owner = this.#facts.resourceOf(markOf(field(request, 'name'))?.uid ?? '');
    // Somebody else was faster, or the resource has gone: nothing can be said of what was wanted.
    if (instant === undefined || owner === undefined) return;
    const {
      instant: wanted,
      gpu,
      storageGB,
      maxHourlyPrice = '0',
      operatingSystem = 'Ubuntu 22.04 LTS',
    } = owner.spec as Partial<VmSpec>;
    const { size, operatingSystem: has } = instant.kind;
    const wrong = [
      ...(wanted === undefined ? ['nobody has asked for it'] : []),
      ...(this.#wasListedWithin(instant, maxHourlyPrice) ? [] : [`it is listed above ${maxHourlyPrice}`]),
      ...(size.gpuCount === (gpu?.count ?? 1) ? [] : [`it has ${String(size.gpuCount)} GPUs`]),
      ...(gpu?.models.includes(size.gpuModel) === true ? [] : [`it has ${size.gpuModel}`]),
      ...(size.storage >= (storageGB ?? 0) ? [] : ['its disk is too small']),
      ...(has === operatingSystem ? [] : [`it has ${has}`]),
    ];
    if (wrong.length > 0)
      this.#facts.complain(`a ready-made VM is taken for ${owner.metadata.name}: ${wrong.join(', ')}`);
  }

  #wasListedWithin({ id }: InstantVm, cap: string): boolean {
    return this.#listedAt.get(id)?.lte(cap) === true;
  }

  #checkSize(request: SimRequest): void {
    const vm = this.#facts.liveVms().find(({ id }) => id === field(request, 'server_id'));
    if (vm === undefined || !this.#taken.has(vm.name) || this.#facts.isExcused(markOf(vm.name)?.uid ?? '')) return;
    const { vcpus, ram, storage } = vm.size;
    const [toVcpus, toRam, toStorage] = ['vcpus', 'ram', 'storage'].map((name) => Number(field(request, name)));
    if ((toVcpus ?? 0) < vcpus || (toRam ?? 0) < ram || (toStorage ?? 0) < storage)
      this.#facts.complain(`${vm.name} was taken ready-made, and is cut down`);
  }
}

function listedPrice({ host, kind, listedPrice: said }: InstantVm): Money {
  return money(said ?? computePrice(host, kind.size) + storagePrice(host, kind.size)).div(1e9);
}

function field({ params }: SimRequest, name: string): string {
  return params.get(name)?.[0] ?? '';
}
