import fc from 'fast-check';

import { KubeError } from '../../src/kube/contract.ts';
import type { SimulatorOptions } from '../../src/sim/index.ts';
import { actions, poolActions, poorActions, spotActions, thriftyActions, type Action } from './deeds.ts';
import { addOrganization, confirmSweep } from './organizations.ts';
import { perform } from './perform.ts';
import { graces } from './unmanaged-deeds.ts';
import { comeToRest, type Winnable } from './rest.ts';
import { createWorld, type SimulatedWorld } from './world.ts';

export interface Scenario {
  readonly seed: number;
  readonly bootDelayMs: number;
  readonly deleteDelayMs: number;
  readonly stopDelayMs: number;
  readonly cap: string | undefined;
  readonly requestsPerSecond: number;
  /** How long VMs are seen without a resource before the account has them deleted; undefined: it only reports them. */
  readonly grace: string | undefined;
  /** Whether somebody looks at what is held back of them, and says that it is to go. */
  readonly confirms: boolean;
  /** Longest time of a request to API server or provider, each way. */
  readonly delayMs: number;
  /** One process; two that agree by a Lease; or two that both believe that they are alone. */
  readonly replicas: 'one' | 'leader and standby' | 'two leaders';
  /** How far the clocks of two machines are ahead of the world's. Each process runs on the other one than that before it. */
  readonly skewsMs: readonly [number, number];
  /** How the spot market behaves; undefined: nobody bids. */
  readonly market: Market | undefined;
  readonly actions: readonly Action[];
}

export interface Market {
  readonly outbidReturns: SimulatorOptions['outbidReturns'];
  readonly spotCompetition: SimulatorOptions['spotCompetition'];
  readonly spotVolatility: number;
  readonly spotFloor: number;
  /** Where bids win when the trouble is over: on every host, or only where VMs wait and on the dearest one. */
  readonly winnable: Winnable;
}

const skewMs = fc.oneof(
  { weight: 1, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.constantFrom(-3_600_000, -70_000, 70_000, 3_600_000) },
);

const surroundings = {
  seed: fc.nat(),
  bootDelayMs: fc.constantFrom(0, 7_000, 90_000),
  deleteDelayMs: fc.constantFrom(0, 7_000),
  stopDelayMs: fc.constantFrom(0, 7_000),
  cap: fc.constantFrom(undefined, '0.60'),
  // At twenty, decisions overlap with the writes of those before them.
  requestsPerSecond: fc.constantFrom(1, 1, 20),
  grace: fc.constantFrom(undefined, ...graces),
  confirms: fc.constantFrom(true, true, false),
  delayMs: fc.constantFrom(0, 20, 2_000),
  replicas: fc.oneof(
    { weight: 4, arbitrary: fc.constant('one' as const) },
    { weight: 2, arbitrary: fc.constant('leader and standby' as const) },
    { weight: 1, arbitrary: fc.constant('two leaders' as const) },
  ),
  skewsMs: fc.tuple(skewMs, skewMs),
} as const;

const withoutSpotVms = fc.record({ ...surroundings, market: fc.constant(undefined), actions });

/** Where clocks differ by an hour, nobody can say which of the runways of that hour a process went by. */
const withLowBalance = fc.record({
  ...{ ...surroundings, market: fc.constant(undefined), actions: poorActions },
  skewsMs: fc.constant([0, 0] as const),
});

/** Ready-made VMs apart, whose price may be another than their list says, what a VM costs is known before it is there. */
const withBudget = fc.record({ ...surroundings, market: fc.constant(undefined), actions: thriftyActions });

const market = fc.record({
  outbidReturns: fc.constantFrom('by-start' as const, 'by-itself' as const),
  spotCompetition: fc.constantFrom('market' as const, 'bids' as const),
  spotVolatility: fc.constantFrom(0, 0.1, 0.5),
  spotFloor: fc.constantFrom(0.3, 0.6, 0.9),
  winnable: fc.constantFrom('everywhere' as const, 'somewhere' as const),
});

const withSpotVms = fc.record({ ...surroundings, market, actions: spotActions });

const withPools = fc.record({ ...surroundings, market, actions: poolActions });

/** Single VMs on demand, with money, without, and under a budget, SpotVms, or pools of both. */
export const scenarioKinds = {
  vm: withoutSpotVms,
  balance: withLowBalance,
  budget: withBudget,
  spot: withSpotVms,
  pool: withPools,
} as const;
export type ScenarioKind = keyof typeof scenarioKinds;

/** Of any of these kinds. */
export function scenarioOf(...of: readonly ScenarioKind[]): fc.Arbitrary<Scenario> {
  return fc.oneof(...of.map((kind): fc.Arbitrary<Scenario> => scenarioKinds[kind]));
}

export const scenario = scenarioOf('vm', 'balance', 'spot', 'pool', 'budget');

/**
 * Two leaders that see the world differently overwrite each other's status as fast as the API server lets them: nothing
 * is lost by that, but a test need not watch it for hours. So their calls take a while, and their pauses are short.
 */
const longestQuarrelMs = 60_000;

export interface Ending {
  readonly breaches: readonly string[];
  readonly world: SimulatedWorld;
  /** How long it took after the trouble until everything was as the resources say; undefined: too long. */
  readonly settledMs: number | undefined;
}

/** Plays the scenario, lets the world come to rest, and says what was wrong on the way and in the end. */
export async function play(given: Scenario): Promise<Ending> {
  const world = await worldOf(given);
  for (const one of given.actions) {
    try {
      await perform(world, one, given.cap);
    } catch (error) {
      // Deleting what is gone already, and the like: users do that.
      if (!(error instanceof KubeError)) throw error;
    }
    await world.advance(given.replicas === 'two leaders' ? Math.min(one.thenMs, longestQuarrelMs) : one.thenMs);
    // What breaks one promise may go on for ever.
    if (world.watchdog.breaches.length > 0) return endingOf(world, undefined);
  }
  if (given.replicas === 'two leaders') world.retire(1);
  return endingOf(world, await comeToRest(world, given.market?.winnable));
}

function endingOf(world: SimulatedWorld, settledMs: number | undefined): Ending {
  world.end();
  return { breaches: world.watchdog.breaches, world, settledMs };
}

async function worldOf(given: Scenario): Promise<SimulatedWorld> {
  const {
    seed,
    bootDelayMs,
    deleteDelayMs,
    stopDelayMs,
    delayMs,
    replicas,
    skewsMs,
    market,
    requestsPerSecond,
    grace,
  } = given;
  const world = await createWorld({
    ...{ seed, requestsPerSecond, shuffles: true },
    account: grace === undefined ? {} : { unmanagedVms: 'Delete', unmanagedVmsGracePeriod: grace },
    simulator: { bootDelayMs, deleteDelayMs, stopDelayMs, ...simulatorOf(market) },
    replicas: replicas === 'one' ? 1 : 2,
    election: replicas === 'two leaders' ? 'none' : 'lease',
    ...{ skewsMs, movesMachines: true },
  });
  world.restartAfterMs = 3_000;
  if (given.confirms) confirmSweeps(world);
  // No host of its own: whoever believes it may deploy there, but gets no VM that would have to be looked after.
  addOrganization(world, { hosts: 0 });
  const slowMs = Math.min(delayMs, 500);
  world.kubeWeather.delay =
    replicas === 'two leaders' ? { least: 100, most: 100 + slowMs } : { least: 0, most: slowMs };
  world.providerWeather.delay = { least: 0, most: delayMs };
  return world;
}

const looksEveryMs = 5_000;

function confirmSweeps(world: SimulatedWorld): void {
  void confirmSweep(world);
  world.clock.after(looksEveryMs, () => {
    confirmSweeps(world);
  });
}

function simulatorOf(market: Market | undefined): Partial<SimulatorOptions> {
  if (market === undefined) return {};
  const { outbidReturns, spotCompetition, spotVolatility, spotFloor } = market;
  return { outbidReturns, spotCompetition, spotVolatility, spotFloor };
}
