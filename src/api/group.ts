/** Names that the API server, manifests and the provider see. Changing one of them orphans what exists already. */

export const apiGroup = 'gpuvm.dev';
export const apiVersion = 'v1alpha1';
export const groupVersion = `${apiGroup}/${apiVersion}`;

/** Held by every resource from before its first paid call until its VM is proven gone. */
export const finalizerName = `${apiGroup}/vm-cleanup`;

export const annotations = {
  /** "true": nothing is changed at the provider; deletion still goes through. */
  paused: `${apiGroup}/paused`,
  /** Id of an existing VM that this resource takes over. */
  adopt: `${apiGroup}/adopt`,
  /** Any new value makes the operator look again; shown back as status.lastHandledReconcileAt. */
  reconcileRequestedAt: `${apiGroup}/reconcile-requested-at`,
  /** "true" on a resource that is being deleted: let go of a VM that cannot be deleted. It may go on billing. */
  abandon: `${apiGroup}/abandon`,
  /** On a GpuAccount: fingerprint of an api_key, whose organization somebody says is the one to go on with. */
  confirmOrganization: `${apiGroup}/confirm-organization`,
  /** On a GpuAccount: status.unmanagedHold.confirm, of VMs that somebody says are to go. */
  confirmUnmanaged: `${apiGroup}/confirm-unmanaged`,
  /** "true" on a member of a GpuPool: when the pool is made smaller, this one goes first. */
  deleteFirst: `${apiGroup}/delete-first`,
  /** On a member that was made while repairs were being counted: status.breaker.since of its pool. What became of it counts. */
  repairedSince: `${apiGroup}/repaired-since`,
  /** On a member: which labels and annotations it has from its pool, and a hash of their values. The others are not the pool's. */
  templateMetadata: `${apiGroup}/template-metadata`,
  /** On connection Secrets: name of the resource they belong to. No label, whose values are shorter than names may be. */
  vmName: `${apiGroup}/vm`,
} as const;

export const labels = {
  managedBy: 'app.kubernetes.io/managed-by',
  /** On members of a GpuPool: name of the pool. What its scale subresource selects by. */
  pool: `${apiGroup}/pool`,
  /** On members of a GpuPool: hash of what cannot be changed of a VM that exists. Another one than the pool's: to be replaced. */
  templateHash: `${apiGroup}/template-hash`,
} as const;

export const managedByValue = 'gpuvm-operator';

export const gpuVmType = {
  group: apiGroup,
  version: apiVersion,
  plural: 'gpuvms',
  kind: 'GpuVm',
  namespaced: true,
} as const;

export const spotVmType = {
  group: apiGroup,
  version: apiVersion,
  plural: 'spotvms',
  kind: 'SpotVm',
  namespaced: true,
} as const;

export const gpuPoolType = {
  group: apiGroup,
  version: apiVersion,
  plural: 'gpupools',
  kind: 'GpuPool',
  namespaced: true,
} as const;

export const gpuBudgetType = {
  group: apiGroup,
  version: apiVersion,
  plural: 'gpubudgets',
  kind: 'GpuBudget',
  namespaced: true,
} as const;

export const gpuAccountType = {
  group: apiGroup,
  version: apiVersion,
  plural: 'gpuaccounts',
  kind: 'GpuAccount',
  namespaced: false,
} as const;
