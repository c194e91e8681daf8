import { gpuAccountType, gpuVmType } from '../../../src/api/group.ts';
import { configMapType, endpointSliceType, secretType, serviceType } from '../../../src/controllers/objects.ts';
import type { ResourceType } from '../../../src/kube/contract.ts';
import { eventType } from '../../../src/kube/events.ts';
import { leaseType } from '../../../src/kube/lease.ts';

/** The kinds that the operator reads or writes. */
export const twinTypes = {
  gpuVm: gpuVmType,
  gpuAccount: gpuAccountType,
  secret: secretType,
  configMap: configMapType,
  lease: leaseType,
  event: eventType,
  service: serviceType,
  endpointSlice: endpointSliceType,
} as const satisfies Record<string, ResourceType>;

export type TwinKind = keyof typeof twinTypes;
