import type { SpendView } from '../../plan/budget/spending.ts';
import { ownValue, type CustomObject } from '../objects.ts';
import { keyOf } from '../../kube/contract.ts';
import { poolOwnerOf } from '../pool-owner.ts';
import { parseVm } from '../vm/parse.ts';
import { parseAccount, parseBudget, type BooksDeps } from './books.ts';

/** What forbids a resource to have a VM at all, whatever room there is. */
export function banOf(deps: BooksDeps, object: CustomObject): SpendView['ban'] {
  const { namespace = '' } = object.metadata;
  const unreadable = deps.budgets.byIndex('namespace', namespace).find((budget) => parseBudget(budget) === undefined);
  if (unreadable !== undefined) {
    const message = `The spec of GpuBudget "${unreadable.metadata.name}" cannot be understood: nothing is deployed or started in this namespace before it is corrected.`;
    return { reason: 'OverBudget', message, always: true };
  }
  const orphaned = orphanedBan(deps, object);
  if (orphaned !== undefined) return orphaned;
  const name = parseVm(object).spec.accountName;
  const account = deps.accountsStore.get(name);
  if (account === undefined) return undefined;
  const spec = parseAccount(account);
  if (spec === undefined) {
    const message = `The spec of GpuAccount "${name}" cannot be understood: nothing is deployed or started before it is corrected.`;
    return { reason: 'OverAccountLimit', message, always: true };
  }
  const wanted = Object.entries(spec.allowedNamespaces?.matchLabels ?? {});
  const labels = deps.namespaces.get(namespace)?.metadata.labels;
  const lacking = wanted.find(([key, value]) => ownValue(labels, key) !== value);
  if (lacking === undefined) return undefined;
  const message = `GpuAccount "${name}" serves namespaces with the label ${lacking.join('=')} (allowedNamespaces), which "${namespace}" does not have: ask the platform team.`;
  return { reason: 'NamespaceNotAllowed', message, always: false };
}

/**
 * A creation that was on its way when its pool went makes a member that nobody limits, and nobody deletes where there is no
 * garbage collector. The pool's own stores are as new as its members here: a leader has caught up before it spends.
 */
function orphanedBan({ pools }: BooksDeps, object: CustomObject): SpendView['ban'] {
  const owner = poolOwnerOf(object);
  if (owner === undefined) return undefined;
  const pool = pools.get(keyOf({ namespace: object.metadata.namespace, name: owner.name }));
  if (pool?.metadata.uid === owner.uid) return undefined;
  const message = `The GpuPool "${owner.name}" that made this resource does not exist any more: no VM is deployed for it. Delete it, or take its owner reference away.`;
  return { reason: 'PoolNotFound', message, always: false };
}
