import type { CallOptions, VmSize } from '../../contract.ts';
import type { AnswerMemory, Caller } from '../caller.ts';
import { saysAlreadyTerminated } from '../classify.ts';
import { endpoints } from '../endpoint.ts';
import {
  bareAnswer,
  getAnswer,
  listAnswer,
  modifyAnswer,
  readListing,
  type WireEntry,
  type WireListing,
  type WireVm,
} from '../wire/vm.ts';

/**
 * `client/list` (API reference 5.2): all VMs of the organization, whoever made them.
 *
 * @returns by id; sizes in GB. Rates are those of the running VM, not what is billed now: a VM whose GPU was released still
 * shows them in full. No VM at all is an empty map, however the provider says so (A14)
 */
export async function list(call: Caller, options?: CallOptions): Promise<WireListing> {
  return listInto(call, { read: readListing }, options);
}

/** As `list`, for a poll that knows most VMs from the time before: what is made of the unparsed entries is up to `read`. */
export async function listInto<T>(
  call: Caller,
  { read, memory }: { readonly read: (entries: readonly WireEntry[]) => T; readonly memory?: AnswerMemory<T> },
  options?: CallOptions,
): Promise<T> {
  return call({ endpoint: endpoints.list, answer: listAnswer.transform(read), memory, options });
}

/**
 * `client/get/single` (API reference 5.3): one VM.
 *
 * @param id UUID of the VM
 * @returns as in `list`, but address, region and the split of the price may be missing, and `cost` may be the bid (A23)
 * @throws `notFound` if the provider says that there is none
 */
export async function getSingle(call: Caller, id: string, options?: CallOptions): Promise<WireVm> {
  return call({ endpoint: endpoints.getSingle, fields: () => ({ server: id }), answer: getAnswer(id), options });
}

/**
 * `client/start/single` (API reference 5.4): files a request to start a VM; only a listing tells when it runs.
 *
 * @param id UUID of the VM
 * @throws `wrongState` for a VM that runs; `noCapacity` when its host has no room now (A12); `bidTooLow` when its bid does
 * not win; `notFound`; `insufficientBalance`
 */
export async function startSingle(call: Caller, id: string, options?: CallOptions): Promise<void> {
  await call({ endpoint: endpoints.startSingle, fields: () => ({ server: id }), answer: bareAnswer, options });
}

/**
 * `client/stop/single` (API reference 5.5): files a request to stop a VM.
 *
 * @param request without `release` the VM goes on costing what a running one does; with it only the storage is billed, and
 * all else may be given to somebody else (A11)
 * @throws `wrongState` for a VM that does not run, `notFound`
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
 * `client/modify/single` (API reference 5.6): sets the size of a stopped VM of the type "network storage". It stays on its
 * host (A41), and its rates change.
 *
 * @param request absolute amounts, all five (A8): those that shall not change too
 * @returns the VM's id, as the answer has it
 * @throws `wrongState` for a VM that is not stopped; `invalid`, also for a VM of another type; `noCapacity`; `notFound`
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
      // All five are sent, so a VM without GPUs has an empty model rather than none.
      gpu_model: size.gpuCount === 0 ? '' : size.gpuModel,
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
 * `client/delete/single` (API reference 5.7): files a request to delete a VM with its disk, for good. A refusal that says
 * "already terminated" is a success (14.5, A31).
 *
 * @param id UUID of the VM
 * @throws `notFound` for an id that the provider does not know
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
