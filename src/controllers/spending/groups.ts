import type { CustomObject } from '../objects.ts';
import { ownerKeyOf } from '../pool-owner.ts';
import { parseVm } from '../vm/parse.ts';

/** Names of the groups in which what a resource is committed to counts. */
export const groups = {
  namespace: (name: string): string => `namespace/${name}`,
  account: (name: string): string => `account/${name}`,
  /** @param key of the store's index `owner` */
  pool: (key: string): string => `pool/${key}`,
};

export function groupsOf(object: CustomObject): readonly string[] {
  const owner = ownerKeyOf(object);
  return [
    groups.namespace(object.metadata.namespace ?? ''),
    groups.account(parseVm(object).spec.accountName),
    ...(owner === undefined ? [] : [groups.pool(owner)]),
  ];
}

/** Names of the namespaces among these groups. */
export function namespacesIn(names: readonly string[]): string[] {
  const prefix = groups.namespace('');
  return names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
}
