import type { CallOptions } from '../../contract.ts';
import type { Caller } from '../caller.ts';
import { endpoints } from '../endpoint.ts';
import {
  hostnodeAnswer,
  hostnodesAnswer,
  instantVmsAnswer,
  type InstantVms,
  type WireHostnode,
} from '../wire/hostnodes.ts';

/** All optional. A filter selects hosts, not GPUs: what is listed must be checked again (API reference 4.1, A36). */
export interface HostnodeFilters {
  /** What must be free; memory, storage and the memory of one GPU in GB. */
  readonly minVcpus?: number;
  readonly minMemoryGB?: number;
  readonly minStorageGB?: number;
  readonly minVramGB?: number;
  readonly minGpuCount?: number;
  /** 0 finds hosts for VMs without a GPU. */
  readonly maxGpuCount?: number;
  readonly requiresRtx?: boolean;
  readonly requiresGtx?: boolean;
}

export interface HostnodesRequest extends HostnodeFilters {
  /**
   * Sends key and token in the query string, the only place this endpoint knows, so that hosts reserved for the
   * organization are listed too. Default false: a query string is likelier to be logged on its way than a body.
   */
  readonly includeReserved?: boolean;
}

/**
 * `client/deploy/hostnodes` (API reference 4.1): the hosts that can be rented, with what they have free.
 *
 * @returns by UUID; amounts of memory and storage in GB, prices per unit and hour, `uptime` a fraction. What fields are
 * missing is undefined (A43), and a host whose stock or prices cannot be read is left out: not using it costs nothing
 * @throws `invalid` for filters that the provider cannot read
 */
export async function hostnodes(
  call: Caller,
  request: HostnodesRequest = {},
  options?: CallOptions,
): Promise<ReadonlyMap<string, WireHostnode>> {
  return call({
    endpoint: { ...endpoints.hostnodes, credentials: request.includeReserved === true ? 'query' : 'none' },
    fields: () => ({
      minvCPUs: request.minVcpus,
      minRAM: request.minMemoryGB,
      minStorage: request.minStorageGB,
      minVRAM: request.minVramGB,
      minGPUCount: request.minGpuCount,
      requiresRTX: request.requiresRtx,
      requiresGTX: request.requiresGtx,
      maxGPUCount: request.maxGpuCount,
    }),
    answer: hostnodesAnswer,
    options,
  });
}

/**
 * `client/deploy/hostnodes/<uuid>` (API reference 4.2): one host, as in `hostnodes`, under whichever key the answer has it
 * (A5).
 *
 * @throws `invalid` before anything is sent for what is no id; `notFound` for a host that is unknown or not listed;
 * `malformed` when the answer holds no host
 */
export async function hostnode(call: Caller, uuid: string, options?: CallOptions): Promise<WireHostnode> {
  return call({ endpoint: endpoints.hostnode, pathValue: uuid, answer: hostnodeAnswer(uuid), options });
}

/**
 * `client/deploy/instantvms` (API reference 7.1): VMs that are ready to be taken.
 *
 * @returns `virtual_machines` by UUID and `preconfig_options`, their kinds; memory and storage in GB, rates per hour. The
 * models and counts of GPUs are lists in step
 */
export async function instantVms(call: Caller, options?: CallOptions): Promise<InstantVms> {
  return call({ endpoint: endpoints.instantVms, answer: instantVmsAnswer, options });
}
