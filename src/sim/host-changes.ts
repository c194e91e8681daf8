import type { z } from 'zod';
import type { hostBody, PoolChange } from './control-bodies.ts';
import { gpuPool } from './host-generator.ts';
import type { Host, Pool } from './state.ts';

/**
 * `POST /sim/hosts/<uuid>`: amounts are what is free from now on, what VMs hold comes on top. Prices count for
 * deployments and changes of size from now on; VMs that exist keep their rates.
 */
export function changeHost(host: Host, change: z.infer<typeof hostBody>): object {
  host.listed = change.listed ?? host.listed;
  host.online = change.online ?? host.online;
  host.reserved = change.reserved ?? host.reserved;
  host.uptime = change.uptime ?? host.uptime;
  changePool(host.cpu, change.cpu);
  changePool(host.ram, change.ram);
  changePool(host.storage, change.storage);
  for (const [model, gpu] of Object.entries(change.gpu ?? {})) {
    const pool = host.gpus.get(model) ?? gpuPool(model, { amount: 0, price: 0 }, 0.5);
    host.gpus.set(model, pool);
    changePool(pool, gpu);
  }
  if (change.ports !== undefined) changePorts(host, change.ports);
  host.fragment = undefined;
  return {};
}

function changePool(pool: Pool, change: PoolChange | undefined): void {
  if (change?.amount !== undefined) {
    pool.total += change.amount - pool.free;
    pool.free = change.amount;
  }
  pool.price = change?.price ?? pool.price;
}

function changePorts(host: Host, ports: readonly number[]): void {
  const held = [...host.ports].filter((port) => !host.freePorts.has(port));
  host.freePorts.clear();
  host.ports.clear();
  for (const port of [...ports, ...held]) host.ports.add(port);
  for (const port of ports) {
    if (!held.includes(port)) host.freePorts.add(port);
  }
}
