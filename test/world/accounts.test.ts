import { describe, expect, it } from 'vitest';

import { gpuAccountType } from '../../src/api/group.ts';
import { secretType } from '../../src/controllers/objects.ts';
import { KubeError } from '../../src/kube/contract.ts';
import { accountCondition } from './organizations.ts';
import { createWorld, type SimulatedWorld } from './world.ts';

const minute = 60_000;

function isReady(world: SimulatedWorld): boolean {
  return world.conditionOf('trainer', 'Ready') === 'True Running';
}

/** A world whose account has been deleted, and is held back by a GpuVm that runs. */
async function heldBack(): Promise<SimulatedWorld> {
  const world = await createWorld({ seed: 60 });
  await world.apply('trainer');
  expect(await world.until(() => isReady(world), 5 * minute)).toBeDefined();
  await world.api.delete(gpuAccountType, { name: 'default' });
  await world.advance(minute);
  return world;
}

async function expectAllGone(world: SimulatedWorld): Promise<void> {
  await world.delete('trainer');
  expect(await world.until(() => world.resource('trainer') === undefined, 10 * minute)).toBeDefined();
  expect(world.vms()).toEqual([]);
  const isAccountGone = (): boolean => world.api.peek(gpuAccountType, 'default') === undefined;
  expect(await world.until(isAccountGone, minute)).toBeDefined();
  expect(world.watchdog.breaches).toEqual([]);
}

it('an account that is held back serves its VMs in a process that was started afterwards', async () => {
  const world = await heldBack();
  await world.restart();
  await expectAllGone(world);
});

it('an account that is held back takes credentials that are rotated meanwhile', async () => {
  const world = await heldBack();
  const [apiKey, apiToken] = ['rotated-key-of-the-same', 'rotated-token-of-the-same'];
  world.control('POST', 'credentials', { apiKey, apiToken });
  const [api_key, api_token] = [apiKey, apiToken].map((text) => Buffer.from(text).toString('base64'));
  await world.api.mergePatch(
    secretType,
    { namespace: 'gpuvm-system', name: 'tensordock' },
    { data: { api_key, api_token } },
  );
  await world.advance(minute);
  await expectAllGone(world);
});

/** The operator may not read the credentials Secret; returns what allows it again. */
function forbidCredentials({ api }: SimulatedWorld): () => void {
  const get = api.get.bind(api);
  api.get = (type, ref) => {
    if (type !== secretType || ref.name !== 'tensordock') return get(type, ref);
    return Promise.reject(new KubeError('secrets "tensordock" is forbidden', 'forbidden', 403));
  };
  return () => {
    api.get = get;
  };
}

describe('an account whose credentials the operator may not read', () => {
  it('says so, goes on with those that it read before, and is as it was when it may again', async () => {
    const world = await createWorld({ seed: 61 });
    await world.apply('trainer');
    expect(await world.until(() => isReady(world), 5 * minute)).toBeDefined();
    const allow = forbidCredentials(world);
    const isSaid = (): boolean => accountCondition(world, 'Ready') === 'False CredentialsSecretForbidden';
    expect(await world.until(isSaid, minute)).toBeDefined();
    const { writes } = world;
    await world.advance(10 * minute);
    expect(world.writes).toBe(writes);
    await world.delete('trainer');
    expect(await world.until(() => world.resource('trainer') === undefined, 5 * minute)).toBeDefined();
    expect(world.vms()).toEqual([]);
    allow();
    expect(await world.until(() => accountCondition(world, 'Ready') === 'True Polling', minute)).toBeDefined();
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('is waited for by its resources when no process has read them', async () => {
    const world = await createWorld({ seed: 62 });
    world.crash();
    const allow = forbidCredentials(world);
    await world.start();
    await world.apply('trainer');
    await world.advance(minute);
    expect(accountCondition(world, 'CredentialsValid')).toBe('Unknown CredentialsSecretForbidden');
    expect(world.conditionOf('trainer', 'Ready')).toBe('False AccountNotReady');
    expect(world.totalRequests).toBe(0);
    allow();
    expect(await world.until(() => isReady(world), 2 * minute)).toBeDefined();
    expect(world.watchdog.breaches).toEqual([]);
  });
});
