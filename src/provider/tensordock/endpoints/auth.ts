import type { CallOptions } from '../../contract.ts';
import type { Caller } from '../caller.ts';
import { failsCredentials } from '../classify.ts';
import { endpoints } from '../endpoint.ts';
import { bareAnswer } from '../wire/vm.ts';
import { authListAnswer, type Authorization } from '../wire/organization.ts';

/**
 * `auth/test` (API reference 3.1): are key and token good?
 *
 * @returns false when they are refused, in whatever form the refusal comes (A1)
 * @throws only when there is no verdict: no answer, 429, or a 5xx that says nothing
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
 * `auth/list` (API reference 3.2): the organization's pairs of key and token.
 *
 * @returns by the pair's name: what it may do, when it was created (taken as UTC, A37), and a note. Neither keys nor tokens
 * are in it, and whether the calling pair is, is open (A34)
 */
export async function authList(call: Caller, options?: CallOptions): Promise<ReadonlyMap<string, Authorization>> {
  const answer = await call({ endpoint: endpoints.authList, answer: authListAnswer, options });
  return answer.authorizations;
}
