import { mkdir } from 'node:fs/promises';

import { gpuAccountType } from '../../src/api/group.ts';
import { Cluster } from '../support/cluster.ts';
import { until } from '../support/until.ts';
import { apiRequests, requestsSince, type ApiRequests } from './api-requests.ts';
import type { Contender, Ground } from './contender.ts';
import { Crowd } from './crowd.ts';
import type { Measured } from './measured.ts';
import { BenchProvider, pair } from './provider.ts';

export interface SceneOptions {
  /** dist/gpuvm.mjs: what runs in production. */
  readonly bundle: string;
  /** For logs. */
  readonly directory: string;
  readonly latencyMs?: number;
  /** Of the account, as `spec.limits` has them. */
  readonly limits?: object;
}

/** An API server that knows nothing yet, a provider without VMs, an account, and a namespace. */
export class Scene implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly provider: BenchProvider;
  readonly namespace: string;
  readonly #directory: string;
  readonly #operators: Measured[] = [];
  readonly #crowds: Crowd[] = [];

  private constructor(cluster: Cluster, provider: BenchProvider, namespace: string, directory: string) {
    this.cluster = cluster;
    this.provider = provider;
    this.namespace = namespace;
    this.#directory = directory;
  }

  static async set({ bundle, directory, latencyMs = 0, limits }: SceneOptions): Promise<Scene> {
    await mkdir(directory, { recursive: true });
    await using stack = new AsyncDisposableStack();
    const cluster = await Cluster.start();
    stack.defer(() => cluster.stop());
    const provider = await BenchProvider.start({ bundle, directory, latencyMs });
    stack.defer(() => provider.stop());
    await until(
      'the API server has its namespaces',
      async () => (await cluster.raw('/api/v1/namespaces/default')) !== '',
    );
    const namespace = await cluster.createNamespace('bench');
    await cluster.createSecret(namespace, 'tensordock', pair);
    await cluster.kube.create(gpuAccountType, {
      ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuAccount', metadata: { name: 'bench' } },
      spec: {
        ...{ endpoint: provider.url, requestsPerSecond: 1000 },
        credentialsSecretRef: { namespace, name: 'tensordock' },
        ...(limits && { limits }),
      },
    });
    stack.move();
    return new Scene(cluster, provider, namespace, directory);
  }

  /** Starts it and waits until it says that it works. */
  async start(contender: Contender, flags?: Readonly<Record<string, string>>): Promise<Measured> {
    const operator = this.spawn(contender, flags);
    await operator.ready;
    return operator;
  }

  spawn(contender: Contender, flags?: Readonly<Record<string, string>>): Measured {
    const ground: Ground = {
      kubeconfigPath: this.cluster.kubeconfigPath,
      providerUrl: this.provider.url,
      directory: this.#directory,
    };
    const operator = contender.start(ground, flags);
    this.#operators.push(operator);
    return operator;
  }

  async crowd(): Promise<Crowd> {
    const crowd = await Crowd.watch(this.cluster, this.namespace);
    this.#crowds.push(crowd);
    return crowd;
  }

  /** Writes that follow what is waited for, such as Events, belong to what led to them: resolves once there are no more. */
  async requestsUntilQuiet(before: ApiRequests): Promise<Map<string, number>> {
    let last = '';
    return until('the API server is left in peace', async () => {
      const since = requestsSince(before, await apiRequests(this.cluster));
      const writes = JSON.stringify([...since].filter(([key]) => !/^(GET|LIST|WATCH) |leases/.test(key)).toSorted());
      const isQuiet = writes === last;
      last = writes;
      return isQuiet && since;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#crowds.map((crowd) => crowd.stop()));
    // Not killed: a profile is written at the end.
    await Promise.all(this.#operators.map((operator) => operator.end()));
    await this.provider.stop();
    await this.cluster.stop();
  }
}
