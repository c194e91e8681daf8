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

function uids(pool: PoolOfWorld): string[] {
  return pool.members.map(({ metadata }) => metadata.uid);
}

describe('a pool whose container refers to a Secret', () => {
  const secrets = {
    env: { env: [{ name: 'TOKEN', secretKeyRef: { name: 'given', key: 'token' } }] },
    registry: { registrySecretRef: { name: 'given' } },
  };

  it.each(Object.entries(secrets))(
    'rests without a write, and replaces its members within minutes of another value (%s)',
    async (_, fields) => {
      const world = await createWorld({ seed: 51 });
      const ref = { namespace, name: 'given' };
      const data = (value: string): object => ({
        data: { token: base64(value), '.dockerconfigjson': base64(`{"auths":{"ghcr.io":{"auth":"${value}"}}}`) },
      });
      await world.api.create(secretType, { apiVersion: 'v1', kind: 'Secret', metadata: ref, ...data('one') });
      const pool = await PoolOfWorld.in(world, { replicas: 2, container: { image: 'nginx', ...fields } });
      await pool.untilReady(2);
      await world.advance(minute);
      const [before, secret] = [uids(pool), await containerSecrets(world)];
      const { writes } = world;
      await world.advance(30 * minute);
      expect(world.writes).toBe(writes);

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
    },
  );
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
