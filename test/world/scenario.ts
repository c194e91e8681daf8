import fc from 'fast-check';

import { annotations } from '../../src/api/group.ts';
import type { GpuVmSpec, GpuVmStatus } from '../../src/api/gpu-vm.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import { KubeError } from '../../src/kube/contract.ts';
import { easySpec, plantedSecrets, createWorld, type SimulatedWorld } from './world.ts';

/** One thing that a user, a platform team or bad luck does, and how long nothing else is done afterwards. */
export type Action = Deed & { readonly thenMs: number };

type Deed =
  | { readonly do: 'apply'; readonly vm: string; readonly spec: object }
  | { readonly do: 'delete'; readonly vm: string }
  | { readonly do: 'pause'; readonly vm: string; readonly on: boolean }
  | { readonly do: 'poke'; readonly vm: string }
  | { readonly do: 'fault'; readonly endpoint: string; readonly kind: FaultKind; readonly count: number }
  | { readonly do: 'late'; readonly chance: number }
  | { readonly do: 'kubeTrouble'; readonly lostRequests: number; readonly lostAnswers: number }
  | { readonly do: 'kubeDown'; readonly on: boolean }
  | { readonly do: 'watches'; readonly what: 'hold' | 'release' | 'end' | 'expire' }
  | { readonly do: 'crash'; readonly afterPoints: number }
  | { readonly do: 'stop' }
  | { readonly do: 'vanish'; readonly nth: number }
  | { readonly do: 'status'; readonly nth: number; readonly status: string }
  | { readonly do: 'host'; readonly nth: number; readonly online: boolean }
  | { readonly do: 'dearer'; readonly nth: number }
  | { readonly do: 'credentials'; readonly good: boolean };

const faultKinds = [
  'lost-answer',
  'lost-request',
  'error-500',
  'success-false',
  'malformed',
  'html-502',
  'rate-limit',
  'slow',
] as const;
type FaultKind = (typeof faultKinds)[number] | 'stale-list' | 'empty-list';

const endpoints = [
  'client/deploy/single',
  'client/delete/single',
  'client/list',
  'client/start/single',
  'client/stop/single',
  'client/modify/single',
  'client/get/single',
  'client/deploy/hostnodes',
  '*',
] as const;

const vm = fc.constantFrom('vm-a', 'vm-b', 'vm-c');
const nth = fc.nat({ max: 5 });

const specChange = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  fc.record({ powerState: fc.constantFrom('Running', 'Stopped', 'Released') }),
  fc.record({ vcpus: fc.constantFrom(2, 4, 6) }),
  fc.record({ deletionPolicy: fc.constantFrom('Delete', 'Delete', 'Retain') }),
);

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('apply' as const), vm, spec: specChange }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('delete' as const), vm }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pause' as const), vm, on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('poke' as const), vm }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      endpoint: fc.constantFrom(...endpoints),
      kind: fc.constantFrom(...faultKinds),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      endpoint: fc.constant('client/list'),
      kind: fc.constantFrom('stale-list' as const, 'empty-list' as const),
      // Long enough, now and then, for two lists that are a minute apart to lie alike.
      count: fc.constantFrom(1, 2, 6, 40),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('late' as const), chance: fc.constantFrom(0, 0.3, 1) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('kubeTrouble' as const),
      lostRequests: fc.constantFrom(0, 0.2, 0.6),
      lostAnswers: fc.constantFrom(0, 0.2, 0.6),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kubeDown' as const), on: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('watches' as const),
      what: fc.constantFrom('hold' as const, 'release' as const, 'end' as const, 'expire' as const),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('crash' as const), afterPoints: fc.nat({ max: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stop' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('vanish' as const), nth }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('status' as const),
      nth,
      status: fc.constantFrom('Running', 'Stopped', 'StoppedDisassociated', 'Migrating'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('host' as const), nth, online: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('dearer' as const), nth }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('credentials' as const), good: fc.boolean() }) },
);

const pause = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 3_000 }),
  fc.integer({ min: 3_000, max: 60_000 }),
  fc.integer({ min: 60_000, max: 400_000 }),
);

const action: fc.Arbitrary<Action> = fc.tuple(deed, pause).map(([what, thenMs]) => ({ ...what, thenMs }));

export interface Scenario {
  readonly seed: number;
  readonly bootDelayMs: number;
  readonly deleteDelayMs: number;
  readonly stopDelayMs: number;
  readonly cap: string | undefined;
  /** Longest time of a request to API server or provider, each way. */
  readonly delayMs: number;
  readonly actions: readonly Action[];
}

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  bootDelayMs: fc.constantFrom(0, 7_000, 90_000),
  deleteDelayMs: fc.constantFrom(0, 7_000),
  stopDelayMs: fc.constantFrom(0, 7_000),
  cap: fc.constantFrom(undefined, '0.60'),
  delayMs: fc.constantFrom(0, 20, 2_000),
  actions: fc.array(action, { minLength: 3, maxLength: 24 }),
});

/** A list that is this old, and a request that takes effect this late, are together within what absence proofs allow for. */
const staleMs = 40_000;
const lateMs = 60_000;

const settleLimitMs = 4 * 3_600_000;

export interface Ending {
  readonly breaches: readonly string[];
  readonly world: SimulatedWorld;
}

/** Plays the scenario, lets the world come to rest, and says what was wrong on the way and in the end. */
export async function play(given: Scenario): Promise<Ending> {
  const { seed, bootDelayMs, deleteDelayMs, stopDelayMs, delayMs } = given;
  const world = await createWorld({ seed, simulator: { bootDelayMs, deleteDelayMs, stopDelayMs } });
  world.restartAfterMs = 3_000;
  world.kubeWeather.delay = { least: 0, most: Math.min(delayMs, 500) };
  world.providerWeather.delay = { least: 0, most: delayMs };
  for (const one of given.actions) {
    await perform(world, one, given);
    await world.advance(one.thenMs);
  }
  await comeToRest(world);
  return { breaches: world.watchdog.breaches, world };
}

async function perform(world: SimulatedWorld, one: Action, { cap }: Scenario): Promise<void> {
  try {
    await deedOf(world, one, cap);
  } catch (error) {
    // Deleting what is gone already, and the like: users do that.
    if (!(error instanceof KubeError)) throw error;
  }
}

function deedOf(world: SimulatedWorld, one: Action, cap: string | undefined): Promise<void> | void {
  switch (one.do) {
    case 'apply': {
      const isNew = world.resource(one.vm) === undefined;
      const limit = cap === undefined ? {} : { maxHourlyPrice: cap };
      return world.apply(one.vm, isNew ? { ...easySpec, ...limit, ...one.spec } : one.spec);
    }
    case 'delete':
      return world.delete(one.vm);
    case 'pause':
      return world.annotate(one.vm, { [annotations.paused]: one.on ? 'true' : null });
    case 'poke':
      return world.annotate(one.vm, { [annotations.reconcileRequestedAt]: String(world.clock.now()) });
    case 'credentials':
      world.control('POST', 'credentials', {
        apiKey: plantedSecrets.apiKey,
        apiToken: one.good ? plantedSecrets.apiToken : 'another-token',
      });
      return;
    case 'stop':
      return world.stop();
    case 'crash':
      if (one.afterPoints === 0) world.crash();
      else world.crashAfter(one.afterPoints);
      return;
    default:
      misfortune(world, one);
  }
}

function misfortune(world: SimulatedWorld, one: Action): void {
  switch (one.do) {
    case 'fault': {
      const ms = one.kind === 'slow' ? { ms: 35_000 } : one.kind === 'stale-list' ? { ms: staleMs } : {};
      world.fault({ endpoint: one.endpoint, kind: one.kind, count: one.count, ...ms });
      return;
    }
    case 'late':
      world.providerWeather.late = { chance: one.chance, delay: { least: 0, most: lateMs } };
      return;
    case 'kubeTrouble':
      world.kubeWeather.lostRequests = one.lostRequests;
      world.kubeWeather.lostAnswers = one.lostAnswers;
      return;
    case 'kubeDown':
      world.kubeWeather.isDown = one.on;
      return;
    case 'watches':
      if (one.what === 'end') world.api.endWatches();
      else if (one.what === 'expire') {
        world.api.compact();
        world.api.endWatches(new KubeError('too old resource version', 'expired', 410));
      } else world.api.holdWatches(one.what === 'hold');
      return;
    default:
      providerTrouble(world, one);
  }
}

function providerTrouble(world: SimulatedWorld, one: Action): void {
  const vms = world.vms();
  const hosts = [...world.provider.machine.world.hosts.values()];
  if (one.do === 'vanish' || one.do === 'status') {
    const chosen = vms[one.nth % Math.max(1, vms.length)];
    if (chosen === undefined || chosen.transition !== undefined) return;
    world.control('POST', `vms/${chosen.id}`, one.do === 'vanish' ? { remove: true } : { status: one.status });
  }
  const host = 'nth' in one ? hosts[one.nth % hosts.length] : undefined;
  if (host === undefined) return;
  if (one.do === 'host') world.control('POST', `hosts/${host.id}`, { online: one.online });
  if (one.do === 'dearer') world.control('POST', `hosts/${host.id}`, { cpu: { price: '0.4' } });
}

/** Trouble ends; then everything has to become as the resources say, within a bounded time. */
async function comeToRest(world: SimulatedWorld): Promise<void> {
  world.clearFaults();
  world.api.holdWatches(false);
  world.control('POST', 'credentials', { apiKey: plantedSecrets.apiKey, apiToken: plantedSecrets.apiToken });
  for (const host of world.provider.machine.world.hosts.values()) {
    world.control('POST', `hosts/${host.id}`, { online: true, cpu: { price: '0.003' } });
  }
  for (const vm of world.vms()) {
    if (vm.status === 'Migrating') world.control('POST', `vms/${vm.id}`, { status: 'Running' });
  }
  for (const { metadata } of world.resources()) await world.annotate(metadata.name, { [annotations.paused]: null });
  if (!world.isOperatorAlive) await world.start();
  const isQuiet = (): boolean => world.isOperatorAlive && world.resources().every(isConverged);
  if ((await world.until(isQuiet, settleLimitMs, 5_000)) === undefined) {
    for (const object of world.resources().filter((one) => !isConverged(one))) {
      world.watchdog.complain(`${object.metadata.name} does not converge: ${describe(object)}`);
    }
  }
  // Whatever was on its way when things became quiet.
  await world.advance(300_000);
  world.watchdog.checkQuiet(world.resources(), world.released);
  const { duplicateNames } = world.provider.machine.world;
  if (duplicateNames > 0) world.watchdog.complain(`${String(duplicateNames)} times two VMs had one name`);
}

function isConverged(object: CustomObject): boolean {
  const spec = object.spec as GpuVmSpec;
  const status = object.status as GpuVmStatus | undefined;
  if (object.metadata.deletionTimestamp !== undefined) return false;
  if (status?.observedGeneration !== object.metadata.generation) return false;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const wanted = spec.powerState as GpuVmSpec['powerState'] | undefined;
  if (wanted === undefined || wanted === 'Running') return ready?.status === 'True';
  // A released VM satisfies Stopped: nothing is gained by getting its GPU back to keep it idle.
  return ready?.reason === wanted || (wanted === 'Stopped' && ready?.reason === 'Released');
}

function describe({ metadata, status }: CustomObject): string {
  const { conditions, launch, vm: recorded } = (status ?? {}) as GpuVmStatus;
  const ready = conditions?.find(({ type }) => type === 'Ready');
  return JSON.stringify({ deleted: metadata.deletionTimestamp, ready, launch, vm: recorded?.id });
}
