import type { GpuAccountSpec } from '../../src/api/gpu-account.ts';
import { gpuAccountType } from '../../src/api/group.ts';
import type { BalanceDeed } from './balance-deeds.ts';
import { accountName } from './organizations.ts';
import type { SimulatedWorld } from './world.ts';

/** What the organization has left, and for how long that has to last. */

type Runways = Pick<NonNullable<GpuAccountSpec['limits']>, 'minRunway' | 'releaseBelowRunway'>;

/** More than anybody here could spend. */
const plenty = 100_000;

/** Of an organization that spends nothing. */
const usualRate = 0.2;

export async function strikeBalance(world: SimulatedWorld, one: BalanceDeed): Promise<void> {
  switch (one.do) {
    case 'balance':
      setBalance(world, Math.min(plenty, (rateOf(world) || usualRate) * one.hours).toFixed(6));
      return;
    case 'runway':
      return limitRunway(world, one.runways);
    case 'oldAnswers':
      return fallSilent(world, one.afterMs);
    case 'balanceSlips':
      world.providerWeather.balanceSlips = one.count;
  }
}

const twoAnswersMs = 150_000;

async function fallSilent(world: SimulatedWorld, afterMs: number): Promise<void> {
  await limitRunway(world, { minRunway: '6h' });
  setBalance(world, ((rateOf(world) || usualRate) * 1.5).toFixed(6));
  const { clock, providerWeather } = world;
  providerWeather.fallsSilent = true;
  clock.after(twoAnswersMs, () => {
    // All trouble may be over by then.
    if (providerWeather.fallsSilent) world.fault({ endpoint: 'billing/balance', kind: 'error-500', count: 8 });
  });
  clock.after(twoAnswersMs + afterMs, () => {
    if (providerWeather.fallsSilent) void limitRunway(world, { minRunway: '6h', releaseBelowRunway: '2h' });
  });
}

/** The platform team says for how long the balance has to last; null: for no time in particular. */
export async function limitRunway(world: SimulatedWorld, runways: Runways | null): Promise<void> {
  world.note(`runway ${JSON.stringify(runways)}`);
  const limits = { minRunway: null, releaseBelowRunway: null, ...runways };
  await world.api.mergePatch(gpuAccountType, { name: accountName }, { spec: { limits } });
}

/** Somebody puts money in, or takes it out. */
export function setBalance(world: SimulatedWorld, dollars: string): void {
  world.control('POST', 'balance', { balance: dollars });
}

/** What is really left, in dollars. */
export function balanceOf({ provider }: SimulatedWorld): number {
  return Number(provider.machine.world.ledger.balance / 3_600_000n) / 1e9;
}

/** What is really billed per hour, in dollars. */
export function rateOf({ provider }: SimulatedWorld): number {
  return provider.machine.world.ledger.rate / 1e9;
}

/** How many hours that lasts. */
export function hoursLeft(world: SimulatedWorld): number {
  return balanceOf(world) / rateOf(world);
}
