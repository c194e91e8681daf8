import { annotations } from '../../src/api/group.ts';
import type { GpuVmStatus } from '../../src/api/gpu-vm.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import { isConverged } from '../support/convergence.ts';
import { acceptedPair, acceptOnly, confirmAcceptedKey, setSecret } from './organizations.ts';
import { plantedSecrets, type SimulatedWorld } from './world.ts';

const settleLimitMs = 4 * 3_600_000;

/** Trouble ends; then everything has to become as the resources say, within a bounded time. Returns how long it took. */
export async function comeToRest(world: SimulatedWorld): Promise<number | undefined> {
  await endTrouble(world);
  if (!world.isOperatorAlive) await world.start();
  const isQuiet = (): boolean => {
    // All recorded VMs may have vanished while the key was rotated: then a person has to say that it is the right one.
    void confirmAcceptedKey(world);
    return world.isOperatorAlive && world.resources().every(isConverged);
  };
  const settledMs = await world.until(isQuiet, settleLimitMs, 5_000);
  if (settledMs === undefined) {
    for (const object of world.resources().filter((one) => !isConverged(one))) {
      world.watchdog.complain(`${object.metadata.name} does not converge: ${describe(object)}`);
    }
  }
  // Whatever was on its way when things became quiet, and the longest pause after failures.
  await world.advance(330_000);
  // As long as it takes until each account has been polled and looked at once more.
  await expectNoWrites(world, 35_000);
  world.watchdog.checkQuiet(world.resources(), world.released);
  const { duplicateNames } = world.provider.machine.world;
  if (duplicateNames > 0) world.watchdog.complain(`${String(duplicateNames)} times two VMs had one name`);
  return settledMs;
}

/** Lists are read and everything is looked at meanwhile; nobody writes that nothing has changed. */
async function expectNoWrites(world: SimulatedWorld, forMs: number): Promise<void> {
  // Whoever wakes up from long ago has old news to write.
  const wasFrozen = world.replicas.some((replica) => replica.isFrozen);
  const before = world.writes;
  await world.advance(forMs);
  if (wasFrozen) return;
  const writes = world.writes - before;
  if (writes > 0) world.watchdog.complain(`${String(writes)} writes while everything is as it should be`);
}

async function endTrouble(world: SimulatedWorld): Promise<void> {
  world.clearFaults();
  world.api.holdWatches(false);
  const own = { ...acceptedPair(world), apiToken: plantedSecrets.apiToken };
  acceptOnly(world, own);
  await setSecret(world, own);
  for (const host of world.provider.machine.world.hosts.values()) {
    world.control('POST', `hosts/${host.id}`, { online: true, cpu: { price: '0.003' } });
  }
  for (const vm of world.vms()) {
    if (vm.status === 'Migrating') world.control('POST', `vms/${vm.id}`, { status: 'Running' });
  }
  for (const { metadata } of world.resources()) {
    await world.annotate(metadata.name, { [annotations.paused]: null });
    // What was to be adopted may be gone, and then nothing is deployed until somebody says so.
    await world.annotate(metadata.name, { [annotations.adopt]: null });
  }
}

function describe({ metadata, status }: CustomObject): string {
  const { conditions, launch, vm: recorded } = (status ?? {}) as GpuVmStatus;
  const ready = conditions?.find(({ type }) => type === 'Ready');
  return JSON.stringify({ deleted: metadata.deletionTimestamp, ready, launch, vm: recorded?.id });
}
