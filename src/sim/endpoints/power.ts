import { invalid, Refusal, success, type Answer } from '../answers.ts';
import { bidWins, lowestWinningBid, makeRoom } from '../spot-market.ts';
import { Status, type Vm, type World } from '../state.ts';
import { notEnoughResources } from '../stock.ts';
import { acquireCompute, beginTransition, isRunning } from '../vms.ts';
import { findVm, wrongState, type Call, type Endpoint } from './endpoint.ts';

/** API reference 5.4 and section 16: from every state at rest but `Running`. */
const start: Endpoint = { path: 'client/start/single', method: 'POST', auth: 'required', handle: startSingle };

/** API reference 5.5 and section 16: from `Running` only. */
const stop: Endpoint = { path: 'client/stop/single', method: 'POST', auth: 'required', handle: stopSingle };

function startSingle(world: World, { fields }: Call): Answer {
  const vm = findVm(world, fields.text('server'));
  if (isRunning(vm) || vm.transition !== undefined) throw wrongState(vm, 'started');
  if (world.ledger.balance <= 0n) throw invalid('Insufficient balance to start the server');
  checkPlace(world, vm);
  // A12: a full host refuses, and the VM stays as it is.
  acquireCompute(vm);
  const { startStatus, bootDelayMs } = world.options;
  beginTransition(world, vm, { during: startStatus, to: Status.running, delayMs: bootDelayMs });
  return success();
}

function checkPlace(world: World, vm: Vm): void {
  if (!vm.host.online) throw new Refusal('noCapacity', 'Hostnode is offline');
  if (vm.bid === undefined) return;
  const { host, size, bid } = vm;
  if (bid < lowestWinningBid(host, size)) throw new Refusal('priceTooLow', 'Price is too low for a spot instance');
  if (vm.holdsCompute) return;
  if (!bidWins(world, { host, size, bid })) throw notEnoughResources();
  makeRoom(world, { host, size, bid });
}

function stopSingle(world: World, { fields }: Call): Answer {
  const vm = findVm(world, fields.text('server'));
  const releases = fields.flag('disassociate_resources');
  if (!isRunning(vm)) throw wrongState(vm, 'stopped');
  const { stopStatus, stopDelayMs } = world.options;
  beginTransition(world, vm, {
    during: stopStatus,
    to: releases ? Status.released : Status.stopped,
    delayMs: stopDelayMs,
  });
  return success();
}

export const powerEndpoints = [start, stop];
