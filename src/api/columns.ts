import type { ConditionType } from './conditions.ts';
import type { PrinterColumn } from './kind.ts';

/** Columns of `kubectl get` that several kinds have. */

export const ageColumn: PrinterColumn = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'Age of the resource.',
};

/** What a condition says of itself, by one of its fields. */
export function conditionColumn(
  type: ConditionType,
  field: 'status' | 'reason' | 'message',
  column: Pick<PrinterColumn, 'name' | 'description' | 'priority'>,
): PrinterColumn {
  const { name, description, ...rest } = column;
  return { name, type: 'string', jsonPath: `.status.conditions[?(@.type=="${type}")].${field}`, description, ...rest };
}
