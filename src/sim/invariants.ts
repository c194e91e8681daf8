import type { Host, Vm, VmSize, World } from './state.ts';

/** What must hold at any moment, whatever was called. Returns a sentence for each that does not. */
export function findProblems(world: World): string[] {
  const problems: string[] = [];
  if (!world.ledger.isConsistent()) problems.push('The balance is not the opening balance minus all charges.');
  const vmsByHost = Map.groupBy(world.vms.values(), (vm) => vm.host.id);
  for (const host of world.hosts.values()) {
    problems.push(
      ...stockProblems(world, host, vmsByHost.get(host.id) ?? []),
      ...portProblems(host, vmsByHost.get(host.id) ?? []),
    );
  }
  return problems;
}

function stockProblems(world: World, host: Host, vms: readonly Vm[]): string[] {
  const ready = [...world.instants.values()].filter((instant) => instant.host === host).map(({ kind }) => kind.size);
  const holders: VmSize[] = [...vms.filter((vm) => vm.holdsCompute).map((vm) => vm.size), ...ready];
  const stored: VmSize[] = [...vms.map((vm) => vm.size), ...ready];
  const checks = [
    ['vCPUs', host.cpu, sum(holders, (size) => size.vcpus)] as const,
    ['RAM', host.ram, sum(holders, (size) => size.ram)] as const,
    ['storage', host.storage, sum(stored, (size) => size.storage)] as const,
    ...[...host.gpus].map(
      ([model, pool]) =>
        [
          model,
          pool,
          sum(
            holders.filter((size) => size.gpuModel === model),
            (size) => size.gpuCount,
          ),
        ] as const,
    ),
  ];
  return checks
    .filter(([, pool, held]) => pool.free < 0 || pool.free + held !== pool.total)
    .map(
      ([what, pool, held]) =>
        `${host.id}: ${what}: ${String(pool.free)} free and ${String(held)} held of ${String(pool.total)}.`,
    );
}

function portProblems(host: Host, vms: readonly Vm[]): string[] {
  const held = vms.flatMap((vm) => vm.forwards.map(({ external }) => external));
  const problems: string[] = [];
  if (new Set(held).size !== held.length) problems.push(`${host.id}: a port was given to two VMs.`);
  if (held.some((port) => host.freePorts.has(port))) problems.push(`${host.id}: a port is both held and free.`);
  if (held.length + host.freePorts.size !== host.ports.size) problems.push(`${host.id}: ports were lost or invented.`);
  return problems;
}

function sum(sizes: readonly VmSize[], amount: (size: VmSize) => number): number {
  return sizes.reduce((total, size) => total + amount(size), 0);
}
