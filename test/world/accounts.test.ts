import { expect, it } from 'vitest';

import { gpuAccountType } from '../../src/api/group.ts';
import { secretType } from '../../src/controllers/objects.ts';
import { createWorld, type SimulatedWorld } from './world.ts';

const minute = 60_000;

/** A world whose account has been deleted, and is held back by a GpuVm that runs. */
async function heldBack(): Promise<SimulatedWorld> {
  const world = await createWorld({ seed: 60 });
  await world.apply('trainer');
  const isReady = (): boolean => world.conditionOf('trainer', 'Ready') === 'True Running';
  expect(await world.until(isReady, 5 * minute)).toBeDefined();
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
