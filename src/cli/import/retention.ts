import { gpuBudgetType } from '../../api/group.ts';
import type { CustomObject } from '../../controllers/objects.ts';
import { isKubeError } from '../../kube/contract.ts';
import type { Session } from '../common/session.ts';

/** Says before there is a resource what will be in the way when it is deleted: by then nobody thinks of its import. */
export async function warnOfRetain({ kube, namespace, io }: Session, policy: 'Delete' | 'Retain'): Promise<void> {
  if (policy !== 'Retain') return;
  const budgets = await kube.list<CustomObject>(gpuBudgetType, { namespace }).catch((error: unknown) => {
    // Only for a warning: who may not see budgets goes without, as where their CRD is missing.
    if (isKubeError(error, 'forbidden', 'notFound')) return { items: [] };
    throw error;
  });
  const warning = retainWarning(budgets.items);
  if (warning !== undefined) io.note(warning);
}

/** Pure. */
export function retainWarning(budgets: readonly Pick<CustomObject, 'metadata' | 'spec'>[]): string | undefined {
  const budget = budgets.find(({ spec }) => (spec as { allowRetain?: unknown } | undefined)?.allowRetain !== true);
  if (budget === undefined) return undefined;
  return `Warning: GpuBudget "${budget.metadata.name}" does not allow deletionPolicy Retain: once deleted, the resource will stay with its VM (RetainNotAllowed), until somebody sets Delete, or the platform team allowRetain.`;
}
