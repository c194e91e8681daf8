import { describe, expect, it } from 'vitest';

import { createWorld, plantedSecrets, type SimulatedWorld } from './world.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

function isReady(world: SimulatedWorld, name: string): boolean {
  return world.conditionOf(name, 'Ready') === 'True Running';
}

async function readyWorld(seed: number, simulator: object = {}): Promise<SimulatedWorld> {
  const world = await createWorld({ seed, simulator });
  await world.apply('trainer');
  expect(await world.until(() => isReady(world, 'trainer'), 5 * minute)).toBeDefined();
  return world;
}

async function expectGone(world: SimulatedWorld, name: string): Promise<void> {
  await world.delete(name);
  expect(await world.until(() => world.resource(name) === undefined, 10 * minute)).toBeDefined();
  expect(world.vms()).toEqual([]);
  expect(world.watchdog.breaches).toEqual([]);
}

describe('the life of one GpuVm', () => {
  it('goes from nothing to Ready and back to nothing', async () => {
    const world = await createWorld({ seed: 1, simulator: { bootDelayMs: 20_000, deleteDelayMs: 5_000 } });
    await world.apply('trainer');
    expect(await world.until(() => isReady(world, 'trainer'), 2 * minute)).toBeLessThanOrEqual(40 * second);
    expect(world.vms()).toHaveLength(1);
    expect(world.statusOf('trainer')).toMatchObject({ phase: 'Running', launch: { attempt: 1, outcome: 'Launched' } });
    await expectGone(world, 'trainer');
  });

  it('stops, releases and starts again as the spec asks', async () => {
    const world = await readyWorld(2, { bootDelayMs: 10_000, stopDelayMs: 5_000 });
    for (const [powerState, ready, status] of [
      ['Stopped', 'False Stopped', 'Stopped'],
      ['Running', 'True Running', 'Running'],
      ['Released', 'False Released', 'StoppedDisassociated'],
      ['Running', 'True Running', 'Running'],
      ['Stopped', 'False Stopped', 'Stopped'],
      ['Released', 'False Released', 'StoppedDisassociated'],
    ] as const) {
      await world.apply('trainer', { powerState });
      expect(await world.until(() => world.conditionOf('trainer', 'Ready') === ready, 5 * minute)).toBeDefined();
      expect(world.vms().map((vm) => vm.status)).toEqual([status]);
    }
    await expectGone(world, 'trainer');
  });

  it('gets another size by stop, modify and start', async () => {
    const world = await readyWorld(3, { bootDelayMs: 5_000, stopDelayMs: 5_000 });
    await world.apply('trainer', { vcpus: 6, storageGB: 40 });
    const isResized = (): boolean =>
      isReady(world, 'trainer') && world.conditionOf('trainer', 'UpToDate') === 'True SizeMatches';
    expect(
      await world.until(() => isResized() && world.statusOf('trainer')?.size?.vcpus === 6, 5 * minute),
    ).toBeDefined();
    expect(world.vms()[0]).toMatchObject({ status: 'Running', size: { vcpus: 6, storage: 40 } });
    await expectGone(world, 'trainer');
  });

  it.each(Array.from({ length: 20 }, (_, index) => index * 2_000))(
    'gets a larger size in one go, stopping for %i ms, whatever the age of the inventory then',
    async (stopDelayMs) => {
      const world = await readyWorld(8, { bootDelayMs: 90_000, stopDelayMs });
      await world.apply('trainer', { vcpus: 6 });
      const isResized = (): boolean => isReady(world, 'trainer') && world.statusOf('trainer')?.size?.vcpus === 6;
      expect(await world.until(isResized, 10 * minute)).toBeDefined();
      expect(world.requestsOf('client/stop/single')).toBe(1);
      expect(world.watchdog.breaches).toEqual([]);
    },
  );

  it('gets another VM when the provider loses the first one', async () => {
    const world = await readyWorld(4);
    const [first] = world.vms();
    world.control('POST', `vms/${first!.id}`, { remove: true });
    const isReplaced = (): boolean => isReady(world, 'trainer') && world.vms().length === 1;
    expect(await world.until(isReplaced, 5 * minute)).toBeDefined();
    expect(world.statusOf('trainer')?.launch?.attempt).toBe(2);
    await expectGone(world, 'trainer');
  });

  it('leaves a VM alone whose status nobody knows, until it passes', async () => {
    const world = await readyWorld(5);
    const [vm] = world.vms();
    world.control('POST', `vms/${vm!.id}`, { status: 'Migrating' });
    const before = world.requestsOf('client/start/single', 'client/stop/single', 'client/delete/single');
    expect(
      await world.until(() => world.conditionOf('trainer', 'Ready') === 'Unknown UnknownStatus', 2 * minute),
    ).toBeDefined();
    await world.advance(hour);
    expect(world.requestsOf('client/start/single', 'client/stop/single', 'client/delete/single')).toBe(before);
    world.control('POST', `vms/${vm!.id}`, { status: 'Running' });
    expect(await world.until(() => isReady(world, 'trainer'), 2 * minute)).toBeDefined();
    await expectGone(world, 'trainer');
  });

  it('keeps its VM at the provider when its deletionPolicy is Retain', async () => {
    const world = await readyWorld(6);
    await world.apply('trainer', { deletionPolicy: 'Retain' });
    await world.delete('trainer');
    expect(await world.until(() => world.resource('trainer') === undefined, minute)).toBeDefined();
    await world.advance(hour);
    expect(world.vms().map((vm) => vm.status)).toEqual(['Running']);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('touches nothing at the provider while it is paused, but goes when it is deleted', async () => {
    const world = await readyWorld(7);
    await world.annotate('trainer', { 'gpuvm.dev/paused': 'true' });
    await world.apply('trainer', { powerState: 'Stopped' });
    await world.advance(hour);
    expect(world.vms().map((vm) => vm.status)).toEqual(['Running']);
    expect(world.conditionOf('trainer', 'Synced')).toBe('False Paused');
    await expectGone(world, 'trainer');
  });
});

describe('the API budget', () => {
  it('spends at most 1.1 calls per VM on 100 VMs beside the poll, at one per second', async () => {
    const world = await createWorld({ seed: 10, simulator: { hosts: 120 } });
    const names = Array.from({ length: 100 }, (_, index) => `vm-${String(index)}`);
    const models = ['v100-pcie-16gb', 'rtxa4000-pcie-16gb', 'geforcertx3090-pcie-24gb', 'geforcertx4090-pcie-24gb'];
    const spec = { gpu: { models, count: 1 }, vcpus: 2, memoryGB: 4, storageGB: 20 };
    for (const name of names) await world.apply(name, spec);
    const took = await world.until(() => names.every((name) => isReady(world, name)), 5 * minute);
    // 100 deployments and 4 inventories share the rate with the lists, which come every 30 s while deployments stand in line.
    expect(took).toBeLessThanOrEqual(115 * second);
    expect(world.requestsOf('client/list')).toBeLessThanOrEqual(7);
    expect(world.vms()).toHaveLength(100);
    expect(world.requestsOf('client/deploy/single')).toBe(100);
    expect(world.totalRequests - world.requestsOf('client/list')).toBeLessThanOrEqual(110);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it.each([1, 30])(
    'costs one list per idle interval, a look at the balance now and then, and no write at all while nothing changes, with %i VMs',
    async (count) => {
      const world = await createWorld({ seed: 11, simulator: { hosts: 120 } });
      const names = Array.from({ length: count }, (_, index) => `vm-${String(index)}`);
      for (const name of names) await world.apply(name);
      expect(await world.until(() => names.every((name) => isReady(world, name)), 5 * minute)).toBeDefined();
      await world.advance(2 * minute);
      const [requests, lists, writes] = [world.totalRequests, world.requestsOf('client/list'), world.writes];
      await world.advance(hour);
      expect(world.requestsOf('client/list') - lists).toBe(120);
      expect(world.totalRequests - requests).toBe(120 + 12);
      expect(world.writes - writes).toBe(0);
      expect(world.watchdog.breaches).toEqual([]);
    },
  );
});

describe('the answer to a deploy call', () => {
  it('that is lost leads to adoption, not to a second VM', async () => {
    const world = await createWorld({ seed: 20 });
    world.fault({ endpoint: 'client/deploy/single', kind: 'lost-answer', count: 1 });
    await world.apply('trainer');
    expect(await world.until(() => isReady(world, 'trainer'), 5 * minute)).toBeLessThanOrEqual(minute);
    expect(world.requestsOf('client/deploy/single')).toBe(1);
    expect(world.statusOf('trainer')?.launch).toMatchObject({ attempt: 1, outcome: 'Launched' });
    await expectGone(world, 'trainer');
  });

  it('that never comes because the request was lost leads to a second deployment, once absence is proven', async () => {
    const world = await createWorld({ seed: 21 });
    world.fault({ endpoint: 'client/deploy/single', kind: 'lost-request', count: 1 });
    await world.apply('trainer');
    const took = await world.until(() => isReady(world, 'trainer'), 10 * minute);
    expect(took).toBeGreaterThanOrEqual(2 * minute);
    expect(world.vms()).toHaveLength(1);
    expect(world.statusOf('trainer')?.launch).toMatchObject({ attempt: 2, outcome: 'Launched' });
    await expectGone(world, 'trainer');
  });

  it('that never comes because the request was held up leads to the VM that came late', async () => {
    const world = await createWorld({ seed: 22 });
    await world.advance(10 * second);
    world.providerWeather.late = { chance: 1, delay: { least: 70_000, most: 70_000 } };
    await world.apply('trainer');
    await world.until(() => world.requestsOf('client/deploy/single') > 0, 5 * minute);
    world.providerWeather.late = { chance: 0, delay: { least: 0, most: 0 } };
    expect(await world.until(() => isReady(world, 'trainer'), 10 * minute)).toBeDefined();
    expect(world.requestsOf('client/deploy/single')).toBe(1);
    await expectGone(world, 'trainer');
  });
});

describe('a VM that is over before anybody saw it', () => {
  it('ends the doubt about its deployment, and another one is made', async () => {
    const world = await createWorld({ seed: 29, simulator: { bootDelayMs: 20_000 } });
    await world.advance(10 * second);
    world.fault({ endpoint: 'client/deploy/single', kind: 'lost-answer', count: 1 });
    await world.apply('trainer');
    expect(await world.until(() => world.vms().length === 1, minute, 10)).toBeDefined();
    const [first] = world.vms();
    world.control('POST', `vms/${first!.id}`, { status: 'Terminated' });
    expect(await world.until(() => isReady(world, 'trainer'), 5 * minute)).toBeDefined();
    expect(world.statusOf('trainer')?.launch).toMatchObject({ attempt: 2, outcome: 'Launched' });
  });
});

describe('a leader that was cut off from the API server', () => {
  it('does not put its old journal over the one that another has written since', async () => {
    // Two that both believe that they lead: only the journal stands between them and a second VM.
    const world = await createWorld({ seed: 26, replicas: 2, election: 'none' });
    const [one, other] = world.replicas;
    world.kubeWeather.delay = { least: 100, most: 100 };
    world.retire(1);
    await world.advance(10 * second);
    world.fault({ endpoint: 'client/deploy/single', kind: 'success-false', count: 1 });
    await world.apply('trainer');
    await world.until(() => world.requestsOf('client/deploy/single') === 1, minute, 10);
    // It hears of a refusal, and cannot write it down.
    one!.isCutOff = true;
    await other!.start();
    const isSecond = (): boolean => world.statusOf('trainer')?.launch?.attempt === 2 && world.vms().length === 1;
    expect(await world.until(isSecond, 10 * minute, 10)).toBeDefined();
    other!.kill();
    one!.isCutOff = false;
    expect(await world.until(() => isReady(world, 'trainer'), 10 * minute)).toBeDefined();
    expect(world.requestsOf('client/deploy/single')).toBe(2);
    await expectGone(world, 'trainer');
  });
});

describe('an empty list', () => {
  it('leads to no deployment, however long it goes on', async () => {
    const world = await createWorld({ seed: 30 });
    const names = ['a', 'b', 'c', 'd'];
    for (const name of names) await world.apply(name);
    expect(await world.until(() => names.every((name) => isReady(world, name)), 2 * minute)).toBeDefined();
    world.fault({ endpoint: 'client/list', kind: 'empty-list' });
    await world.advance(3 * hour);
    expect(world.requestsOf('client/deploy/single')).toBe(4);
    for (const name of names) expect(world.conditionOf(name, 'Ready')).toBe('True Running');
    world.clearFaults();
    await world.advance(minute);
    expect(names.every((name) => isReady(world, name))).toBe(true);
    expect(world.watchdog.breaches).toEqual([]);
  });
});

describe('secrets', () => {
  it('are in no status, Event or log line, whatever goes wrong', async () => {
    const world = await createWorld({ seed: 40 });
    for (const kind of ['lost-answer', 'error-500', 'success-false', 'malformed', 'html-502'] as const) {
      world.fault({ endpoint: '*', kind, probability: 0.2, count: 5 });
    }
    await world.apply('trainer');
    await world.advance(20 * minute);
    const written = JSON.stringify(
      world.api.calls.filter((call) => call.type.plural !== 'secrets').map((call) => call.body),
    );
    const seen = [written, ...world.logLines, ...world.trace].join('\n');
    for (const secret of Object.values(plantedSecrets)) expect(seen).not.toContain(secret);
  });
});
