import { gpuVmType, spotVmType } from '../../src/api/group.ts';
import { ListWatch } from '../../src/kube/list-watch.ts';
import { Store } from '../../src/kube/store.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { Cluster } from './cluster.ts';
import { problemsOfVmStatus } from './status-check.ts';
import type { VmHandle, VmObject } from './vm-handle.ts';

/** Between what the operator's clock said and when the watch shows it here. */
const slackMs = 5_000;

/** Looks at every status of every GpuVm and SpotVm that is ever written, and collects what breaks the conventions. */
export class StatusWatch {
  readonly #watches: readonly ListWatch<VmObject>[];
  readonly #problems = new Set<string>();
  readonly #excused = new Set<string>();

  constructor(cluster: Cluster) {
    this.#watches = [gpuVmType, spotVmType].map((type) => {
      const store = new Store<VmObject>({ log: silentLogger });
      store.subscribe(({ old, new: now }) => {
        if (now !== undefined) this.#check(type.kind, now, old?.metadata.uid === now.metadata.uid ? old : undefined);
      });
      return new ListWatch({
        ...{ api: cluster.kube, type, store, clock: systemClock },
        random: Math.random,
        log: silentLogger,
      });
    });
    for (const watch of this.#watches) watch.start();
  }

  get problems(): string[] {
    return [...this.#problems];
  }

  /** From now on nothing is held against the status of this object. */
  excuse({ type, namespace, name }: Pick<VmHandle, 'type' | 'namespace' | 'name'>): void {
    this.#excused.add(`${type.kind} ${namespace}/${name}`);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#watches.map((watch) => watch.stop()));
  }

  #check(kind: string, { metadata, status }: VmObject, before: VmObject | undefined): void {
    const key = `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
    if (status?.conditions === undefined || this.#excused.has(key)) return;
    const found = (now: number): string[] =>
      problemsOfVmStatus(status, { before: before?.status, generation: status.observedGeneration, now });
    const late = found(Date.now() - slackMs);
    // What is wrong by the time of the write is wrong now and a moment ago.
    for (const problem of found(Date.now())) {
      if (late.includes(problem)) this.#problems.add(`${key}: ${problem}`);
    }
  }
}
