import { createServer, type AddressInfo } from 'node:net';

import { startControlPlane } from '../../hack/control-plane/start.ts';
import type { ResourceType } from '../../src/kube/contract.ts';
import { Cli, type CliEnd } from './cli.ts';
import { Cluster } from './cluster.ts';
import type { Rule } from './grants.ts';
import { chartPath, Helm, type Manifest, type Values } from './helm.ts';
import { commandOf, type Deployment, type PodSpec } from './kubelet.ts';
import { OperatorProcess, shortenedTimes, type OperatorFlags } from './operator-process.ts';
import type { House } from './stage.ts';
import { kubeconfigOf } from './user.ts';
import type { Witness } from './witness.ts';

export const release = { name: 'gpuvm-operator', namespace: 'gpuvm-system' } as const;

export const deploymentType: ResourceType = {
  ...{ group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment' },
  namespaced: true,
};

/**
 * Nobody restarts an operator here that lost its lease, be it that a story makes the API server slow, or that the machine
 * is. One that takes over from a leader that was killed waits for as long.
 */
const patientLease: OperatorFlags = {
  'leader-elect-lease-duration': '30s',
  'leader-elect-renew-deadline': '25s',
  'leader-elect-retry-period': '1s',
};

/** Flags that are values of their own in the chart. */
const ownValues = new Set(['telemetry-port', 'kubeconfig']);

/**
 * The chart: helm installs it, and the operator is what a kubelet would start for the Deployment, with the rights of its
 * ServiceAccount and no others.
 */
export function chartHouse(witness: Witness): House {
  return {
    open: async () => {
      const apiServerFlags = {
        ...witness.apiServerFlags,
        // As OpenShift has it: who makes an object that holds back its owner has to be allowed to.
        'enable-admission-plugins': 'OwnerReferencesPermissionEnforcement',
      };
      return Cluster.on(await startControlPlane({ apiServerFlags }));
    },
    hire: async (cluster, wire, { flags, env }) => {
      await installChart(cluster, await quickValues(flags, env));
      return operatorOfChart(cluster, wire.kubeconfigPath);
    },
  };
}

/** With shortened times, and at a port that nobody else of this machine has. */
export async function quickValues(
  flags: OperatorFlags = {},
  env: Readonly<Record<string, string>> = {},
): Promise<Values> {
  return { flags: valuesOf(flags), metrics: { port: await freePort() }, extraEnv: variables(env) };
}

/** What starts a pod of the Deployment that is there now. */
export async function operatorOfChart(cluster: Cluster, wayToApiServer: string): Promise<() => OperatorProcess> {
  const deployment = await cluster.kube.get<Deployment>(deploymentType, release);
  if (deployment === undefined) throw new Error('the chart has made no Deployment');
  const pod = deployment.spec.template.spec;
  const serviceAccount = { namespace: release.namespace, name: pod.serviceAccountName };
  const { args, env } = await commandOf(cluster, release.namespace, pod);
  // In place of what a kubelet mounts: the token, and how the API server is reached.
  const KUBECONFIG = await kubeconfigOf(cluster, serviceAccount, wayToApiServer);
  return () => new OperatorProcess({ args, env: { ...env, KUBECONFIG } });
}

/** What `helm test` runs: in no pod, since there are no nodes, but with the rights, the environment and the files of its pod. */
export async function helmTest(cluster: Cluster, values: Values): Promise<CliEnd> {
  const pod = await podOfHelmTest(values);
  const serviceAccount = { namespace: release.namespace, name: pod.serviceAccountName };
  const { args, env } = await commandOf(cluster, release.namespace, pod);
  const kubeconfig = await kubeconfigOf(cluster, serviceAccount, cluster.kubeconfigPath);
  return new Cli(kubeconfig, release.namespace).run(args, { env });
}

async function podOfHelmTest(values: Values): Promise<PodSpec> {
  const helm = await Helm.at();
  try {
    const manifests = await helm.template({ ...values, fullnameOverride: release.name });
    const spec = manifests.find(({ kind }) => kind === 'Pod')?.['spec'];
    if (spec === undefined) throw new Error('the chart has no pod to test with');
    return spec as PodSpec;
  } finally {
    await helm.close();
  }
}

/** The rules of all roles that the chart gives to the operator. */
export async function installedRules(): Promise<readonly Rule[]> {
  const helm = await Helm.at();
  try {
    const manifests = await helm.template({ fullnameOverride: release.name });
    const bindings = manifests.filter(({ kind }) => kind?.endsWith('RoleBinding') === true) as unknown as Binding[];
    const bound = bindings.map(({ roleRef: { kind, name } }) => `${kind}/${name}`);
    const roles = manifests.filter(({ kind, metadata }) => bound.includes(`${kind ?? ''}/${metadata.name}`));
    return roles.flatMap((role) => (role as Manifest & { readonly rules: readonly Rule[] }).rules);
  } finally {
    await helm.close();
  }
}

interface Binding {
  readonly roleRef: { readonly kind: string; readonly name: string };
}

/** `helm upgrade --install`. */
export async function installChart(cluster: Cluster, values: Values): Promise<void> {
  const { name, namespace } = release;
  const command = ['upgrade', '--install', name, chartPath, '--namespace', namespace, '--create-namespace'];
  await withHelm(cluster, (helm) => helm.run(command, values));
}

/** `helm uninstall`. */
export async function uninstallChart(cluster: Cluster): Promise<void> {
  await withHelm(cluster, (helm) => helm.run(['uninstall', release.name, '--namespace', release.namespace]));
}

async function withHelm(cluster: Cluster, use: (helm: Helm) => Promise<unknown>): Promise<void> {
  const helm = await Helm.at(cluster.kubeconfigPath);
  try {
    await use(helm);
  } finally {
    await helm.close();
  }
}

function valuesOf(flags: OperatorFlags): Values {
  const all = Object.entries({ ...shortenedTimes, ...patientLease, ...flags }).filter(([name]) => !ownValues.has(name));
  return Object.fromEntries(
    all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value === '' || value]])),
  );
}

function variables(env: Readonly<Record<string, string>>): object[] {
  return Object.entries(env).map(([name, value]) => ({ name, value }));
}

/** Operators of several files run on this machine. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
