import type { VmSpec } from '../../src/api/vm.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';

/** Whether `one` has to be released before `other` is: the lowest priority first, then the youngest. */
function isLessImportant(one: CustomObject, other: CustomObject): boolean {
  if (priorityOf(one) !== priorityOf(other)) return priorityOf(one) < priorityOf(other);
  return createdAt(one) > createdAt(other);
}

/** Who goes on, of those that hold their GPUs, though it is less important than this one, which is released for money. */
export function sparedFor(victim: CustomObject, holding: readonly CustomObject[]): string | undefined {
  return holding.find((other) => isLessImportant(other, victim))?.metadata.name;
}

function priorityOf({ spec }: CustomObject): number {
  return (spec as Partial<VmSpec>).priority ?? 0;
}

function createdAt({ metadata }: CustomObject): number {
  return Date.parse(metadata.creationTimestamp ?? '');
}
