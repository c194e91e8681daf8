import { gpuVmType } from '../../src/api/group.ts';
import type { GpuVmStatus } from '../../src/api/gpu-vm.ts';
import { markOf } from '../../src/api/vm-name.ts';
import { ListWatch } from '../../src/kube/list-watch.ts';
import { Store } from '../../src/kube/store.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { Machine } from '../../src/sim/index.ts';
import type { Vm } from '../../src/sim/state.ts';
import type { Cluster } from '../support/cluster.ts';
import { problemsOfVmStatus } from '../support/status-check.ts';
import type { GpuVm } from '../support/vm-handle.ts';
import type { Diary } from './diary.ts';
import { mostStaleMs } from './times.ts';

/**
 * Looks at everything that happens, as it happens: at the providers' state machines after every request, before anything
 * else can change them, and at every resource that a watch shows.
 */
export class Watch {
  readonly #diary: Diary;
  readonly #machines: Machine[] = [];
  readonly #known = new Set<string>();
  readonly #lastRequests = new Map<Machine, unknown>();
  #list: ListWatch<GpuVm> | undefined;

  constructor(diary: Diary) {
    this.#diary = diary;
  }

  /** Every resource's status, and that none goes while its VM lives. */
  follow(cluster: Cluster): void {
    const store = new Store<GpuVm>({ log: silentLogger });
    store.subscribe(({ old, new: now }) => {
      if (old !== undefined && old.metadata.uid !== now?.metadata.uid) this.#checkGone(old);
      if (now !== undefined) this.#checkStatus(now);
    });
    this.#list = new ListWatch({
      ...{ api: cluster.kube, type: gpuVmType, store, clock: systemClock },
      random: Math.random,
      log: silentLogger,
      backoff: { baseMs: 50, maxMs: 500 },
    });
    this.#list.start();
  }

  async stop(): Promise<void> {
    await this.#list?.stop();
  }

  add(machine: Machine): void {
    this.#machines.push(machine);
  }

  get liveVms(): Vm[] {
    return this.#machines.flatMap((machine) => [...machine.world.vms.values()]);
  }

  /** After a request to one of the providers. */
  afterRequest(): void {
    for (const machine of this.#machines) this.#countFault(machine);
    const byOwner = new Map<string, Vm[]>();
    for (const vm of this.liveVms) {
      this.#noteNew(vm);
      const owner = markOf(vm.name)?.uid;
      if (owner !== undefined) byOwner.set(owner, [...(byOwner.get(owner) ?? []), vm]);
    }
    for (const [owner, vms] of byOwner) {
      if (vms.length > 1) this.#diary.problem(`DUPLICATE: ${owner} has ${vms.map(describeVm).join(' and ')}`);
    }
  }

  #noteNew(vm: Vm): void {
    if (this.#known.has(vm.id)) return;
    this.#known.add(vm.id);
    this.#diary.count('VM made', describeVm(vm));
  }

  #countFault(machine: Machine): void {
    const last = machine.log.latest().at(-1);
    if (last === undefined || this.#lastRequests.get(machine) === last) return;
    this.#lastRequests.set(machine, last);
    if (last.fault !== undefined) this.#diary.count(`fault ${last.fault}`, last.path);
  }

  #checkGone({ metadata }: GpuVm): void {
    this.#diary.note(`${metadata.namespace ?? ''}/${metadata.name} (${metadata.uid}) is gone`);
    const left = this.liveVms.filter((vm) => markOf(vm.name)?.uid === metadata.uid && !isHiddenByAge(vm));
    for (const vm of left) this.#diary.problem(`LEAK: ${metadata.name} is gone, but ${describeVm(vm)} lives`);
  }

  /** Of its own, without the one before: after a restart of the API server the watch may have missed some. */
  #checkStatus({ metadata, status }: GpuVm): void {
    if (status?.conditions === undefined) return;
    const key = `${metadata.namespace ?? ''}/${metadata.name}`;
    this.#diary.note(`${key}: ${describeStatus(status)}`);
    const seen = { generation: status.observedGeneration, now: Date.now() };
    for (const problem of problemsOfVmStatus(status, seen)) this.#diary.problem(`status of ${key}: ${problem}`);
  }
}

/**
 * A stale list can be older than a young VM, and so prove too early that one is gone whose deletion was confirmed: it is
 * on its way out. That it has gone in the end, the last look at the provider shows.
 */
function isHiddenByAge({ status, createdAt }: Vm): boolean {
  return status === 'Deleting' && Date.now() - createdAt < 2 * mostStaleMs;
}

export function describeVm({ id, name, status }: Vm): string {
  return `VM ${id} (${name}, ${status})`;
}

export function describeStatus({ phase, conditions, vm, launch }: GpuVmStatus): string {
  const ready = conditions?.find(({ type }) => type === 'Ready');
  const attempt = launch === undefined ? '' : `, launch ${launch.attempt} ${launch.outcome} ${launch.failures}`;
  return `${phase ?? ''} Ready=${ready?.status ?? ''} ${ready?.reason ?? ''}, VM ${vm?.id ?? 'none'}${attempt}`;
}
