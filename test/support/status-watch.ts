import { gpuVmType } from '../../src/api/group.ts';
import { ListWatch } from '../../src/kube/list-watch.ts';
import { Store } from '../../src/kube/store.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { Cluster } from './cluster.ts';
import { problemsOfVmStatus } from './status-check.ts';
import type { GpuVm } from './vm-handle.ts';

/** Between what the operator's clock said and when the watch shows it here. */
const slackMs = 5_000;

/** Looks at every status of every GpuVm that is ever written, and collects what breaks the conventions. */
export class StatusWatch {
  readonly #watch: ListWatch<GpuVm>;
  readonly #problems = new Set<string>();
  readonly #excused = new Set<string>();

  constructor(cluster: Cluster) {
    const store = new Store<GpuVm>({ log: silentLogger });
    store.subscribe(({ old, new: now }) => {
      if (now !== undefined) this.#check(now, old?.metadata.uid === now.metadata.uid ? old : undefined);
    });
    this.#watch = new ListWatch({
      ...{ api: cluster.kube, type: gpuVmType, store, clock: systemClock },
      random: Math.random,
      log: silentLogger,
    });
    this.#watch.start();
  }

  get problems(): string[] {
    return [...this.#problems];
  }

  /** From now on nothing is held against the status of this object. */
  excuse({ namespace, name }: { readonly namespace: string; readonly name: string }): void {
    this.#excused.add(`${namespace}/${name}`);
  }

  stop(): Promise<void> {
    return this.#watch.stop();
  }

  #check({ metadata, status }: GpuVm, before: GpuVm | undefined): void {
    const key = `${metadata.namespace ?? ''}/${metadata.name}`;
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
