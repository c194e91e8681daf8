/**
 * The typed client of API v0: one function per endpoint, all 22. Each takes a `Caller` first (see `createClient` for
 * one), makes exactly one HTTP request and rejects with a ProviderError only. They speak the API's own field names, with
 * values parsed: amounts are decimals, counts integers, times milliseconds since the epoch. `provider.ts` puts the
 * operator's neutral contract on top.
 */
export { authList, authTest } from './endpoints/auth.ts';
export { billingBalance, billingRevenue, billingSummary } from './endpoints/billing.ts';
export { containerDeploy, containerReplicas, containerScale, containerStop } from './endpoints/containers.ts';
export { deployInstantSingle, deploySingle } from './endpoints/deploy.ts';
export { hostnode, hostnodes, instantVms } from './endpoints/hostnodes.ts';
export { deleteSingle, getSingle, list, modifySingle, startSingle, stopSingle } from './endpoints/machines.ts';
export { spotValidateExisting, spotValidateNew } from './endpoints/spot.ts';
export { createCaller, type Caller, type Credentials } from './caller.ts';
export { createHttpTransport, type HttpTransport } from './http.ts';
