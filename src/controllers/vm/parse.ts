import type { z } from 'zod';

import { objectNameField } from '../../api/fields.ts';
import { gpuVmSpecSchema } from '../../api/gpu-vm.ts';
import { spotVmStatusSchema } from '../../api/spot-vm.ts';
import type { VmSpec, VmStatus } from '../../api/vm.ts';
import { sharedWith } from '../../lib/shared.ts';
import { scheduleProblem } from '../../plan/vm/clockwork.ts';
import type { SpotTerms } from '../../plan/vm/spot-terms.ts';
import type { CustomObject } from '../objects.ts';
import { vmKindOf, type VmKind } from './kinds.ts';

/** What is stored, understood: or what is wrong with it, in a sentence. */

export interface ParsedVm {
  readonly spec: VmSpec;
  readonly spot: SpotTerms | undefined;
  readonly status: VmStatus;
  readonly problem: string | undefined;
  /** Then `status` is as it is stored, whatever that is. */
  readonly isStatusDamaged: boolean;
}

/** An object of the store never changes, so each version is parsed once, and what it says is kept once. */
const parsedVms = new WeakMap<CustomObject, ParsedVm>();

/** The spec and status, with what is wrong with them if they cannot be understood. */
export function parseVm(object: CustomObject): ParsedVm {
  const known = parsedVms.get(object);
  if (known !== undefined) return known;
  const status = spotVmStatusSchema.safeParse(object.status ?? {});
  const { specProblem, ...understood } = parseSpec(vmKindOf(object), object.spec);
  const statusProblem = status.success
    ? undefined
    : `The status is damaged (${firstIssue(status.error)}). Nothing is done until it is restored, since it says which VM is ours.`;
  const parsed: ParsedVm = {
    ...understood,
    spec: sharedWith(understood.spec, object.spec),
    status: status.success ? sharedWith(status.data, object.status) : (object.status ?? {}),
    isStatusDamaged: !status.success,
    problem: specProblem ?? statusProblem,
  };
  parsedVms.set(object, parsed);
  return parsed;
}

type ParsedSpec = Pick<ParsedVm, 'spec' | 'spot'> & { readonly specProblem: string | undefined };

function parseSpec(kind: VmKind, raw: unknown): ParsedSpec {
  const parsed = kind.specSchema.safeParse(raw);
  if (!parsed.success) return unusable(raw, firstIssue(parsed.error));
  const spot = kind.termsOf(parsed.data);
  if (typeof spot === 'string') return unusable(raw, spot);
  const problem = scheduleProblem(parsed.data);
  // The rest of it can be read: it expires all the same.
  return { spec: parsed.data, spot, specProblem: problem === undefined ? undefined : notValid(problem) };
}

function unusable(raw: unknown, problem: string): ParsedSpec {
  return { spec: unusableSpec(raw), spot: undefined, specProblem: notValid(problem) };
}

function notValid(problem: string): string {
  return `The spec is not valid: ${problem}.`;
}

/** For a spec that this release cannot read: enough to delete the resource as its owner asked. */
function unusableSpec(raw: unknown): VmSpec {
  const fields = (typeof raw === 'object' && raw !== null ? raw : {}) as {
    accountName?: unknown;
    deletionPolicy?: unknown;
  };
  return gpuVmSpecSchema.parse({
    accountName: objectNameField.safeParse(fields.accountName).data ?? 'default',
    deletionPolicy: fields.deletionPolicy === 'Retain' ? 'Retain' : 'Delete',
    gpu: { models: ['unknown'] },
    vcpus: 2,
    memoryGB: 2,
    storageGB: 20,
    powerState: 'Stopped',
  });
}

export function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue === undefined ? 'unknown problem' : `${issue.path.join('.')}: ${issue.message}`;
}
