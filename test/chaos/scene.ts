import path from 'node:path';
import { mkdirSync } from 'node:fs';

import { Random } from '../../src/sim/random.ts';
import { Cluster } from '../support/cluster.ts';
import { compileOperator } from '../support/operator-process.ts';
import { Organization } from '../support/organization.ts';
import { RestartableControlPlane } from '../support/restartable-control-plane.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';
import { Wire } from '../support/wire.ts';
import { Ambush } from './ambush.ts';
import { Diary } from './diary.ts';
import { Operators } from './operators.ts';
import { Hider } from './hider.ts';
import type { ChaosOptions } from './options.ts';
import { inputs, plantedInputs } from './planted.ts';
import { providerTimes } from './times.ts';
import { Watch } from './watch.ts';

/** A customer of the provider, and what lies between the operator and that provider. */
export interface Account {
  readonly organization: Organization;
  readonly proxy: TcpProxy;
  readonly ambush: Ambush;
  readonly hider: Hider;
}

/** Everything that runs. */
export interface Scene extends AsyncDisposable {
  readonly directory: string;
  readonly controlPlane: RestartableControlPlane;
  /** The users' way to the API server. */
  readonly cluster: Cluster;
  /** The operator's. */
  readonly wire: Wire;
  readonly accounts: readonly Account[];
  /** Where users have VMs of either account. */
  readonly sharedNamespace: string;
  readonly operators: Operators;
  readonly diary: Diary;
  readonly watch: Watch;
}

/** Enough that some are left when others cool down. */
const hosts = 80;

/** How each account's provider sells what is left over: what is not known of it is played both ways. */
const markets = [
  { spotVolatility: 0.3, outbidReturns: 'by-start', spotCompetition: 'market' },
  { spotVolatility: 0.3, outbidReturns: 'by-itself', spotCompetition: 'bids' },
] as const;

/** Starts all of it. What had been started when something fails is ended again. */
export async function startScene(options: ChaosOptions, directory: string): Promise<Scene> {
  const { seed } = options;
  await using stack = new AsyncDisposableStack();
  const diary = new Diary(directory);
  const [controlPlane] = await Promise.all([RestartableControlPlane.start(directory), compileOperator()]);
  const cluster = Cluster.on(controlPlane);
  stack.defer(() => cluster.stop());
  await until('the API server has its namespaces', async () => isSettled(cluster));
  const watch = new Watch(diary);
  stack.defer(() => watch.stop());
  watch.follow(cluster.kube);
  const accounts: Account[] = [];
  for (const market of markets) {
    accounts.push(await openAccount(stack, { cluster, watch, market, seed: seed + accounts.length + 1 }));
  }
  const sharedNamespace = await cluster.createNamespace('shared');
  for (const namespace of [...accounts.map(({ organization }) => organization.namespace), sharedNamespace]) {
    await cluster.createSecret(namespace, inputs, plantedInputs);
  }
  const wire = await Wire.to(cluster.kubeconfigPath);
  stack.defer(() => wire.remove());
  const logs = path.join(directory, 'operators');
  mkdirSync(logs);
  const operators = new Operators({
    ...{ ...options, kubeconfigPath: wire.kubeconfigPath, directory: logs, diary },
    leaseNamespace: sharedNamespace,
  });
  stack.defer(() => operators.close());
  await operators.untilStarted();
  const running = stack.move();
  return {
    ...{ directory, controlPlane, cluster, wire, accounts, sharedNamespace, operators, diary, watch },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function isSettled(cluster: Cluster): Promise<boolean> {
  await Promise.all(['default', 'kube-system'].map((name) => cluster.raw(`/api/v1/namespaces/${name}`)));
  return true;
}

async function openAccount(
  stack: AsyncDisposableStack,
  { cluster, watch, market, seed }: { cluster: Cluster; watch: Watch; market: (typeof markets)[number]; seed: number },
): Promise<Account> {
  const ambush = new Ambush();
  const hider = new Hider(new Random(seed, 'hider'));
  let proxy: TcpProxy | undefined;
  const organization = await Organization.found(cluster, {
    ...{ seed, hosts, balance: '100000', ...providerTimes, ...market },
    requestsPerSecond: 100,
    onChange: (machine) => {
      watch.afterRequest();
      hider.afterRequest(machine);
    },
    endpoint: async (url) => {
      const { hostname, port, pathname } = new URL(url);
      proxy = await TcpProxy.before({ host: hostname, port: Number(port) }, ambush.inspect);
      return `http://127.0.0.1:${String(proxy.port)}${pathname}`;
    },
  });
  const made = proxy!;
  stack.defer(() => organization.simulator.close());
  stack.defer(() => made.close());
  watch.add(organization.simulator.machine);
  return { organization, proxy: made, ambush, hider };
}
