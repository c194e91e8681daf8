import { conditionOf, type Condition } from '../../api/conditions.ts';
import type { VmStatus } from '../../api/vm.ts';
import { money, parseMoney, type Money } from '../../lib/money.ts';
import type { PoolMember } from '../../plan/pool/observation.ts';
import { isInDoubt } from '../../plan/vm/proof.ts';
import type { CustomObject } from '../objects.ts';

/** What a pool sees of the VM of a member: all of it is in that one's status. */

export type VmView = Pick<
  PoolMember,
  | 'vmSince'
  | 'ready'
  | 'isProbeForbidden'
  | 'isSynced'
  | 'isObserved'
  | 'capacity'
  | 'market'
  | 'outbidSince'
  | 'cost'
  | 'price'
>;

/** Nobody knows what there is: a VM, for all that matters here. */
export function unknownVm(createdAt: number): VmView {
  const ready = { isTrue: false, since: createdAt, reason: 'InvalidSpec', message: 'Its status is damaged.' };
  return {
    ...{ vmSince: createdAt, ready, isProbeForbidden: false, isSynced: false, isObserved: false, cost: money(0) },
    ...{ capacity: undefined, market: undefined, outbidSince: undefined, price: undefined },
  };
}

export function vmOf({ kind, metadata }: CustomObject, status: VmStatus, createdAt: number): VmView {
  const { vm, hourlyPrice } = status;
  return {
    vmSince: vmSinceOf(status, createdAt),
    ready: readyOf(conditionOf(status.conditions, 'Ready'), createdAt),
    isProbeForbidden: conditionOf(status.conditions, 'Reachable')?.reason === 'ProbeForbidden',
    isSynced: conditionOf(status.conditions, 'Synced')?.status !== 'False',
    isObserved: status.observedGeneration === metadata.generation,
    capacity: vm === undefined || kind === 'SpotVm' ? vm?.capacity : 'OnDemand',
    market: status.spot?.market,
    outbidSince: millis(vm?.outbidSince),
    cost: costOf(status),
    price: hourlyPrice === undefined ? undefined : parseMoney(hourlyPrice.running),
  };
}

function readyOf(ready: Condition | undefined, createdAt: number): PoolMember['ready'] {
  if (ready === undefined) {
    return { isTrue: false, since: createdAt, reason: 'Pending', message: 'Nothing has been decided yet.' };
  }
  const { status, lastTransitionTime, reason, message } = ready;
  return { isTrue: status === 'True', since: millis(lastTransitionTime) ?? createdAt, reason, message };
}

/** A VM whose deploy call is under way, or was never answered, may be there. */
function vmSinceOf(status: VmStatus, createdAt: number): number | undefined {
  const { vm, launch } = status;
  if (vm !== undefined) return millis(vm.recordedAt) ?? createdAt;
  return isInDoubt(status) ? (millis(launch?.intentAt) ?? createdAt) : undefined;
}

/** What was replaced is billed for as long as its disk is kept. */
function costOf({ hourlyPrice, retiring = [] }: VmStatus): Money {
  const billed = [hourlyPrice?.billedNow, ...retiring.map(({ billedNow }) => billedNow)];
  return billed.reduce((sum, price) => sum.plus(parseMoney(price ?? '0') ?? 0), money(0));
}

export function millis(time: string | undefined): number | undefined {
  const ms = time === undefined ? NaN : Date.parse(time);
  return Number.isNaN(ms) ? undefined : ms;
}
