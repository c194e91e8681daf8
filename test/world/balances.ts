import type { GpuAccountSpec } from '../../src/api/gpu-account.ts';
import { gpuAccountType } from '../../src/api/group.ts';
import { accountName } from './organizations.ts';
import type { SimulatedWorld } from './world.ts';

/** What the organization has left, and for how long that has to last. */

type Runways = Pick<NonNullable<GpuAccountSpec['limits']>, 'minRunway' | 'releaseBelowRunway'>;

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
