import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Platform } from './platform.ts';
import { etcdVersion, helmVersion, kubernetesVersion, prometheusVersion } from './versions.ts';

export type Binary =
  'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kubectl' | 'helm' | 'prometheus' | 'promtool';

/** What must lie in one directory to start a control plane. */
export const requiredBinaries: readonly Binary[] = ['etcd', 'kube-apiserver'];

/** Where binaries may lie. */
export interface Places {
  /** KUBEBUILDER_ASSETS, when it is set: then nothing else is looked at, because the user chose. */
  readonly chosen: string | undefined;
  /** Our cache of official binaries. */
  readonly official: string;
  /** Our cache of what was built from the family's modules, or came in another way. */
  readonly built: string;
}

/** Binaries that share a cache, as they are downloaded or built together. */
export interface Family {
  /** The directories of hack/ that pin what is built. */
  readonly pinnedIn: readonly string[];
  /** What names the caches, beside the platform. */
  readonly official: string;
  readonly built: string;
}

export const controlPlane: Family = {
  pinnedIn: ['kubernetes', 'etcd'],
  official: `official-${kubernetesVersion}`,
  built: `built-${kubernetesVersion}-etcd-${etcdVersion}`,
};

/** Apart from the others, so that a new Helm does not make everybody compile Kubernetes again. */
export const helm: Family = {
  pinnedIn: ['helm'],
  official: `helm-official-${helmVersion}`,
  built: `helm-built-${helmVersion}`,
};

/** Apart as well: what only users run has no part in what a control plane is made of. */
export const kubectl: Family = {
  pinnedIn: ['kubectl'],
  official: `kubectl-official-${kubernetesVersion}`,
  built: `kubectl-built-${kubernetesVersion}`,
};

/** Nothing of it is built. */
export const prometheus: Family = {
  pinnedIn: [],
  official: `prometheus-official-${prometheusVersion}`,
  built: 'prometheus-debian',
};

/**
 * The directories for this user and platform. The built one is keyed by the content of go.mod and go.sum, so that a
 * changed pin never runs an old binary, and work trees of different versions share a cache.
 */
export function resolvePlaces(
  root: string,
  platform: Platform,
  env: NodeJS.ProcessEnv,
  { pinnedIn, official, built }: Family = controlPlane,
): Places {
  const cache = path.join(cacheRoot(env), 'gpuvm-operator', 'control-plane');
  const target = `${platform.os}-${platform.arch}`;
  return {
    chosen: nonEmpty(env.KUBEBUILDER_ASSETS),
    official: path.join(cache, `${official}-${target}`),
    built: path.join(cache, `${built}-${target}-${pinHash(root, pinnedIn)}`),
  };
}

/**
 * The checkout that a file belongs to: the bundle in dist/ finds the pins of its checkout as the sources do. Throws outside
 * of one, as in the image.
 */
export function findCheckout(file: string): string {
  const directory = path.dirname(file);
  if (existsSync(path.join(directory, 'hack', 'kubernetes', 'go.mod'))) return directory;
  if (directory === path.dirname(directory)) {
    throw new Error('An API server can only be started from a checkout of gpuvm-operator.');
  }
  return findCheckout(directory);
}

/** The executables that the directory lacks; empty when it can be used. */
export function missingBinaries(directory: string, wanted: readonly Binary[] = requiredBinaries): Binary[] {
  return wanted.filter((name) => !isExecutable(path.join(directory, name)));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function cacheRoot(env: NodeJS.ProcessEnv): string {
  return nonEmpty(env.XDG_CACHE_HOME) ?? path.join(nonEmpty(env.HOME) ?? os.homedir(), '.cache');
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}

function pinHash(root: string, modules: readonly string[]): string {
  const hash = createHash('sha256');
  for (const module of modules) {
    for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(path.join(root, 'hack', module, file)));
  }
  return hash.digest('hex').slice(0, 12);
}
