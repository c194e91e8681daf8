import { fileURLToPath } from 'node:url';
import { acquireLock } from '../lib/lock.mjs';
import { formatElapsed, say } from '../lib/progress.mjs';
import { buildFromModules } from './build.ts';
import { downloadOfficial } from './download.ts';
import { findCheckout, missingBinaries, resolvePlaces } from './places.ts';
import type { Places } from './places.ts';
import { describePlatform, resolvePlatform } from './platform.ts';
import type { Platform } from './platform.ts';
import { etcdVersion, kubernetesVersion } from './versions.ts';

const waitLineEveryMs = 10_000;

/**
 * A directory with etcd and kube-apiserver, obtained when there is none yet: KUBEBUILDER_ASSETS, our cache, the official
 * download, a build from the Go modules. Once it is there, the call takes a few milliseconds and needs no network.
 * Rejects with what is missing and where to put it.
 */
export async function ensureBinaries(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const platform = resolvePlatform();
  const root = findCheckout(fileURLToPath(import.meta.url));
  const places = resolvePlaces(root, platform, env);
  const found = findBinaries(places);
  if (found !== undefined) return found;
  // One lock for both ways, so that two runs neither download nor build the same thing at once.
  const lock = await acquireLock(`${places.built}.lock`, { onWait: sayWhoIsWaitedFor() });
  try {
    return findBinaries(places) ?? (await obtain(root, places, platform));
  } finally {
    await lock.release();
  }
}

/** The first place that is complete. Throws when the user's own choice is not. */
export function findBinaries(places: Places): string | undefined {
  if (places.chosen !== undefined) {
    const missing = missingBinaries(places.chosen);
    if (missing.length === 0) return places.chosen;
    throw new Error(
      `KUBEBUILDER_ASSETS is ${places.chosen}, which does not hold ${missing.join(' and ')}. Unset or fill it.`,
    );
  }
  return [places.official, places.built].find((place) => missingBinaries(place).length === 0);
}

async function obtain(root: string, places: Places, platform: Platform): Promise<string> {
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
  const directory =
    (await attempt('official download', places.official, () => downloadOfficial(places.official, platform))) ??
    (await attempt('build', places.built, () => buildFromModules(root, places.built, missingBinaries(places.built))));
  if (directory === undefined) throw new Error(explainMissing(places, platform, reasons));
  return directory;
}

/** What a person needs to know to get on without us. */
export function explainMissing(places: Places, platform: Platform, reasons: readonly string[]): string {
  return [
    `kube-apiserver ${kubernetesVersion} and etcd ${etcdVersion} for ${describePlatform(platform)} are needed and could not be obtained:`,
    ...reasons,
    'To go on without network, put the two executables, named kube-apiserver and etcd, into',
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
    say(`kube-apiserver and etcd: ${who} is getting them, waiting, ${formatElapsed(waitedMs)}`);
  };
}
