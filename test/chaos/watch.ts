import { gpuPoolType, gpuVmType, spotVmType } from '../../src/api/group.ts';
import { markOf } from '../../src/api/vm-name.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import type { KubeApi, ResourceType } from '../../src/kube/contract.ts';
import { ListWatch } from '../../src/kube/list-watch.ts';
import { Store, type ChangeListener } from '../../src/kube/store.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { Machine } from '../../src/sim/index.ts';
import type { Vm } from '../../src/sim/state.ts';
import { problemsOfVmStatus } from '../support/status-check.ts';
import type { VmObject } from '../support/vm-handle.ts';
import type { Diary } from './diary.ts';
import { Doubts } from './doubts.ts';
import { PoolWatch, vmsOf } from './pool-watch.ts';
import { mostStaleMs } from './times.ts';
import { VmsSeen } from './vms-seen.ts';
import { describeStatus, describeVm } from './words.ts';

/**
 * Looks at everything that happens, as it happens: at the providers' state machines after every request, before anything
 * else can change them, and at every resource that a watch shows.
 */
export class Watch {
  readonly #diary: Diary;
  readonly #doubts: Doubts;
  readonly #pools: PoolWatch;
  readonly #seen: VmsSeen;
  readonly #machines: Machine[] = [];
  readonly #lastRequests = new Map<Machine, unknown>();
  readonly #lists: ListWatch<CustomObject>[] = [];
  /** By UID, each resource as it was told of last; also those that are gone. */
  readonly #told = new Map<string, VmObject>();
  #kube: KubeApi | undefined;

  constructor(diary: Diary) {
    this.#diary = diary;
    this.#doubts = new Doubts(diary);
    this.#pools = new PoolWatch(diary, this.#doubts);
    this.#seen = new VmsSeen(diary);
  }

  /** Every resource's status, and that none goes while its VM lives. */
  follow(kube: KubeApi): void {
    this.#kube = kube;
    const stores = [gpuVmType, spotVmType].map((type) => {
      const store: Store<VmObject> = this.#follow<VmObject>(kube, type, ({ old, new: now }) => {
        if (old !== undefined && old.metadata.uid !== now?.metadata.uid) this.#checkGone(old);
        if (now === undefined) return;
        this.#told.set(now.metadata.uid, now);
        this.#checkStatus(now);
        this.#pools.afterVm(
          kube,
          now,
          stores.flatMap((one) => one.list()),
        );
      });
      return store;
    });
    this.#follow(kube, gpuPoolType, ({ old, new: now }) => {
      if (old !== undefined && old.metadata.uid !== now?.metadata.uid) this.#pools.afterPoolGone(old, this.#shownVms);
      if (now !== undefined) this.#pools.afterPool(now);
    });
  }

  #follow<T extends CustomObject>(kube: KubeApi, type: ResourceType, listener: ChangeListener<T>): Store<T> {
    const store = new Store<T>({ log: silentLogger });
    store.subscribe(listener);
    const list = new ListWatch<T>({
      ...{ api: kube, type, store, clock: systemClock },
      random: Math.random,
      log: silentLogger,
      backoff: { baseMs: 50, maxMs: 500 },
    });
    this.#lists.push(list as unknown as ListWatch<CustomObject>);
    list.start();
    return store;
  }

  /** Resolves when all that may be wrong has been judged. */
  settle(): Promise<void> {
    return this.#doubts.settle();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#doubts.close(), ...this.#lists.map((list) => list.stop())]);
  }

  add(machine: Machine): void {
    this.#machines.push(machine);
  }

  get liveVms(): Vm[] {
    return this.#machines.flatMap((machine) => [...machine.world.vms.values()]);
  }

  /** Those that a list may show, however old it is. */
  get #shownVms(): Vm[] {
    return this.liveVms.filter((vm) => !isHiddenByAge(vm));
  }

  /** After a request to one of the providers. */
  afterRequest(): void {
    for (const machine of this.#machines) this.#countFault(machine);
    const vms = this.liveVms;
    this.#seen.look(vms);
    const byOwner = Map.groupBy(vms, ({ name }) => markOf(name)?.uid);
    for (const [owner, own] of byOwner) if (owner !== undefined && own.length > 1) this.#checkTwo(owner, own);
  }

  /** One that was replaced is in the status before its replacement is deployed; the watch may not have told of that yet. */
  #checkTwo(owner: string, vms: readonly Vm[]): void {
    const told = this.#told.get(owner);
    const sentence = (): string => `DUPLICATE: ${owner} has ${vms.map(describeVm).join(' and ')}`;
    if (told?.kind === gpuVmType.kind) {
      this.#diary.problem(sentence());
      return;
    }
    const shown = vms.filter((vm) => !isHiddenByAge(vm));
    if (isAllowed(shown, told)) return;
    this.#doubts.raise(`VMs ${shown.map(({ id }) => id).join(' ')}`, async () => {
      const stored = (await vmsOf(this.#kube!)).find(({ metadata }) => metadata.uid === owner);
      // Of one that is gone, what it said last; and whichever of the two has been told of since.
      const said = [stored as VmObject | undefined, this.#told.get(owner)];
      return said.some((object) => isAllowed(shown, object)) ? undefined : sentence();
    });
  }

  #countFault(machine: Machine): void {
    const last = machine.log.latest().at(-1);
    if (last === undefined || this.#lastRequests.get(machine) === last) return;
    this.#lastRequests.set(machine, last);
    if (last.fault !== undefined) this.#diary.count(`fault ${last.fault}`, last.path);
  }

  #checkGone({ metadata }: VmObject): void {
    this.#diary.note(`${metadata.namespace ?? ''}/${metadata.name} (${metadata.uid}) is gone`);
    const left = this.#shownVms.filter((vm) => markOf(vm.name)?.uid === metadata.uid);
    for (const vm of left) this.#diary.problem(`LEAK: ${metadata.name} is gone, but ${describeVm(vm)} lives`);
  }

  /** Of its own, without the one before: after a restart of the API server the watch may have missed some. */
  #checkStatus({ metadata, status }: VmObject): void {
    if (status?.conditions === undefined) return;
    const key = `${metadata.namespace ?? ''}/${metadata.name}`;
    this.#diary.note(`${key}: ${describeStatus(status)}`);
    const seen = { generation: status.observedGeneration, now: Date.now() };
    for (const problem of problemsOfVmStatus(status, seen)) this.#diary.problem(`status of ${key}: ${problem}`);
  }
}

/** All but one have been replaced, says the resource. */
function isAllowed(vms: readonly Vm[], object: VmObject | undefined): boolean {
  const retiring = new Set(object?.status?.retiring?.map(({ id }) => id));
  return vms.filter(({ id }) => !retiring.has(id)).length < 2;
}

/**
 * A stale list can be older than a young VM, and so prove too early that one is gone whose deletion was confirmed: it is
 * on its way out. That it has gone in the end, the last look at the provider shows.
 */
function isHiddenByAge({ status, createdAt }: Vm): boolean {
  return status === 'Deleting' && Date.now() - createdAt < 2 * mostStaleMs;
}
