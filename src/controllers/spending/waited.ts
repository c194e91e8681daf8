import { conditionOf } from '../../api/conditions.ts';
import { growth, type Charge } from '../../plan/budget/charge.ts';
import { roomReasons } from '../../plan/budget/words.ts';
import type { CustomObject } from '../objects.ts';
import { parseVm } from '../vm/parse.ts';
import type { Books } from './books.ts';

/** What a resource waited for when the process before this one ended, by what its status says of that. */

/** Undefined: not for room. */
export function waitedFor(object: CustomObject, books: Books): Charge | undefined {
  const { status, spec } = parseVm(object);
  const reason = reasonOf(object);
  if (reason === undefined || !roomReasons.has(reason)) return undefined;
  const { now, started } = books.commitmentOf(object);
  const another = { vms: 1, gpus: spec.gpu.count, hourlyCost: now.hourlyCost.minus(now.hourlyCost) };
  return status.vm === undefined ? another : growth(now, started);
}

/** A limit kept its VM released, and whether it still does is said by that. */
export function saysReleased(object: CustomObject): boolean {
  const reason = reasonOf(object);
  return reason === 'StoppedByBudget' || reason === 'StoppedForBalance';
}

function reasonOf(object: CustomObject): string | undefined {
  const { status, isStatusDamaged } = parseVm(object);
  if (isStatusDamaged || object.metadata.deletionTimestamp !== undefined) return undefined;
  return conditionOf(status.conditions, 'Ready')?.reason;
}
