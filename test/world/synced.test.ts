import { describe, expect, it } from 'vitest';

import { namespaceType, secretType } from '../../src/controllers/objects.ts';
import { KubeError, type KubeApi } from '../../src/kube/contract.ts';
import { createWorld, easySpec, type SimulatedWorld } from './world.ts';

/** Synced says whether the operator can do its work: what only the log knows, no user reads. */

const minute = 60_000;
const hour = 60 * minute;

function isReady(world: SimulatedWorld): boolean {
  return world.conditionOf('trainer', 'Ready') === 'True Running';
}

async function readyWorld(): Promise<SimulatedWorld> {
  const world = await createWorld({ seed: 80 });
  await world.apply('trainer');
  expect(await world.until(() => isReady(world), 5 * minute)).toBeDefined();
  return world;
}

describe('a list that cannot be read', () => {
  it('for an hour shows in Synced, is said once, and is forgotten with the next list', async () => {
    const world = await readyWorld();
    world.fault({ endpoint: 'client/list', kind: 'error-500' });
    const writes = world.writes;
    await world.advance(hour);
    expect(world.conditionOf('trainer', 'Synced')).toBe('False ProviderUnavailable');
    expect(isReady(world)).toBe(true);
    // Of the VM and of its account.
    expect(world.writes - writes).toBeLessThanOrEqual(3);
    world.clearFaults();
    expect(
      await world.until(() => world.conditionOf('trainer', 'Synced') === 'True ReconcileSuccess', 2 * minute),
    ).toBeDefined();
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('once or twice shows nowhere', async () => {
    const world = await readyWorld();
    world.fault({ endpoint: 'client/list', kind: 'error-500', count: 2 });
    for (let seconds = 0; seconds < 180; seconds += 1) {
      await world.advance(1000);
      expect(world.conditionOf('trainer', 'Synced')).toBe('True ReconcileSuccess');
    }
  });
});

describe('a reconcile that the API server lets fail', () => {
  it('shows in Synced until one goes through', async () => {
    const world = await createWorld({ seed: 81 });
    const { api } = world;
    const get = api.get.bind(api);
    let isForbidden = true;
    api.get = (type, ref) => {
      if (type !== secretType || ref.name !== 'my-key' || !isForbidden) return get(type, ref);
      return Promise.reject(new KubeError('secrets "my-key" is forbidden', 'forbidden', 403));
    };
    const access = { sshKeySecretRef: { name: 'my-key', key: 'key' } };
    await world.apply('trainer', { ...easySpec, access });
    expect(
      await world.until(() => world.conditionOf('trainer', 'Synced') === 'False ReconcileFailed', minute),
    ).toBeDefined();
    const synced = world.statusOf('trainer')?.conditions?.find(({ type }) => type === 'Synced');
    expect(synced?.message).toContain('secrets "my-key" is forbidden');
    isForbidden = false;
    expect(
      await world.until(() => world.conditionOf('trainer', 'Ready') === 'False SecretNotFound', 10 * minute),
    ).toBeDefined();
    expect(world.conditionOf('trainer', 'Synced')).toBe('True ReconcileSuccess');
  });
});

describe('a write that comes too late, as somebody else has written meanwhile', () => {
  it('is no failure: nothing is said of it, and the next one goes through', async () => {
    const world = await readyWorld();
    await world.apply('trainer', { deletionPolicy: 'Retain' });
    await world.advance(minute);
    const before = world.api.calls.length;
    let refused = 0;
    const mergePatch: KubeApi['mergePatch'] = world.api.mergePatch.bind(world.api);
    world.api.mergePatch = async (type, ref, patch, subresource) => {
      const removesFinalizer = JSON.stringify(patch).includes('"finalizers":null');
      if (removesFinalizer && refused++ === 0) throw new KubeError('the object has been modified', 'conflict', 409);
      return mergePatch(type, ref, patch, subresource);
    };
    await world.delete('trainer');
    expect(await world.until(() => world.resource('trainer') === undefined, minute)).toBeDefined();
    const said = world.api.calls.slice(before).map(({ body }) => JSON.stringify(body ?? {}));
    expect(said.filter((body) => body.includes('ReconcileFailed'))).toEqual([]);
    expect(refused).toBe(2);
  });
});

describe('a namespace that is being deleted', () => {
  it('is said, deploys nothing, and is no failure', async () => {
    const world = await createWorld({ seed: 82 });
    await world.apply('trainer');
    await world.api.delete(namespaceType, { name: 'research' });
    await world.advance(10 * minute);
    const synced = world.statusOf('trainer')?.conditions?.find(({ type }) => type === 'Synced');
    expect(synced).toMatchObject({ status: 'False', message: expect.stringContaining('is being deleted') as string });
    expect(world.vms()).toEqual([]);
    expect(world.logLines.filter((line) => line.startsWith('error'))).toEqual([]);
    await world.delete('trainer');
    expect(await world.until(() => world.resource('trainer') === undefined, 5 * minute)).toBeDefined();
    expect(world.watchdog.breaches).toEqual([]);
  });
});
