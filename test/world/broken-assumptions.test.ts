import { describe, expect, it } from 'vitest';

import { annotations, gpuAccountType, gpuVmType } from '../../src/api/group.ts';
import type { GpuAccountStatus } from '../../src/api/gpu-account.ts';
import { KubeError } from '../../src/kube/contract.ts';
import { holdUpNextDeploy, intercept, rewrite } from './interception.ts';
import { createWorld, installation, type SimulatedWorld } from './world.ts';

/**
 * docs/guarantees.md says what is assumed of clocks, lists and people, and what becomes of VMs when an assumption does not
 * hold. Each of these breaks one: the harm must be as small as it says there, and it must be found.
 */

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const deploy = 'client/deploy/single';

function isReady(world: SimulatedWorld, name: string): boolean {
  return world.conditionOf(name, 'Ready') === 'True Running';
}

async function worldWith(...names: readonly string[]): Promise<SimulatedWorld> {
  const world = await createWorld({ seed: 50 });
  for (const name of names) await world.apply(name);
  expect(await world.until(() => names.every((name) => isReady(world, name)), 5 * minute)).toBeDefined();
  return world;
}

function accountStatus(world: SimulatedWorld): GpuAccountStatus {
  return (world.api.peek(gpuAccountType, 'default') as { status?: GpuAccountStatus }).status ?? {};
}

function eventsOf(world: SimulatedWorld, reason: string): number {
  return world.api.calls.filter(
    ({ verb, body }) => verb === 'create' && (body as { reason?: string } | undefined)?.reason === reason,
  ).length;
}

/** The provider forgets the VM for a while, in its list as well as when asked. */
function forget(world: SimulatedWorld, vmId: string): { untilNow(): void } {
  let isForgotten = true;
  intercept(world, (request, usual) => {
    if (!isForgotten) return undefined;
    const answer = { status: 404, headers: {}, body: '{"success":false,"error":"Server not found"}' };
    if (request.path === 'client/get/single' && request.params.get('server')?.[0] === vmId) {
      return { kind: 'answer', answer, delayMs: 0, carriedOut: false };
    }
    if (request.path !== 'client/list') return undefined;
    return rewrite(usual(), ({ virtualmachines }) => Reflect.deleteProperty(virtualmachines ?? {}, vmId));
  });
  return {
    untilNow: () => {
      isForgotten = false;
    },
  };
}

describe('a deploy call that takes effect later than --late-effect', () => {
  it('has its VM found beside the one that replaced it, and deleted', async () => {
    const world = await worldWith('beside');
    holdUpNextDeploy(world, 10 * minute);
    await world.apply('trainer');
    await world.advance(10 * second);
    // On another host: on its own the provider would refuse the late one, whose port is taken.
    await world.apply('trainer', { gpu: { models: ['geforcertx3090-pcie-24gb'], count: 1 } });
    expect(await world.until(() => isReady(world, 'trainer'), 5 * minute)).toBeDefined();
    const kept = world.statusOf('trainer')?.vm?.id;
    expect(await world.until(() => eventsOf(world, 'DuplicateDeleted') === 1, 12 * minute)).toBeDefined();
    expect(world.statusOf('trainer')?.vm?.id).toBe(kept);
    expect(world.vms()).toHaveLength(2);
    expect(world.vms().map(({ id }) => id)).toContain(kept);
  });

  it('has its VM reported by the account when its resource is gone', async () => {
    const world = await worldWith('beside');
    holdUpNextDeploy(world, 10 * minute);
    await world.apply('trainer');
    expect(await world.until(() => world.statusOf('trainer')?.launch?.outcome === 'Uncertain', minute)).toBeDefined();
    await world.delete('trainer');
    expect(await world.until(() => world.resource('trainer') === undefined, 5 * minute)).toBeDefined();
    expect(await world.until(() => world.vms().length === 2, 10 * minute)).toBeDefined();
    await world.advance(minute);
    expect(accountStatus(world)).toMatchObject({ vms: { total: 2, managed: 1, unmanaged: 1 } });
    const owned = world.statusOf('beside')?.vm?.id;
    const ids = accountStatus(world).unmanagedVms?.map(({ id }) => id);
    expect(ids).toEqual(world.vms().flatMap(({ id }) => (id === owned ? [] : [id])));
  });
});

describe('a list that lies', () => {
  it('empty for more than an hour, while the answer to a deployment is lost, doubles the VM until it tells the truth', async () => {
    const world = await createWorld({ seed: 51 });
    world.fault({ endpoint: deploy, kind: 'lost-answer', count: 1 });
    world.fault({ endpoint: 'client/list', kind: 'empty-list' });
    await world.apply('trainer');
    await world.advance(59 * minute);
    expect(world.requestsOf(deploy)).toBe(1);
    await world.advance(10 * minute);
    expect(world.requestsOf(deploy)).toBe(2);
    world.clearFaults();
    await world.advance(2 * minute);
    expect(world.vms()).toHaveLength(1);
    expect(isReady(world, 'trainer')).toBe(true);
  });

  it('of a recorded VM, as does the answer about it, has the VM replaced; coming back it is deleted', async () => {
    const world = await worldWith('trainer', 'beside');
    const first = world.statusOf('trainer')?.vm?.id ?? '';
    const forgotten = forget(world, first);
    const isReplaced = (): boolean => isReady(world, 'trainer') && world.statusOf('trainer')?.vm?.id !== first;
    expect(await world.until(isReplaced, 2 * minute)).toBeDefined();
    expect(eventsOf(world, 'VmLost')).toBe(1);
    forgotten.untilNow();
    await world.advance(2 * minute);
    expect(world.vms().map(({ id }) => id)).not.toContain(first);
    expect(world.vms()).toHaveLength(2);
  });
});

describe('a CRD of an older release', () => {
  /** Drops what it does not know of the journal, as an API server does; returns what applies a newer one. */
  function dropFromJournal(
    world: SimulatedWorld,
    drop: (launch: Record<string, unknown>) => object | undefined,
  ): () => void {
    const { api } = world;
    const patch = api.mergePatch.bind(api);
    api.mergePatch = (type, ref, body, subresource) => {
      const pruned = structuredClone(body) as { status?: { launch?: Record<string, unknown> | null } };
      const { status } = pruned;
      if (status?.launch !== undefined && status.launch !== null) {
        const { launch, ...rest } = status;
        const left = drop(launch);
        Object.assign(pruned, { status: left === undefined ? rest : { ...rest, launch: left } });
      }
      return patch(type, ref, pruned, subresource);
    };
    return () => {
      api.mergePatch = patch;
    };
  }

  it.each<[string, (launch: Record<string, unknown>) => object | undefined]>([
    ['the journal', () => undefined],
    ['it as it was sent', (launch) => ({ ...launch, message: 'another one' })],
  ])('that does not keep %s lets no deploy call leave, and the resource says so', async (_name, drop) => {
    const world = await createWorld({ seed: 52 });
    const applyCrds = dropFromJournal(world, drop);
    await world.apply('trainer');
    await world.advance(10 * minute);
    expect(world.requestsOf(deploy)).toBe(0);
    expect(world.conditionOf('trainer', 'Ready')).toBe('False CrdOutdated');
    expect(world.conditionOf('trainer', 'Synced')).toBe('False CrdOutdated');
    applyCrds();
    expect(await world.until(() => isReady(world, 'trainer'), minute)).toBeDefined();
    expect(world.statusOf('trainer')?.launch).toMatchObject({ attempt: 1, outcome: 'Launched', failures: 0 });
  });

  it('does not keep a resource from being deleted', async () => {
    const world = await createWorld({ seed: 53 });
    dropFromJournal(world, () => undefined);
    await world.apply('trainer');
    await world.advance(minute);
    await world.delete('trainer');
    expect(await world.until(() => world.resource('trainer') === undefined, minute)).toBeDefined();
  });
});

describe('a CRD that is older than the operator', () => {
  it('and drops what the account knows of its credentials lets nothing be deployed, and says so', async () => {
    const world = await createWorld({ seed: 50 });
    const { api } = world;
    const patch = api.mergePatch.bind(api);
    api.mergePatch = (type, ref, body, subresource) => {
      const pruned = structuredClone(body) as { status?: { organization?: unknown } };
      if (type.plural === gpuAccountType.plural) delete pruned.status?.organization;
      return patch(type, ref, pruned, subresource);
    };
    await world.apply('trainer');
    await world.advance(10 * minute);
    expect(world.requestsOf(deploy)).toBe(0);
    expect(world.statusOf('trainer')?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'AccountNotReady',
      message: expect.stringContaining('apply the CRDs of this release') as string,
    });
  });
});

describe('a CRD of a release that knew ids alone of VMs that nobody owns', () => {
  /** Refuses what it does not understand, and drops what it does not know, as an API server does; returns what applies a newer one. */
  function refuseEntries(world: SimulatedWorld): () => void {
    const { api } = world;
    const patch = api.mergePatch.bind(api);
    api.mergePatch = (type, ref, body, subresource) => {
      const pruned = structuredClone(body) as { status?: { unmanagedVms?: unknown; installation?: unknown } };
      if (type.plural !== gpuAccountType.plural) return patch(type, ref, body, subresource);
      if (Array.isArray(pruned.status?.unmanagedVms)) {
        throw new KubeError('status.unmanagedVms[0]: Invalid value: "object": must be of type string', 'invalid');
      }
      delete pruned.status?.installation;
      return patch(type, ref, pruned, subresource);
    };
    return () => {
      api.mergePatch = patch;
    };
  }

  it('keeps nobody from hearing of the account, of which nothing is said again and again', async () => {
    const world = await worldWith('trainer', 'beside');
    const applyCrds = refuseEntries(world);
    await world.restart();
    const ref = { namespace: 'research', name: 'beside' };
    await world.api.mergePatch(gpuVmType, ref, { metadata: { finalizers: null } });
    await world.delete('beside');
    const counts = { total: 2, managed: 1, unmanaged: 1 };
    const isCounted = (): boolean => accountStatus(world).vms?.unmanaged === 1;
    expect(await world.until(isCounted, 5 * minute)).toBeDefined();
    await world.advance(10 * minute);
    expect(accountStatus(world)).toMatchObject({ vms: counts });
    expect(accountStatus(world).unmanagedVms).toBeUndefined();
    const conditions = accountStatus(world).conditions?.map(({ type, status }) => `${type} ${status}`);
    expect(conditions).toEqual(expect.arrayContaining(['Ready True', 'UnmanagedVms True']));
    expect(eventsOf(world, 'UnmanagedVmsFound')).toBe(0);

    applyCrds();
    await world.advance(10 * minute);
    expect(accountStatus(world).unmanagedVms).toHaveLength(1);
    expect(eventsOf(world, 'UnmanagedVmsFound')).toBe(1);
  });
});

describe('a cluster that was cloned, and given an installation id of its own', () => {
  /** What was copied with it names VMs of the cluster that it was cloned from: they carry that one's id. */
  async function cloned(): Promise<SimulatedWorld> {
    const world = await worldWith('trainer');
    intercept(world, (request, usual) => {
      if (request.path !== 'client/list' && request.path !== 'client/get/single') return undefined;
      const exchange = usual();
      if (exchange.kind !== 'answer') return exchange;
      const body = exchange.answer.body.replaceAll(`gpuvm-${installation}-`, 'gpuvm-ffffffff-');
      return { ...exchange, answer: { ...exchange.answer, body } };
    });
    await world.restart();
    await world.advance(minute);
    return world;
  }
  const changing = [
    'client/stop/single',
    'client/start/single',
    'client/modify/single',
    'client/delete/single',
    deploy,
  ];

  it('changes nothing about the VMs of the one that it was cloned from', async () => {
    const world = await cloned();
    const before = world.requestsOf(...changing);
    expect(world.conditionOf('trainer', 'Ready')).toBe('False VmNotOurs');
    await world.apply('trainer', { powerState: 'Stopped', vcpus: 6 });
    await world.advance(hour);
    await world.delete('trainer');
    await world.advance(hour);
    expect(world.conditionOf('trainer', 'Ready')).toBe('False VmNotOurs');
    expect(world.requestsOf(...changing)).toBe(before);
    expect(world.vms().map(({ status }) => status)).toEqual(['Running']);
  });

  it('goes on with a VM when somebody says that it has it, as after a change of the id', async () => {
    const world = await cloned();
    const id = world.statusOf('trainer')?.vm?.id ?? '';
    await world.annotate('trainer', { [annotations.adopt]: id });
    expect(await world.until(() => isReady(world, 'trainer'), 5 * minute)).toBeDefined();
    await world.delete('trainer');
    expect(await world.until(() => world.resource('trainer') === undefined, 5 * minute)).toBeDefined();
    expect(world.vms()).toEqual([]);
  });
});

describe('a finalizer that somebody took off', () => {
  it('leaves a VM behind, which the account reports', async () => {
    const world = await worldWith('trainer');
    const id = world.statusOf('trainer')?.vm?.id;
    world.crash();
    await world.delete('trainer');
    await world.api.mergePatch(
      gpuVmType,
      { namespace: 'research', name: 'trainer' },
      { metadata: { finalizers: null } },
    );
    expect(world.resource('trainer')).toBeUndefined();
    await world.start();
    await world.advance(hour);
    expect(accountStatus(world).unmanagedVms).toMatchObject([{ id }]);
    expect(world.vms()).toHaveLength(1);
  });
});
