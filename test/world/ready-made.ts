import { easySpec, type SimulatedWorld } from './world.ts';

/** Ready-made VMs, as the simulated provider has them. */

export const takeInstant = 'client/deployinstant/single';
export const listInstants = 'client/deploy/instantvms';

/** Who would rather have one; nothing that these worlds do makes a VM dearer than this. */
export const preferring = { instant: 'Prefer', maxHourlyPrice: '5' } as const;

export interface Ready {
  readonly count?: number;
  readonly gpuCount?: number;
  readonly vcpus?: number;
  readonly operatingSystem?: string;
  /** What the list says that each costs, where that is not so. */
  readonly listedPrice?: string | undefined;
}

/** Such as `easySpec` asks for, and larger, unless it is said otherwise. Where there is no room none are made. */
export function stockReady(world: SimulatedWorld, ready: Ready = {}): void {
  const body = { gpuModel: easySpec.gpu.models[0], vcpus: 4, ram: 8, storage: 40, ...ready };
  world.note(`ready-made VMs ${JSON.stringify(ready)}`);
  world.provider.control({ method: 'POST', path: 'instants', body });
}

/** Somebody else is faster. */
export function dropReady(world: SimulatedWorld): void {
  world.note('no ready-made VMs are left');
  world.provider.control({ method: 'DELETE', path: 'instants', body: undefined });
}
