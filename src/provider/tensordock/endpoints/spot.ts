import type { Money } from '../../../lib/money.ts';
import type { CallOptions, VmSize } from '../../contract.ts';
import type { Caller } from '../caller.ts';
import { isBidRefusal } from '../classify.ts';
import { endpoints } from '../endpoint.ts';
import { bareAnswer } from '../wire/vm.ts';
import { gpuFields } from './deploy.ts';

/**
 * `client/spot/validate/new` (API reference 6.1): would a VM of this size win on that host with this compute price per
 * hour? Changes nothing. False means: bid more, or there is no room; the two cannot be told apart. Takes no credentials.
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
 * `client/spot/validate/existing` (API reference 6.2): would this VM start, or go on running, at this compute price per
 * hour? Changes nothing; no endpoint sets a new price (A9).
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
