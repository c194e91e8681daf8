import type { VmSpec } from '../../src/api/vm.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';

/** Whether `one` has to be released before `other` is: the lowest priority first, then the youngest. */
export function isLessImportant(one: CustomObject, other: CustomObject): boolean {
  if (priorityOf(one) !== priorityOf(other)) return priorityOf(one) < priorityOf(other);
  return createdAt(one) > createdAt(other);
}

function priorityOf({ spec }: CustomObject): number {
  return (spec as Partial<VmSpec>).priority ?? 0;
}

function createdAt({ metadata }: CustomObject): number {
  return Date.parse(metadata.creationTimestamp ?? '');
}
