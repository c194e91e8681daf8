/**
 * The typed client of API v0: one function per endpoint, all 22 (API reference, section 2). Each takes a `Caller` first
 * (`createCaller` makes one), makes exactly one HTTP request and never repeats it.
 *
 * Values are parsed: amounts are decimals in US dollars, rates are per hour, sizes of memory and storage are GB, counts and
 * ports are integers, times are dates. Names are the API's own, because so is everything else about an answer: fields that
 * are not described here are kept in it as they came. `provider.ts` puts the operator's neutral contract on top.
 *
 * Every function rejects with a ProviderError and with nothing else. Whatever the endpoint, that may be: `unauthorized`
 * (key or token refused), `rateLimited` (429), `unavailable` (no answer, a broken one, a 5xx), `malformed` (not what the
 * reference describes) and `refused` (words we do not know). Its `outcome` says whether the call may have had an effect.
 * `@throws` lists what an endpoint adds to these.
 */
export { authList, authTest } from './endpoints/auth.ts';
export { billingBalance, billingRevenue, billingSummary, type RevenueRequest } from './endpoints/billing.ts';
export {
  containerDeploy,
  containerReplicas,
  containerScale,
  containerStop,
  type ContainerDeployRequest,
} from './endpoints/containers.ts';
export {
  deployInstantSingle,
  deploySingle,
  type DeployInstantRequest,
  type DeploySingleRequest,
  type VmAccess,
} from './endpoints/deploy.ts';
export { hostnode, hostnodes, instantVms, type HostnodeFilters, type HostnodesRequest } from './endpoints/hostnodes.ts';
export {
  deleteSingle,
  getSingle,
  list,
  listInto,
  modifySingle,
  startSingle,
  stopSingle,
} from './endpoints/machines.ts';
export { spotValidateExisting, spotValidateNew } from './endpoints/spot.ts';
export { AnswerMemory, createCaller, type Caller, type Credentials } from './caller.ts';
export { createHttpTransport, type HttpTransport } from './http.ts';
export type { InstantVms, WireHostnode } from './wire/hostnodes.ts';
export type { Authorization, BalanceAnswer, Replica, Revenue, Summary } from './wire/organization.ts';
export type { DeployAnswer, WireEntry, WireListing, WireVm } from './wire/vm.ts';
