import { describe, expect, it } from 'vitest';

import { gpuVmType } from '../../src/api/group.ts';
import { secretType } from '../../src/controllers/objects.ts';
import { expectGone, PoolOfWorld } from './pool-of-world.ts';
import { createWorld, type SimulatedWorld } from './world.ts';

const minute = 60_000;
const namespace = 'research';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

async function containerSecrets({ api }: SimulatedWorld): Promise<string[]> {
  const { items } = await api.list(secretType, { namespace });
  return items.map(({ metadata }) => metadata.name).filter((name) => name.startsWith('inference-container-'));
}

function registryOf(auth: string): string {
  return JSON.stringify({ auths: { 'ghcr.io': { auth } } });
}

function uids(pool: PoolOfWorld): string[] {
  return pool.members.map(({ metadata }) => metadata.uid);
}

describe('a pool whose container refers to a Secret', () => {
  const ref = { namespace, name: 'given' };
  const data = (value: string): object => ({
    data: { token: base64(value), '.dockerconfigjson': base64(registryOf(value)) },
  });

  /** Rests at the end. */
  async function poolWith(fields: object): Promise<PoolOfWorld> {
    const world = await createWorld({ seed: 51 });
    await world.api.create(secretType, { apiVersion: 'v1', kind: 'Secret', metadata: ref, ...data('one') });
    const pool = await PoolOfWorld.in(world, { replicas: 2, container: { image: 'nginx', ...fields } });
    await pool.untilReady(2);
    await world.advance(minute);
    const { writes } = world;
    await world.advance(30 * minute);
    expect(world.writes).toBe(writes);
    return pool;
  }

  it('rests without a write, and replaces its members within minutes of another value of a variable', async () => {
    const pool = await poolWith({ env: [{ name: 'TOKEN', secretKeyRef: { name: 'given', key: 'token' } }] });
    const { world } = pool;
    const [before, secret] = [uids(pool), await containerSecrets(world)];
    await world.api.mergePatch(secretType, ref, data('two'));
    await pool.until(
      'all are replaced',
      () => uids(pool).every((uid) => !before.includes(uid)) && pool.ready === 2,
      8 * minute,
    );
    await world.advance(minute);
    const after = await containerSecrets(world);
    expect(after).toHaveLength(1);
    expect(after).not.toEqual(secret);
    await expectGone(pool);
  });

  it('replaces nobody for a new token of the registry, which new members get', async () => {
    const pool = await poolWith({ registrySecretRef: { name: 'given' } });
    const { world } = pool;
    const before = uids(pool);
    await world.api.mergePatch(secretType, ref, data('two'));
    await world.advance(30 * minute);
    expect(uids(pool)).toEqual(before);
    await pool.patch({ replicas: 3 });
    await pool.untilReady(3);
    expect(uids(pool)).toEqual(expect.arrayContaining(before));
    const given = world.vms().map(({ access }) => access.cloudInit?.includes(base64(registryOf('two'))));
    expect(given.sort()).toEqual([false, false, true]);
    await expectGone(pool);
  });
});

it('what a member is deployed by stays while the member does that somebody has taken out of the pool', async () => {
  const world = await createWorld({ seed: 52 });
  const pool = await PoolOfWorld.in(world, { replicas: 2, container: { image: 'nginx:1' } });
  await pool.untilReady(2);
  const [old = ''] = await containerSecrets(world);
  const taken = { namespace, name: 'inference-0' };
  await world.api.mergePatch(gpuVmType, taken, { metadata: { ownerReferences: null } });
  const before = uids(pool);
  await pool.patch({ container: { image: 'nginx:2' } });
  await pool.until(
    'all are replaced',
    () => pool.members.length === 2 && uids(pool).every((uid) => !before.includes(uid)),
  );
  await pool.untilReady(2);
  await world.advance(minute);
  expect(await containerSecrets(world)).toContain(old);

  await world.delete(taken.name);
  await world.advance(minute);
  await pool.annotate({ 'gpuvm.dev/reconcile-requested-at': 'now' });
  await world.advance(minute);
  expect(await containerSecrets(world)).not.toContain(old);
  await expectGone(pool);
});
