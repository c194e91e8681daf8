import { describe, expect, it } from 'vitest';

import { conditionOf } from '../../src/api/conditions.ts';
import { gpuAccountType, groupVersion, gpuVmType } from '../../src/api/group.ts';
import { secretType, type CustomObject } from '../../src/controllers/objects.ts';
import { KubeError } from '../../src/kube/contract.ts';
import { holdUpNextDeploy } from './interception.ts';
import { accountCondition, accountStatus } from './organizations.ts';
import { createWorld, type SimulatedWorld } from './world.ts';

const second = 1000;
const minute = 60 * second;

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

describe('an account that is deleted while VMs of this installation are left that no resource owns', () => {
  const ref = { name: 'default' };
  const isGone = ({ api }: SimulatedWorld): boolean => api.peek(gpuAccountType, 'default') === undefined;

  /** Somebody takes the finalizer off, so that the VM is left behind, and deletes the account in the same breath. */
  async function leftBehind(): Promise<{ readonly world: SimulatedWorld; readonly id: string }> {
    const world = await createWorld({ seed: 63 });
    await world.apply('trainer');
    expect(await world.until(() => isReady(world), 5 * minute)).toBeDefined();
    const id = world.statusOf('trainer')?.vm?.id ?? '';
    await world.advance(minute);
    const vm = { namespace: 'research', name: 'trainer' };
    await world.api.mergePatch(gpuVmType, vm, { metadata: { finalizers: null } });
    await world.api.delete(gpuVmType, vm);
    await world.api.delete(gpuAccountType, ref);
    return { world, id };
  }

  function said(world: SimulatedWorld): string {
    return conditionOf(accountStatus(world).conditions, 'Ready')?.message ?? '';
  }

  async function untilHeld({ world, id }: { readonly world: SimulatedWorld; readonly id: string }): Promise<void> {
    expect(await world.until(() => said(world).includes(`${id}. gpuvm unmanaged shows`), minute)).toBeDefined();
    await world.advance(5 * minute);
    expect(isGone(world)).toBe(false);
  }

  it('is held back by a list that was requested since, names them, and goes when they are gone', async () => {
    const { world, id } = await leftBehind();
    await untilHeld({ world, id });
    world.control('POST', `vms/${id}`, { remove: true });
    expect(await world.until(() => isGone(world), 2 * minute)).toBeDefined();
  });

  it('is held back while the list that it waits for fails', async () => {
    const { world, id } = await leftBehind();
    world.fault({ endpoint: 'client/list', kind: 'error-500' });
    await world.advance(5 * minute);
    expect(isGone(world)).toBe(false);
    world.clearFaults();
    await untilHeld({ world, id });
  });

  it('is held back for a VM that a deploy call makes after its resource went', async () => {
    const world = await createWorld({ seed: 65 });
    await world.advance(10_000);
    holdUpNextDeploy(world, 100_000);
    await world.apply('trainer');
    expect(await world.until(() => world.statusOf('trainer')?.launch !== undefined, minute)).toBeDefined();
    const vm = { namespace: 'research', name: 'trainer' };
    await world.api.mergePatch(gpuVmType, vm, { metadata: { finalizers: null } });
    await world.api.delete(gpuVmType, vm);
    await world.api.delete(gpuAccountType, ref);
    expect(await world.until(() => world.vms().length === 1, 5 * minute)).toBeDefined();
    await world.advance(90_000);
    await untilHeld({ world, id: world.vms()[0]?.id ?? '' });
  });

  it('is let go by an annotation, and the VMs are left behind', async () => {
    const { world, id } = await leftBehind();
    await untilHeld({ world, id });
    const annotations = { 'gpuvm.dev/abandon': 'true' };
    await world.api.mergePatch(gpuAccountType, ref, { metadata: { annotations } });
    expect(await world.until(() => isGone(world), minute)).toBeDefined();
    expect(world.vms().map((vm) => vm.id)).toEqual([id]);
  });

  it('is held back by the last list while its credentials are gone, and by a process that was started afterwards', async () => {
    const { world, id } = await leftBehind();
    await untilHeld({ world, id });
    await world.api.delete(secretType, { namespace: 'gpuvm-system', name: 'tensordock' });
    await world.advance(2 * minute);
    await world.restart();
    await world.advance(5 * minute);
    expect(isGone(world)).toBe(false);
    expect(said(world)).toContain(id);
  });
});

it('an account without a VM is let go at once, also where it never had credentials', async () => {
  const world = await createWorld({ seed: 64 });
  await world.api.delete(secretType, { namespace: 'gpuvm-system', name: 'tensordock' });
  await world.advance(minute);
  await world.api.delete(gpuAccountType, { name: 'default' });
  const isGone = (): boolean => world.api.peek(gpuAccountType, 'default') === undefined;
  expect(await world.until(isGone, 10_000)).toBeDefined();
  expect(world.totalRequests).toBe(0);
});

it('an account that is taken away by force and made anew asks nothing with the credentials of the one before', async () => {
  const world = await createWorld({ seed: 66 });
  await world.advance(minute);
  expect(world.totalRequests).toBeGreaterThan(0);
  const { spec } = world.api.peek(gpuAccountType, 'default') as CustomObject;
  const remake = async (): Promise<void> => {
    await world.api.delete(secretType, { namespace: 'gpuvm-system', name: 'tensordock' });
    await world.api.mergePatch(gpuAccountType, { name: 'default' }, { metadata: { finalizers: [] } });
    await world.api.delete(gpuAccountType, { name: 'default' });
    const { kind } = gpuAccountType;
    await world.api.create(gpuAccountType, { apiVersion: groupVersion, kind, metadata: { name: 'default' }, spec });
  };
  // While it reads the Secret, it hears of both: that there was no account for a moment it never sees.
  await duringNextRead(world, remake);
  const isSaid = (): boolean => accountCondition(world, 'CredentialsValid') === 'False CredentialsSecretNotFound';
  expect(await world.until(isSaid, minute)).toBeDefined();
  const { totalRequests } = world;
  await world.advance(5 * minute);
  expect(world.totalRequests).toBe(totalRequests);
});

/** Resolves when the operator has asked for the credentials Secret, and something was done before it got its answer. */
async function duringNextRead(world: SimulatedWorld, happens: () => Promise<void>): Promise<void> {
  const { api, clock } = world;
  const get = api.get.bind(api);
  let isOver = false;
  api.get = async (type, ref) => {
    if (type !== secretType) return get(type, ref);
    api.get = get;
    await happens();
    await new Promise<void>((resolve) => clock.after(second, resolve));
    isOver = true;
    return get(type, ref);
  };
  expect(await world.until(() => isOver, 5 * minute)).toBeDefined();
}

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
