import type { z } from 'zod';
import { Refusal } from './answers.ts';
import type { instantsBody } from './control-bodies.ts';
import type { Host, InstantVm, VmSize, World } from './state.ts';
import { giveBackCompute, giveBackStorage, hasCompute, takeCompute, takeStorage } from './stock.ts';

type Made = z.infer<typeof instantsBody>;

/** `POST /sim/instants`: the provider makes VMs of one kind ready, on one host or on any with room for them; all or none. */
export function makeInstants(world: World, { count, hostnode, operatingSystem, listedPrice, ...size }: Made): object {
  const kind = { id: world.ids.uuid(), operatingSystem, size };
  const made: InstantVm[] = [];
  try {
    while (made.length < count) {
      const host = hostFor(world, size, hostnode);
      takeCompute(host, size);
      takeStorage(host, size.storage);
      made.push({ id: world.ids.uuid(), kind, host, listedPrice });
    }
  } catch (error) {
    giveBack(made);
    throw error;
  }
  for (const instant of made) world.instants.set(instant.id, instant);
  world.kinds.push(kind);
  return { instantVms: made.map(({ id }) => id) };
}

function giveBack(instants: Iterable<InstantVm>): void {
  for (const { host, kind } of instants) {
    giveBackCompute(host, kind.size);
    giveBackStorage(host, kind.size.storage);
  }
}

function hostFor(world: World, size: VmSize, hostnode: string | undefined): Host {
  const hosts = [...world.hosts.values()].filter(({ id }) => hostnode === undefined || id === hostnode.toLowerCase());
  if (hosts.length === 0) throw new Refusal('unknown', 'No such hostnode');
  const host = hosts.find((one) => one.online && hasCompute(one, size) && one.storage.free >= size.storage);
  if (host === undefined) throw new Refusal('noCapacity', 'No hostnode has room for that');
  return host;
}

/** `DELETE /sim/instants`: somebody else has taken them all, and has given them back already. */
export function dropInstants(world: World): object {
  giveBack(world.instants.values());
  world.instants.clear();
  return { instantVms: [] };
}
