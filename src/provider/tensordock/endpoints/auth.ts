import type { CallOptions } from '../../contract.ts';
import type { Caller } from '../caller.ts';
import { failsCredentials } from '../classify.ts';
import { endpoints } from '../endpoint.ts';
import { bareAnswer } from '../wire/vm.ts';
import { authListAnswer, type Authorization } from '../wire/organization.ts';

/**
 * `auth/test` (API reference 3.1): true when key and token are good, false when they are refused, in whatever form the
 * refusal comes (A1). Rejects when there is no verdict: no answer, 429, or a 5xx that says nothing.
 */
export async function authTest(call: Caller, options?: CallOptions): Promise<boolean> {
  const verdict = await call<Record<string, unknown> | 'refused'>({
    endpoint: endpoints.authTest,
    answer: bareAnswer,
    orElse: (answer) => (failsCredentials(answer) ? 'refused' : undefined),
    options,
  });
  return verdict !== 'refused';
}

/**
 * `auth/list` (API reference 3.2): the organization's authorizations by name; creation times in milliseconds since the
 * epoch. Neither keys nor tokens are in it, and whether the calling pair is, is open (A34).
 */
export async function authList(call: Caller, options?: CallOptions): Promise<ReadonlyMap<string, Authorization>> {
  const answer = await call({ endpoint: endpoints.authList, answer: authListAnswer, options });
  return answer.authorizations;
}
