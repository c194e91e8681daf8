import { findProblems } from './invariants.ts';
import { toNanos } from './ledger.ts';
import type { Machine } from './machine.ts';
import { toNumber } from './nanos.ts';
import { addressOf, type Vm, type World } from './state.ts';
import { describeForwards } from './vms.ts';

/** `GET /sim/state`: the world without secrets. */
export function describeState(machine: Machine): unknown {
  const { world } = machine;
  return {
    now: new Date(world.now).toISOString(),
    vms: [...world.vms.values()].map(describeVm),
    balance: toNumber(toNanos(world.ledger.balance)),
    hourlyCost: toNumber(world.ledger.rate),
    requests: machine.log.counts(),
    duplicateNames: world.duplicateNames,
    hosts: world.hosts.size,
    instantVms: [...world.instants.keys()],
    containers: [...world.containers.values()].map(({ id, name, replicas }) => ({
      id,
      name,
      replicas: replicas.length,
    })),
    faults: machine.faults.list(),
    problems: findProblems(world),
  };
}

export function describeRequests(machine: Machine): unknown {
  return { requests: machine.log.latest() };
}

/** `GET /sim/market`: for every kind of GPU on every host what a bid must reach. */
export function describeMarket(world: World): unknown {
  const market = [...world.hosts.values()].flatMap((host) =>
    [...host.gpus].map(([gpuModel, { marketFactor, marketPrice }]) => ({
      hostnode: host.id,
      gpuModel,
      factor: marketFactor,
      price: marketPrice === undefined ? null : toNumber(marketPrice),
    })),
  );
  return { market };
}

/** `GET /sim/vms/<id>`: with everything the guest was given, so that a test can compare it. */
export function describeVmInFull(vm: Vm): unknown {
  const { password, sshKeys, cloudInit } = vm.access;
  return { ...describeVm(vm), password: password ?? null, sshKeys, cloudInit: cloudInit ?? null };
}

function describeVm(vm: Vm): Record<string, unknown> {
  return {
    id: vm.id,
    name: vm.name,
    status: vm.status,
    type: vm.bid === undefined ? 'ondem' : 'spot',
    hostnode: vm.host.id,
    ...vm.size,
    operatingSystem: vm.operatingSystem,
    bid: vm.bid === undefined ? null : toNumber(vm.bid),
    computePrice: toNumber(vm.computeRate),
    storagePrice: toNumber(vm.storageRate),
    ipAddress: addressOf(vm),
    portForwards: describeForwards(vm.forwards),
    createdAt: new Date(vm.createdAt).toISOString(),
    holdsCompute: vm.holdsCompute,
    networkStorage: vm.networkStorage,
  };
}
