import { withoutTrailingSlashes } from '../lib/slashes.ts';
import { failure, jsonAnswer, refuse, Refusal, type Answer } from './answers.ts';
import {
  balanceBody,
  clockBody,
  credentialsBody,
  hostBody,
  instantsBody,
  marketBody,
  parseBody,
  vmBody,
} from './control-bodies.ts';
import { describeMarket, describeRequests, describeState, describeVmInFull } from './control-views.ts';
import { faultBody } from './faults.ts';
import { changeHost } from './host-changes.ts';
import { dropInstants, makeInstants } from './instant-stock.ts';
import type { Machine } from './machine.ts';
import { applyMarket, outbidLowest } from './spot-market.ts';
import { Status, type Host, type Vm, type World } from './state.ts';
import { acquireCompute, changed, finishTransition, releaseCompute, removeVm, setStatus } from './vms.ts';

/** What a test may see and do that the provider does not offer. Everything is below `/sim/`. */

export interface ControlRequest {
  readonly method: string;
  /** Below `/sim/`: `state`, `vms/<id>`. */
  readonly path: string;
  /** The parsed JSON body; undefined when there was none. */
  readonly body: unknown;
}

interface Context {
  readonly machine: Machine;
  readonly world: World;
  readonly id: string;
  readonly body: unknown;
  readonly now: number;
}

type Action = (context: Context) => unknown;

const actions: Readonly<Record<string, Action>> = {
  'GET state': ({ machine }) => describeState(machine),
  'GET requests': ({ machine }) => describeRequests(machine),
  'GET faults': ({ machine }) => ({ faults: machine.faults.list() }),
  'POST faults': ({ machine, body }) => {
    machine.faults.add(parseBody(faultBody, body));
    return { faults: machine.faults.list() };
  },
  'DELETE faults': ({ machine }) => {
    machine.faults.clear();
    return { faults: [] };
  },
  'GET market': ({ world }) => describeMarket(world),
  'POST market': setMarket,
  'GET vms': ({ world, id }) => describeVmInFull(findVm(world, id)),
  'POST vms': changeVm,
  'POST hosts': ({ world, id, body }) => changeHost(findHost(world, id), parseBody(hostBody, body)),
  'POST instants': ({ world, body }) => makeInstants(world, parseBody(instantsBody, body)),
  'DELETE instants': ({ world }) => dropInstants(world),
  'POST clock': ({ machine, world, body, now }) => {
    machine.advanceClock(parseBody(clockBody, body).advance * 1000, now);
    return { now: new Date(world.now).toISOString() };
  },
  'POST balance': ({ world, body }) => {
    world.ledger.setBalance(parseBody(balanceBody, body).balance);
    world.overdrawnSince = undefined;
    return {};
  },
  'POST credentials': ({ world, body }) => {
    const { apiKey, apiToken } = parseBody(credentialsBody, body);
    world.credentials = { key: apiKey, token: apiToken };
    return {};
  },
  'POST reset': ({ machine, now }) => {
    machine.reset(now);
    return {};
  },
};

/** Carries out one call of the control surface. Bad input gets 400 or 404 with a sentence, and changes nothing. */
export function control(machine: Machine, request: ControlRequest, now: number): Answer {
  machine.tick(now);
  const [noun = '', id = '', ...rest] = withoutTrailingSlashes(request.path).split('/');
  const takesId = noun === 'vms' || noun === 'hosts';
  const action = actions[`${request.method} ${noun}`];
  if (action === undefined || rest.length > 0 || takesId !== (id !== '')) return failure(404, 'No such control call');
  try {
    const result = action({ machine, world: machine.world, id, body: request.body, now });
    return jsonAnswer(200, JSON.stringify(result));
  } catch (error) {
    if (error instanceof Refusal) return refuse(error, { always200: false, bare: false });
    throw error;
  }
}

function setMarket({ world, body }: Context): unknown {
  const { gpuModel, hostnode, price, outbid } = parseBody(marketBody, body);
  const hosts = hostnode === undefined ? [...world.hosts.values()] : [findHost(world, hostnode)];
  const pools = hosts.flatMap((host) =>
    [...host.gpus].filter(([model]) => gpuModel === undefined || model === gpuModel),
  );
  if (pools.length === 0) throw new Refusal('unknown', 'No hostnode has such GPUs');
  if (price !== undefined) {
    for (const [, pool] of pools) pool.marketPrice = price ?? undefined;
  }
  const isConcerned = (vm: Vm): boolean =>
    hosts.includes(vm.host) && (gpuModel === undefined || vm.size.gpuModel === gpuModel);
  const before = outbidCount(world);
  if (price !== undefined) applyMarket(world, isConcerned);
  if (outbid !== undefined) outbidLowest(world, outbid, isConcerned);
  return { outbid: outbidCount(world) - before };
}

function outbidCount(world: World): number {
  return [...world.vms.values()].filter((vm) => vm.status === Status.outbid).length;
}

function changeVm({ world, id, body }: Context): unknown {
  const vm = findVm(world, id);
  const { status, remove, bid, networkStorage } = parseBody(vmBody, body);
  if (remove === true) {
    removeVm(world, vm);
    return {};
  }
  if (bid !== undefined) setBid(vm, bid);
  if (networkStorage !== undefined) vm.networkStorage = networkStorage;
  if (status !== undefined) forceStatus(world, vm, status);
  changed(world, vm);
  return describeVmInFull(vm);
}

function setBid(vm: Vm, bid: number): void {
  if (vm.bid === undefined) throw new Refusal('invalid', 'bid: the VM is not a spot VM');
  vm.bid = bid;
  vm.computeRate = bid;
}

/** Statuses that are known take or release resources; any other text is shown and changes nothing else. */
function forceStatus(world: World, vm: Vm, status: string): void {
  if (status === Status.running || status === Status.stopped) {
    acquireCompute(vm);
    setStatus(world, vm, status);
  } else if (status === Status.released || status === Status.outbid) {
    releaseCompute(world, vm);
    finishTransition(world, vm, status);
  } else {
    setStatus(world, vm, status);
  }
}

function findVm(world: World, id: string): Vm {
  const vm = world.vms.get(id.toLowerCase());
  if (vm === undefined) throw new Refusal('unknown', 'No such VM');
  return vm;
}

function findHost(world: World, id: string): Host {
  const host = world.hosts.get(id.toLowerCase());
  if (host === undefined) throw new Refusal('unknown', 'No such hostnode');
  return host;
}
