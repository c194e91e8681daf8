import type { KubeObject } from './contract.ts';

/** They are often half of an object, and no controller reads them. The object itself is returned where it has none, and never changed. */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  if (!('managedFields' in object.metadata)) return object;
  const metadata: Record<string, unknown> = { ...object.metadata };
  delete metadata['managedFields'];
  return { ...object, metadata };
}
