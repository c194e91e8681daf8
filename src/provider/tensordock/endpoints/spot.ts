import type { Money } from '../../../lib/money.ts';
import type { CallOptions, VmSize } from '../../contract.ts';
import type { Caller } from '../caller.ts';
import { isBidRefusal } from '../classify.ts';
import { endpoints } from '../endpoint.ts';
import { bareAnswer } from '../wire/vm.ts';
import { gpuFields } from './deploy.ts';

/**
 * `client/spot/validate/new` (API reference 6.1): would a new VM win with this bid? Changes nothing, reserves nothing, and
 * takes no credentials.
 *
 * @param request `price` is the bid for the compute part of the whole VM, per hour (A22)
 * @returns false: bid more, or there is no room; the two cannot be told apart
 * @throws `invalid` for sizes that are none, `notFound` for an unknown host
 */
export async function spotValidateNew(
  call: Caller,
  request: { readonly size: VmSize; readonly hostnode: string; readonly price: Money },
  options?: CallOptions,
): Promise<boolean> {
  const { size } = request;
  const verdict = await call<Record<string, unknown> | 'refused'>({
    endpoint: endpoints.spotValidateNew,
    fields: () => ({
      ...gpuFields(size),
      vcpus: size.vcpus,
      hostnode: request.hostnode,
      ram: size.memoryGB,
      storage: size.storageGB,
      price: request.price.toFixed(),
    }),
    answer: bareAnswer,
    orElse: (answer) => (isBidRefusal(answer) ? 'refused' : undefined),
    options,
  });
  return verdict !== 'refused';
}

/**
 * `client/spot/validate/existing` (API reference 6.2): would this VM start, or go on running, with this bid? Changes
 * nothing: no endpoint sets the bid of a VM that exists (A9).
 *
 * @param request `price` as in `spotValidateNew`
 * @returns false: bid more, or there is no room, or the VM is no spot VM: the refusal has no words
 * @throws `notFound`, `invalid` for a price that is none
 */
export async function spotValidateExisting(
  call: Caller,
  request: { readonly id: string; readonly price: Money },
  options?: CallOptions,
): Promise<boolean> {
  const verdict = await call<Record<string, unknown> | 'refused'>({
    endpoint: endpoints.spotValidateExisting,
    fields: () => ({ server: request.id, price: request.price.toFixed() }),
    answer: bareAnswer,
    orElse: (answer) => (isBidRefusal(answer) ? 'refused' : undefined),
    options,
  });
  return verdict !== 'refused';
}
