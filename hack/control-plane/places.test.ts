import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { explainMissing, findBinaries, findControllerManager } from './binaries.ts';
import { findCheckout, helm, missingBinaries, resolvePlaces } from './places.ts';
import { etcdVersion } from './versions.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const platform = { os: 'linux', arch: 'arm64' };

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'gpuvm-places-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function fill(place: string, names: readonly string[] = ['etcd', 'kube-apiserver']): Promise<void> {
  await mkdir(place, { recursive: true });
  await Promise.all(names.map((name) => writeFile(path.join(place, name), '', { mode: 0o755 })));
}

describe('the cache', () => {
  it.each([
    ['is under XDG_CACHE_HOME', { XDG_CACHE_HOME: '/xdg', HOME: '/home/a' }, '/xdg/gpuvm-operator/control-plane/'],
    ['is under ~/.cache otherwise', { XDG_CACHE_HOME: '', HOME: '/home/a' }, '/home/a/.cache/gpuvm-operator/'],
  ])('%s', (_sentence, env, start) => {
    const { built, official } = resolvePlaces(root, platform, env);
    expect(built.startsWith(start)).toBe(true);
    expect(official.startsWith(start)).toBe(true);
  });

  it('is another one for another platform', () => {
    const other = { os: 'linux', arch: 'amd64' };
    expect(resolvePlaces(root, other, {}).built).not.toBe(resolvePlaces(root, platform, {}).built);
  });

  it('of helm is another one, so that a new helm makes nobody compile Kubernetes again', () => {
    const places = resolvePlaces(root, platform, {});
    const ofHelm = resolvePlaces(root, platform, {}, helm);
    expect(new Set([places.built, places.official, ofHelm.built, ofHelm.official]).size).toBe(4);
  });

  it('is another one when a pinned module changes', async () => {
    for (const module of ['kubernetes', 'etcd']) {
      await mkdir(path.join(directory, 'hack', module), { recursive: true });
      for (const file of ['go.mod', 'go.sum']) {
        await copyFile(path.join(root, 'hack', module, file), path.join(directory, 'hack', module, file));
      }
    }
    const before = resolvePlaces(directory, platform, {}).built;
    expect(before).toBe(resolvePlaces(root, platform, {}).built);
    await writeFile(path.join(directory, 'hack', 'etcd', 'go.sum'), 'changed');
    expect(resolvePlaces(directory, platform, {}).built).not.toBe(before);
  });
});

describe('the binaries', () => {
  it('are complete only when both can be executed', async () => {
    await fill(directory);
    expect(missingBinaries(directory)).toEqual([]);
    await chmod(path.join(directory, 'etcd'), 0o644);
    expect(missingBinaries(directory)).toEqual(['etcd']);
  });

  it('come from the first complete place', async () => {
    const places = resolvePlaces(root, platform, { XDG_CACHE_HOME: directory });
    expect(findBinaries(places)).toBeUndefined();
    await fill(places.built);
    await fill(places.official, ['etcd']);
    expect(findBinaries(places)).toBe(places.built);
    await fill(places.official);
    expect(findBinaries(places)).toBe(places.official);
  });

  it('come from KUBEBUILDER_ASSETS and nowhere else when it is set', async () => {
    const places = resolvePlaces(root, platform, {
      XDG_CACHE_HOME: directory,
      KUBEBUILDER_ASSETS: `${directory}/mine`,
    });
    await fill(places.built);
    expect(() => findBinaries(places)).toThrow('does not hold etcd and kube-apiserver');
    await fill(`${directory}/mine`);
    expect(findBinaries(places)).toBe(`${directory}/mine`);
  });

  it('of a directory that the user has chosen need not hold kube-controller-manager, which is looked for in the caches then', async () => {
    const chosen = `${directory}/mine`;
    const places = resolvePlaces(root, platform, { XDG_CACHE_HOME: directory, KUBEBUILDER_ASSETS: chosen });
    await fill(chosen);
    expect(findControllerManager(places)).toBeUndefined();
    await fill(places.built, ['kube-controller-manager']);
    expect(findControllerManager(places)).toBe(places.built);
    await fill(chosen, ['kube-controller-manager']);
    expect(findControllerManager(places)).toBe(chosen);
  });

  it('that cannot be had are named with their versions, the reasons and the place to put them', () => {
    const places = resolvePlaces(root, platform, {});
    const text = explainMissing(
      { names: ['etcd', 'kube-apiserver'], title: `etcd ${etcdVersion}` },
      { places, platform, reasons: ['- build: Go is not on the PATH'] },
    );
    for (const part of [etcdVersion, 'linux/arm64', 'Go is not on the PATH', 'etcd and kube-apiserver', places.built]) {
      expect(text).toContain(part);
    }
  });
});

describe('the checkout', () => {
  it('is found from a source file and from the bundle', () => {
    const expected = path.resolve(root);
    expect(findCheckout(path.join(root, 'hack', 'control-plane', 'binaries.ts'))).toBe(expected);
    expect(findCheckout(path.join(root, 'dist', 'gpuvm.mjs'))).toBe(expected);
  });

  it('is missed with a sentence elsewhere', () => {
    expect(() => findCheckout('/app/gpuvm.mjs')).toThrow('only be started from a checkout');
  });
});
