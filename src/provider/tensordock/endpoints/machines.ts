import type { CallOptions, VmSize } from '../../contract.ts';
import type { Caller } from '../caller.ts';
import { saysAlreadyTerminated } from '../classify.ts';
import { endpoints } from '../endpoint.ts';
import { bareAnswer, getAnswer, listAnswer, modifyAnswer, type WireVm } from '../wire/vm.ts';

/**
 * `client/list` (API reference 5.2): all VMs of the organization, by id, each still unparsed: see `wireVm`. An empty map
 * if the provider says that there are none.
 */
export async function list(call: Caller, options?: CallOptions): Promise<readonly [id: string, vm: unknown][]> {
  return call({ endpoint: endpoints.list, answer: listAnswer, options });
}

/**
 * `client/get/single` (API reference 5.3): one VM, with fewer fields than in the list: address, region and the split of
 * the price may be missing. Rejects `notFound` if the provider says that there is none.
 */
export async function getSingle(call: Caller, id: string, options?: CallOptions): Promise<WireVm> {
  return call({ endpoint: endpoints.getSingle, fields: () => ({ server: id }), answer: getAnswer(id), options });
}

/**
 * `client/start/single` (API reference 5.4): files a request to start. Rejects `wrongState` for a running VM and
 * `noCapacity` when the host has no room (A12).
 */
export async function startSingle(call: Caller, id: string, options?: CallOptions): Promise<void> {
  await call({ endpoint: endpoints.startSingle, fields: () => ({ server: id }), answer: bareAnswer, options });
}

/**
 * `client/stop/single` (API reference 5.5). Without `release` the VM goes on costing what a running one does; with it
 * only the storage is billed, and all else may be gone afterwards (A11). Rejects `wrongState` for a stopped VM.
 */
export async function stopSingle(
  call: Caller,
  request: { readonly id: string; readonly release: boolean },
  options?: CallOptions,
): Promise<void> {
  await call({
    endpoint: endpoints.stopSingle,
    // `true` or nothing, never `false` (A13).
    fields: () => ({ server: request.id, disassociate_resources: request.release ? true : undefined }),
    answer: bareAnswer,
    options,
  });
}

/**
 * `client/modify/single` (API reference 5.6): sets the absolute sizes of a stopped VM, all five together (A8); storage
 * and memory in GB. Rejects `wrongState` for a VM that is not stopped. Returns the VM's id as the answer has it.
 */
export async function modifySingle(
  call: Caller,
  request: { readonly id: string; readonly size: VmSize },
  options?: CallOptions,
): Promise<string | undefined> {
  const { id, size } = request;
  const answer = await call({
    endpoint: endpoints.modifySingle,
    fields: () => ({
      // The only endpoint that calls it `server_id`.
      server_id: id,
      gpu_model: size.gpuModel,
      gpu_count: size.gpuCount,
      ram: size.memoryGB,
      vcpus: size.vcpus,
      storage: size.storageGB,
    }),
    answer: modifyAnswer,
    options,
  });
  return answer.server;
}

/**
 * `client/delete/single` (API reference 5.7): deletes for good. A refusal that says "already terminated" is a success
 * (14.5, A31). Rejects `notFound` for an id that the provider does not know.
 */
export async function deleteSingle(call: Caller, id: string, options?: CallOptions): Promise<void> {
  await call({
    endpoint: endpoints.deleteSingle,
    fields: () => ({ server: id }),
    answer: bareAnswer,
    orElse: (answer) => (saysAlreadyTerminated(answer) ? {} : undefined),
    options,
  });
}
