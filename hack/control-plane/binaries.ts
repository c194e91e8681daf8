import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { acquireLock } from '../lib/lock.mjs';
import { formatElapsed, say } from '../lib/progress.mjs';
import { buildFromModules } from './build.ts';
import { unpackDebian } from './debian.ts';
import { downloadHelm, downloadOfficial, downloadProgram, downloadPrometheus } from './download.ts';
import {
  controlPlane,
  findCheckout,
  helm,
  kubectl,
  missingBinaries,
  prometheus,
  requiredBinaries,
  resolvePlaces,
} from './places.ts';
import type { Binary, Family, Places } from './places.ts';
import { describePlatform, resolvePlatform } from './platform.ts';
import type { Platform } from './platform.ts';
import { etcdVersion, helmVersion, kubernetesVersion, prometheusVersion } from './versions.ts';

const waitLineEveryMs = 10_000;

/** Binaries that are obtained together. */
interface Need {
  readonly family: Family;
  readonly names: readonly Binary[];
  /** What a person calls them, with their versions. */
  readonly title: string;
  /** Whether a directory that the user has chosen has to hold them. */
  readonly isPartOfAssets: boolean;
  /** Brings the official ones into the directory. */
  readonly download: (directory: string, platform: Platform) => Promise<void>;
  /** How else those that are missing come into the directory. Default: built from the family's modules. */
  readonly otherwise?: {
    readonly title: string;
    readonly bring: (directory: string, missing: readonly Binary[]) => Promise<void>;
  };
}

const apiServer: Need = {
  family: controlPlane,
  names: requiredBinaries,
  title: `kube-apiserver ${kubernetesVersion} and etcd ${etcdVersion}`,
  isPartOfAssets: true,
  download: (directory, platform) => downloadOfficial(directory, platform),
};

/** No archive for tests has it, as few tests need it. */
const controllerManager: Need = {
  family: controlPlane,
  names: ['kube-controller-manager'],
  title: `kube-controller-manager ${kubernetesVersion}`,
  isPartOfAssets: false,
  download: (directory, platform) => downloadProgram('kube-controller-manager', directory, platform),
};

/** Only what tries the commands of the documentation needs it. */
const kubectlItself: Need = {
  family: kubectl,
  names: ['kubectl'],
  title: `kubectl ${kubernetesVersion}`,
  isPartOfAssets: false,
  download: (directory, platform) => downloadProgram('kubectl', directory, platform),
};

/** Only what has to do with the chart needs it. */
const helmItself: Need = {
  family: helm,
  names: ['helm'],
  title: `helm ${helmVersion}`,
  isPartOfAssets: false,
  download: (directory, platform) => downloadHelm(directory, platform),
};

/** Only what tries the alerts and the dashboard needs it. To build it would take longer than all other tests of the chart. */
const monitoring: Need = {
  family: prometheus,
  names: ['prometheus', 'promtool'],
  title: `prometheus ${prometheusVersion}`,
  isPartOfAssets: false,
  download: (directory, platform) => downloadPrometheus(directory, platform),
  otherwise: {
    title: 'Debian package',
    bring: (directory, missing) => unpackDebian(directory, 'prometheus', missing),
  },
};

/**
 * A directory with etcd and kube-apiserver, obtained when there is none yet: KUBEBUILDER_ASSETS, our cache, the official
 * download, a build from the Go modules. Once it is there, the call takes a few milliseconds and needs no network.
 * Rejects with what is missing and where to put it.
 */
export async function ensureBinaries(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  return ensure(apiServer, env);
}

/** The path of kube-controller-manager, which is obtained in the same ways. */
export async function ensureControllerManager(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  return path.join(await ensure(controllerManager, env), 'kube-controller-manager');
}

/** The path of kubectl, which is obtained in the same ways. */
export async function ensureKubectl(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  return path.join(await ensure(kubectlItself, env), 'kubectl');
}

/** The path of helm, which is obtained in the same ways. */
export async function ensureHelm(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  return path.join(await ensure(helmItself, env), 'helm');
}

/** A directory with prometheus and promtool: the official download, else what the Debian of this machine has. */
export async function ensurePrometheus(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  return ensure(monitoring, env);
}

/** What only some tests need, by what a person calls it, and how to get it. */
export const forSomeTests: readonly (readonly [title: string, ensure: () => Promise<string>])[] = [
  ['kube-controller-manager', ensureControllerManager],
  ['kubectl', ensureKubectl],
  ['helm', ensureHelm],
  ['prometheus and promtool', ensurePrometheus],
];

async function ensure(need: Need, env: NodeJS.ProcessEnv): Promise<string> {
  const platform = resolvePlatform();
  const root = findCheckout(fileURLToPath(import.meta.url));
  const places = resolvePlaces(root, platform, env, need.family);
  const found = find(need, places);
  if (found !== undefined) return found;
  // One lock for all ways, so that two runs neither download nor build the same thing at once.
  const lock = await acquireLock(`${places.built}.lock`, { onWait: sayWhoIsWaitedFor() });
  try {
    return find(need, places) ?? (await obtain(need, { root, places, platform }));
  } finally {
    await lock.release();
  }
}

/** The first place with etcd and kube-apiserver. Throws when the user's own choice lacks one. */
export function findBinaries(places: Places): string | undefined {
  return find(apiServer, places);
}

export function findControllerManager(places: Places): string | undefined {
  return find(controllerManager, places);
}

function find({ names, isPartOfAssets }: Need, { chosen, official, built }: Places): string | undefined {
  const missing = chosen === undefined ? names : missingBinaries(chosen, names);
  if (missing.length === 0) return chosen;
  if (chosen !== undefined && isPartOfAssets) {
    throw new Error(`KUBEBUILDER_ASSETS is ${chosen}, which does not hold ${missing.join(' and ')}. Unset or fill it.`);
  }
  return [official, built].find((place) => missingBinaries(place, names).length === 0);
}

interface Ground {
  readonly root: string;
  readonly places: Places;
  readonly platform: Platform;
}

async function obtain(need: Need, { root, places, platform }: Ground): Promise<string> {
  const reasons: string[] = [];
  const attempt = async (
    title: string,
    directory: string,
    action: () => Promise<void>,
  ): Promise<string | undefined> => {
    try {
      await action();
      return directory;
    } catch (error) {
      reasons.push(`- ${title}: ${reasonOf(error)}`);
      return undefined;
    }
  };
  const missing = missingBinaries(places.built, need.names);
  const { title, bring } = need.otherwise ?? {
    title: 'build',
    bring: () => buildFromModules(root, places.built, missing),
  };
  const directory =
    (await attempt('official download', places.official, () => need.download(places.official, platform))) ??
    (await attempt(title, places.built, () => bring(places.built, missing)));
  if (directory === undefined) throw new Error(explainMissing(need, { places, platform, reasons }));
  return directory;
}

/** What a person needs to know to get on without us. */
export function explainMissing(
  { names, title }: Pick<Need, 'names' | 'title'>,
  { places, platform, reasons }: Omit<Ground, 'root'> & { readonly reasons: readonly string[] },
): string {
  return [
    `${title} for ${describePlatform(platform)} cannot be obtained:`,
    ...reasons,
    `To go on without network, put executables with the names ${names.join(' and ')} into`,
    `  ${places.built}`,
    'or into any directory and set KUBEBUILDER_ASSETS to it. A machine of the same platform that ran "make setup" has them there.',
  ].join('\n');
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // fetch says only "fetch failed"; the cause knows that a name did not resolve.
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return error.message + cause;
}

function sayWhoIsWaitedFor(): (holder: { pid: number } | undefined, waitedMs: number) => void {
  let nextLineAtMs = 0;
  return (holder, waitedMs) => {
    if (waitedMs < nextLineAtMs) return;
    nextLineAtMs = waitedMs + waitLineEveryMs;
    const who = holder === undefined ? 'another process' : `process ${holder.pid}`;
    say(`binaries for tests: ${who} is getting some, waiting, ${formatElapsed(waitedMs)}`);
  };
}
