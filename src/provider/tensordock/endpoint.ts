/** What there is to know about an endpoint before calling it (API reference, section 2). */
export interface Endpoint {
  readonly method: 'GET' | 'POST';
  /** Below the base URL; `<x>` stands for a value. Also the endpoint's name in errors and metrics. */
  readonly path: string;
  /** Where key and token go: never into a header, and into the query only for reserved hosts. */
  readonly credentials: 'body' | 'query' | 'none';
  /**
   * `read`: nothing changes, so a failed call was certainly not "done". `change`: repeating it is harmless. `create`:
   * each success makes something more, so doubt about it is worth avoiding.
   */
  readonly effect: 'read' | 'change' | 'create';
  /** Whether the answer grows with what the organization or the provider has. Others are held to a small size. */
  readonly isListing?: true;
}

/** Largest answer that is no listing. The largest in the collection has 2 kB. Dozens of them may be on their way at once. */
export const longestPlainAnswer = 1024 * 1024;

const post = { method: 'POST', credentials: 'body' } as const;
const get = { method: 'GET', credentials: 'none' } as const;

/** The 22 requests of the API, by the names of our functions. */
export const endpoints = {
  authTest: { ...post, path: 'auth/test', effect: 'read' },
  authList: { ...post, path: 'auth/list', effect: 'read', isListing: true },
  hostnodes: { ...get, path: 'client/deploy/hostnodes', credentials: 'query', effect: 'read', isListing: true },
  hostnode: { ...get, path: 'client/deploy/hostnodes/<hostnode>', effect: 'read' },
  deploySingle: { ...post, path: 'client/deploy/single', effect: 'create' },
  spotValidateNew: { ...post, path: 'client/spot/validate/new', credentials: 'none', effect: 'read' },
  spotValidateExisting: { ...post, path: 'client/spot/validate/existing', effect: 'read' },
  list: { ...post, path: 'client/list', effect: 'read', isListing: true },
  getSingle: { ...post, path: 'client/get/single', effect: 'read' },
  startSingle: { ...post, path: 'client/start/single', effect: 'change' },
  stopSingle: { ...post, path: 'client/stop/single', effect: 'change' },
  modifySingle: { ...post, path: 'client/modify/single', effect: 'change' },
  deleteSingle: { ...post, path: 'client/delete/single', effect: 'change' },
  deployInstantSingle: { ...post, path: 'client/deployinstant/single', effect: 'create' },
  instantVms: { ...get, path: 'client/deploy/instantvms', effect: 'read', isListing: true },
  containerDeploy: { ...post, path: 'client/container/deploy', effect: 'create' },
  containerScale: { ...post, path: 'client/container/scale', effect: 'create' },
  containerStop: { ...post, path: 'client/container/stop', effect: 'change' },
  containerReplicas: { ...get, path: 'client/container/<container_id>/replicas', effect: 'read', isListing: true },
  billingBalance: { ...post, path: 'billing/balance', effect: 'read' },
  billingRevenue: { ...post, path: 'billing/revenue', effect: 'read', isListing: true },
  billingSummary: { ...post, path: 'billing/summary', effect: 'read', isListing: true },
} as const satisfies Record<string, Endpoint>;
