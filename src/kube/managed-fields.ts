import type { KubeObject } from './contract.ts';

/** They are often half of an object, and no controller reads them. The object itself is returned where it has none, and never changed. */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  if (!('managedFields' in object.metadata)) return object;
  // Not by `delete`: that turns an object into a table, which is larger, and slower to read ever after.
  const metadata: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(object.metadata)) if (field !== 'managedFields') metadata[field] = value;
  return { ...object, metadata };
}
