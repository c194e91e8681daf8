import * as z from 'zod';

import { toTimestamp } from '../lib/clock.ts';
import { timeField } from './fields.ts';
import type { Reason } from './reasons.ts';

/**
 * Conditions as the Kubernetes API conventions have them. Two questions, two conditions: `Ready` (does the VM work) and
 * `Synced` (does the reconcile loop work). `Reconciling` and `Stalled` follow kstatus: present only while true.
 */
export const conditionTypes = {
  Ready: 'The VM works: it runs, and its readiness probe, if it has one, succeeds.',
  Synced:
    'The operator can do its work on the resource: the last reconcile went through. False while paused, when the last reconcile failed, or when no list of VMs could be read for two minutes.',
  Launched: 'The provider has made the VM.',
  Reachable: 'The readiness probe reaches the guest. Only present when spec.readinessProbe is set.',
  Published: 'The Service of spec.service leads to the VM, or to members of the pool. Only present when that is set.',
  UpToDate: 'The VM has the size that the spec asks for.',
  Available: 'GpuPool: as many members are available as there have to be.',
  Progressing: 'GpuPool: members are being made, replaced or deleted.',
  RollingOut: 'GpuPool: members of an older template are being replaced.',
  ScalingUp: 'GpuPool: fewer members than are wanted have their VM.',
  ScalingDown: 'GpuPool: members are being deleted.',
  Repairing: 'GpuPool: whether members that do not become Ready are replaced. False: the message says why not.',
  NearLimit: 'GpuBudget: more than spec.warnAtPercent of a limit is used. Only present while true.',
  Reconciling: 'kstatus: the operator is working towards the spec. Only present while true.',
  Stalled:
    'kstatus: nothing will happen until somebody changes something; the message says what. Only present while true.',
  ListDistrusted: 'GpuAccount: the list of VMs contradicts other evidence. Only present while true.',
  OrganizationUnproven:
    'GpuAccount: the credentials may be of another organization than the VMs that are recorded, and nothing is done with them. Only present while true.',
  UnmanagedVms:
    'GpuAccount: there are VMs that this installation made, that no resource owns, and that nobody wanted kept. Only present while true.',
  CredentialsValid: 'GpuAccount: the provider accepts the key and token of the credentials Secret.',
  BalanceHealthy: 'GpuAccount: the balance lasts for longer than anything is held back, or warned of, for its sake.',
} as const;
export type ConditionType = keyof typeof conditionTypes;

export const conditionSchema = z.object({
  type: z.string().max(316).describe('What the condition is about.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('True, False or Unknown.'),
  observedGeneration: z.int().min(0).optional().describe('The metadata.generation that this was said of.'),
  lastTransitionTime: timeField.describe('When the status last changed.'),
  reason: z.string().max(1024).describe('One word for programs; docs/conditions.md lists all of them.'),
  message: z.string().max(4096).describe('A sentence for people: what is the matter, and what to do.'),
});
export type Condition = z.infer<typeof conditionSchema>;

export const conditionsField = z
  .array(conditionSchema)
  .max(32)
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
  .describe('What is the case, each with a reason and a sentence. `kubectl wait --for=condition=Ready` waits for one.');

/** A condition as a rule states it; transition times are added when it is put into the status. */
export interface ConditionDraft {
  readonly type: ConditionType;
  readonly status: Condition['status'];
  readonly reason: Reason;
  readonly message: string;
}

/**
 * The conditions after `drafts` are put in. A condition keeps its lastTransitionTime while its status is the same: a new
 * message alone is no transition. A type that is not drafted is removed.
 */
export function mergeConditions(
  before: readonly Condition[],
  drafts: readonly ConditionDraft[],
  facts: { readonly now: number; readonly generation: number | undefined },
): Condition[] {
  return drafts.map((draft) => {
    const old = before.find((condition) => condition.type === draft.type);
    const lastTransitionTime = old?.status === draft.status ? old.lastTransitionTime : toTimestamp(facts.now);
    return {
      type: draft.type,
      status: draft.status,
      ...(facts.generation === undefined ? {} : { observedGeneration: facts.generation }),
      lastTransitionTime,
      reason: draft.reason,
      message: draft.message,
    };
  });
}

export function conditionOf(conditions: readonly Condition[] | undefined, type: ConditionType): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}
